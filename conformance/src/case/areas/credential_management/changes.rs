//! Deleting and renaming (CTAP 2.3 §6.8.5 and §6.8.6).

use super::listing::existing;
use super::{CREDENTIALS_BEGIN, DELETE, UPDATE, manage, of_rp};
use crate::case::{Case, Stop, ensure, present, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::Status;
use crate::session::{Credential, Session};

pub(super) fn cases() -> Vec<Case> {
    let nobody = || cbor_map! { "id" => [1_u8; 32], "type" => "public-key" };
    vec![
        Case::new(
            "credential-management/delete/gone",
            "6.8.5",
            "delete a credential so that it signs no more",
            |session| {
                let rp = "deleted.example";
                let credential = session.account(rp, 1)?;
                let before = existing(session)?;
                let answer = manage(session, DELETE, Some(cbor_map! { 2 => credential.descriptor() }))?;
                status(&answer, Status::OK)?;
                let after = existing(session)?;
                ensure(after + 1 == before, format!("{before}, then {after}"), "one credential less")?;
                let request = Session::assert_request(vec![credential.descriptor()]).with(0x01, rp);
                let request = session.authorized_for(request, rp)?;
                let answer = session.send(&request)?;
                status(&answer, Status::NO_CREDENTIALS)
            },
        ),
        Case::new(
            "credential-management/delete/unknown",
            "6.8.5",
            "refuse to delete an unknown credential",
            move |session| {
                let answer = manage(session, DELETE, Some(cbor_map! { 2 => nobody() }))?;
                status(&answer, Status::NO_CREDENTIALS)
            },
        ),
        Case::new("credential-management/update/names", "6.8.6", "change a user's names", |session| {
            let credential = session.account("renamed.example", 1)?;
            let user = cbor_map! { "id" => [1_u8; 16], "name" => "bea", "displayName" => "Bea Example" };
            let found = renamed(session, &credential, user)?;
            ensure(
                found.at("name").and_then(Value::text) == Some("bea"),
                format!("{found:?}"),
                "the new name",
            )
        }),
        Case::new(
            "credential-management/update/dropped-name",
            "6.8.6",
            "forget a name that the new user has not",
            |session| {
                let credential = session.account("renamed.example", 1)?;
                let found = renamed(session, &credential, cbor_map! { "id" => [1_u8; 16] })?;
                ensure(found.at("name").is_none(), format!("{found:?}"), "a user without a name")
            },
        ),
        Case::new(
            "credential-management/update/other-user",
            "6.8.6",
            "refuse another user's ID",
            |session| {
                let credential = session.account("renamed.example", 1)?;
                let parameters = cbor_map! { 2 => credential.descriptor(), 3 => cbor_map! { "id" => [9_u8; 16], "name" => "eve" } };
                let answer = manage(session, UPDATE, Some(parameters))?;
                status(&answer, Status::INVALID_PARAMETER)
            },
        ),
        Case::new(
            "credential-management/update/unknown",
            "6.8.6",
            "refuse to rename an unknown credential",
            move |session| {
                let parameters =
                    cbor_map! { 2 => nobody(), 3 => cbor_map! { "id" => [1_u8; 16], "name" => "ann" } };
                let answer = manage(session, UPDATE, Some(parameters))?;
                status(&answer, Status::NO_CREDENTIALS)
            },
        ),
    ]
}

/// Gives a credential of `renamed.example` another user, and returns the one that is listed then.
fn renamed(session: &mut Session, credential: &Credential, user: Value) -> Result<Value, Stop> {
    let answer = manage(session, UPDATE, Some(cbor_map! { 2 => credential.descriptor(), 3 => user }))?;
    status(&answer, Status::OK)?;
    let answer = manage(session, CREDENTIALS_BEGIN, Some(of_rp("renamed.example")))?;
    status(&answer, Status::OK)?;
    present(answer.member(0x06).cloned(), "user (0x06)")
}
