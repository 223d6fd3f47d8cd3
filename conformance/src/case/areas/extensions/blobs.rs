//! credBlob and largeBlobKey (CTAP 2.3 §12.2 and §12.3).

use super::{make_with, not_booleans, output, wants, wrong_types};
use crate::case::{Case, Need, Stop, Version, ensure, present, refused, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Request, Status};
use crate::session::{Credential, Session};

pub(super) fn cases() -> Vec<Case> {
    let texts = vec![("integer", 1.into()), ("text", "blob".into()), ("boolean", true.into())];
    let blob =
        cred_blob().into_iter().map(|case| case.since(Version::V2_1).needs(Need::Extension("credBlob")));
    let key = large_blob_key()
        .into_iter()
        .map(|case| case.since(Version::V2_1).needs(Need::Extension("largeBlobKey")));
    blob.chain(wrong_types("credBlob", "12.2", Version::V2_1, texts))
        .chain(key)
        .chain(wrong_types("largeBlobKey", "12.3", Version::V2_1, not_booleans()))
        .collect()
}

/// A discoverable credential with an extension.
fn discoverable(session: &mut Session, name: &str, input: impl Into<Value>) -> Result<Request, Stop> {
    Ok(make_with(session, 0xA0, name, input)?.with(0x07, cbor_map! { "rk" => true }))
}

/// An assertion by a credential, with an extension.
fn asked(session: &mut Session, credential: &Credential, name: &str) -> Result<Request, Stop> {
    let request =
        Session::assert_request(vec![credential.descriptor()]).with(0x04, cbor_map! { name => true });
    session.authorized(request)
}

fn cred_blob() -> Vec<Case> {
    vec![
        Case::new(
            "extensions/credblob/kept",
            "12.2",
            "keep a blob with a credential, and give it back",
            |session| {
                let most = session
                    .info()
                    .member(0x0F)
                    .and_then(Value::unsigned)
                    .and_then(|most| usize::try_from(most).ok());
                let blob = vec![0xB1; most.unwrap_or(32)];
                let request = discoverable(session, "credBlob", blob.clone())?;
                let answer = session.send(&request)?;
                let credential = Credential::from_answer(&answer)?;
                wants(output(&answer, "credBlob")?.as_ref(), Some(&true.into()))?;
                let request = asked(session, &credential, "credBlob")?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                wants(output(&answer, "credBlob")?.as_ref(), Some(&blob.into()))
            },
        ),
        Case::new(
            "extensions/credblob/too-long",
            "12.2",
            "make a credential without a blob that is too long, and say so",
            |session| {
                let most = session
                    .info()
                    .member(0x0F)
                    .and_then(Value::unsigned)
                    .and_then(|most| usize::try_from(most).ok());
                let request = discoverable(session, "credBlob", vec![0xB1; most.unwrap_or(32) + 1])?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                wants(output(&answer, "credBlob")?.as_ref(), Some(&false.into()))
            },
        ),
        Case::new("extensions/credblob/none", "12.2", "give an empty blob where none was kept", |session| {
            let credential = session.shared_credential()?;
            let request = asked(session, &credential, "credBlob")?;
            let answer = session.send(&request)?;
            status(&answer, Status::OK)?;
            wants(output(&answer, "credBlob")?.as_ref(), Some(&Vec::<u8>::new().into()))
        }),
    ]
}

fn large_blob_key() -> Vec<Case> {
    vec![
        Case::new(
            "extensions/largeblobkey/given",
            "12.3",
            "give a key of 32 bytes, the same at creation and later",
            |session| {
                let request = discoverable(session, "largeBlobKey", true)?;
                let answer = session.send(&request)?;
                let credential = Credential::from_answer(&answer)?;
                let made =
                    present(answer.member(0x05).and_then(Value::bytes), "largeBlobKey (0x05)")?.to_vec();
                ensure(made.len() == 32, format!("{} bytes", made.len()), "32 bytes")?;
                let request = asked(session, &credential, "largeBlobKey")?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                let later = answer.member(0x07).and_then(Value::bytes);
                ensure(later == Some(&made), "another key, or none", "largeBlobKey (0x07), the same key")
            },
        ),
        Case::new(
            "extensions/largeblobkey/not-asked",
            "12.3",
            "give no key that was not asked for",
            |session| {
                let request = session.make(0xA1)?.with(0x07, cbor_map! { "rk" => true });
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                ensure(answer.member(0x05).is_none(), "largeBlobKey (0x05)", "no key")
            },
        ),
        Case::new("extensions/largeblobkey/false", "12.3", "refuse largeBlobKey: false", |session| {
            let request = discoverable(session, "largeBlobKey", false)?;
            let answer = session.send(&request)?;
            status(&answer, Status::INVALID_OPTION)
        }),
        Case::new(
            "extensions/largeblobkey/not-discoverable",
            "12.3",
            "refuse a key for a credential that is not discoverable",
            |session| {
                let request =
                    make_with(session, 0xA2, "largeBlobKey", true)?.with(0x07, cbor_map! { "rk" => false });
                let answer = session.send(&request)?;
                refused(&answer, &[Status::INVALID_OPTION])
            },
        ),
        Case::new(
            "extensions/largeblobkey/assertion-false",
            "12.3",
            "refuse largeBlobKey: false in an assertion",
            |session| {
                let request = session.assert()?.with(0x04, cbor_map! { "largeBlobKey" => false });
                let answer = session.send(&request)?;
                status(&answer, Status::INVALID_OPTION)
            },
        ),
    ]
}
