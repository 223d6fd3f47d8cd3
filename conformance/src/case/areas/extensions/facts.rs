//! Extensions that tell a relying party something: minPinLength, pinComplexityPolicy, thirdPartyPayment (CTAP 2.3 §12.5 and following).

use super::{make_with, not_booleans, output, wants, wrong_types};
use crate::case::{Case, Need, Stop, Version, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Status, command};
use crate::session::{Credential, RP_ID, Session};

pub(super) fn cases() -> Vec<Case> {
    let pin =
        [("minPinLength", "12.5", Version::V2_1, 0x0D), ("pinComplexityPolicy", "12.6", Version::V2_3, 0x1B)];
    let pin = pin.into_iter().flat_map(|(name, clause, since, member)| {
        let told = about_pin(name, clause, member)
            .into_iter()
            .map(move |case| case.since(since).needs(Need::Extension(name)));
        told.chain(wrong_types(name, clause, since, not_booleans()))
    });
    pin.chain(payment())
        .chain(wrong_types("thirdPartyPayment", "12.9", Version::V2_2, not_booleans()))
        .collect()
}

/// A fact about the PIN, which only listed relying parties learn; `member` of getInfo has it too.
fn about_pin(name: &'static str, clause: &'static str, member: u64) -> Vec<Case> {
    let id = name.to_lowercase();
    vec![
        Case::new(
            format!("extensions/{id}/unlisted"),
            clause,
            format!("not tell {name} to a relying party that is not listed"),
            move |session: &mut Session| {
                let request = make_with(session, 0xB0, name, true)?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                wants(output(&answer, name)?.as_ref(), None)
            },
        ),
        Case::new(
            format!("extensions/{id}/listed"),
            clause,
            format!("tell {name} to a relying party that is listed"),
            move |session: &mut Session| {
                let listed = cbor_map! { 2 => vec![Value::from(RP_ID)] };
                session.disturb();
                let request = session.administer(command::CONFIG, 0x03, Some(listed))?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                let request = make_with(session, 0xB0, name, true)?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                let wanted = session.refresh()?.member(member).cloned();
                wants(output(&answer, name)?.as_ref(), wanted.as_ref())
            },
        )
        .needs_all(&[Need::Option("setMinPINLength"), Need::Member(0x10, "maxRPIDsForSetMinPINLength")]),
    ]
}

fn payment() -> Vec<Case> {
    let asked = |session: &mut Session, credential: &Credential| -> Result<Option<Value>, Stop> {
        let request = Session::assert_request(vec![credential.descriptor()])
            .with(0x04, cbor_map! { "thirdPartyPayment" => true });
        let request = session.authorized(request)?;
        let answer = session.send(&request)?;
        status(&answer, Status::OK)?;
        output(&answer, "thirdPartyPayment")
    };
    let cases = [
        Case::new(
            "extensions/thirdpartypayment/made",
            "12.9",
            "say later that a credential is for payments of third parties",
            move |session: &mut Session| {
                let request = make_with(session, 0xB1, "thirdPartyPayment", true)?;
                let credential = Credential::from_answer(&session.send(&request)?)?;
                wants(asked(session, &credential)?.as_ref(), Some(&true.into()))
            },
        ),
        Case::new(
            "extensions/thirdpartypayment/not-made",
            "12.9",
            "say that other credentials are not",
            move |session: &mut Session| {
                let credential = session.shared_credential()?;
                wants(asked(session, &credential)?.as_ref(), Some(&false.into()))
            },
        ),
    ];
    cases
        .map(|case| case.since(Version::V2_2).needs(Need::Extension("thirdPartyPayment")))
        .into_iter()
        .collect()
}
