//! What getAssertion answers (CTAP 2.3 §6.2.2, WebAuthn §6.1).

use crate::case::{Case, Need, Stop, ensure, present, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Answer, AuthenticatorData, Status, flags, sha256};
use crate::session::{CLIENT_DATA_HASH, Credential, RP_ID, Session};

pub(super) fn cases() -> Vec<Case> {
    looks().into_iter().chain(whole()).collect()
}

/// An assertion by a credential, looked at from one side.
type Look = fn(&Credential, &Answer, &AuthenticatorData) -> Result<(), Stop>;

fn looks() -> Vec<Case> {
    let rows: [(&str, &str, Look); 9] = [
        ("canonical", "answer in canonical CBOR", |_, answer, _| {
            let breaches = answer.body.as_ref().map(|body| body.breaches.join("; ")).unwrap_or_default();
            ensure(breaches.is_empty(), breaches, "canonical CBOR")
        }),
        ("signature", "sign so that the credential's key verifies it", |credential, answer, _| {
            verified(credential, answer)
        }),
        ("rp-id-hash", "put the SHA-256 of the RP ID into the authenticator data", |_, _, data| {
            ensure(data.rp_id_hash == sha256(RP_ID), "another hash", "SHA-256 of rpId")
        }),
        ("user-present", "say that the user was present", |_, _, data| {
            ensure(data.flags & flags::UP != 0, format!("flags 0x{:02x}", data.flags), "the flag UP (0x01)")
        }),
        (
            "short",
            "answer authenticator data of 37 bytes without attested data or extensions",
            |_, answer, data| {
                let length = answer.member(0x02).and_then(Value::bytes).map_or(0, <[u8]>::len);
                ensure(
                    length == 37 && data.flags & (flags::AT | flags::ED) == 0,
                    format!("{length} bytes, flags 0x{:02x}", data.flags),
                    "37 bytes",
                )
            },
        ),
        ("reserved-flags", "leave the reserved flags alone", |_, _, data| {
            ensure(data.flags & 0x22 == 0, format!("flags 0x{:02x}", data.flags), "bits 1 and 5 zero")
        }),
        ("credential", "name the credential, unless the allow list had only one", |credential, answer, _| {
            let id = answer.member(0x01).and_then(|descriptor| descriptor.at("id")).and_then(Value::bytes);
            let fits = answer.member(0x01).is_none() || id == Some(&credential.id);
            ensure(
                fits,
                format!("credential (0x01) {:?}", answer.member(0x01)),
                "the credential's descriptor, or none",
            )
        }),
        ("no-count", "not count credentials for an allow list", |_, answer, _| {
            ensure(
                answer.member(0x05).is_none(),
                "numberOfCredentials (0x05)",
                "no numberOfCredentials: the allow list is no choice of accounts",
            )
        }),
        ("no-user-selected", "not say that the user chose from one credential", |_, answer, _| {
            ensure(
                answer.member(0x06) != Some(&Value::Bool(true)),
                "userSelected (0x06) is true",
                "no userSelected",
            )
        }),
    ];
    rows.into_iter()
        .map(|(id, must, look)| {
            Case::new(format!("get-assertion/response/{id}"), "6.2.2", must, move |session: &mut Session| {
                let credential = session.shared_credential()?;
                let answer = session.remembered("get-assertion", |session| {
                    let request = session.assert()?;
                    session.send(&request)
                })?;
                status(&answer, Status::OK)?;
                look(&credential, &answer, &data_of(&answer)?)
            })
        })
        .collect()
}

/// The authenticator data of an assertion.
pub(super) fn data_of(answer: &Answer) -> Result<AuthenticatorData, Stop> {
    let bytes = present(answer.member(0x02).and_then(Value::bytes), "authData (0x02)")?;
    AuthenticatorData::parse(bytes).map_err(|error| Stop::failed(error, "authenticator data without a fault"))
}

/// Checks an assertion's signature.
pub(super) fn verified(credential: &Credential, answer: &Answer) -> Result<(), Stop> {
    let data = present(answer.member(0x02).and_then(Value::bytes), "authData (0x02)")?;
    let signature = present(answer.member(0x03).and_then(Value::bytes), "signature (0x03)")?;
    credential
        .key
        .verify(&[data, &CLIENT_DATA_HASH].concat(), signature)
        .map_err(|error| Stop::failed(error, "a signature over authData and clientDataHash"))
}

fn whole() -> Vec<Case> {
    let algorithms = [("es256", -7), ("es384", -35), ("eddsa", -8), ("rs256", -257)].into_iter().map(
        |(name, algorithm)| {
            let must = format!("sign with a key for algorithm {algorithm}");
            Case::new(
                format!("get-assertion/algorithms/{name}"),
                "6.2.2",
                must,
                move |session: &mut Session| {
                    let parameter = cbor_map! { "alg" => algorithm, "type" => "public-key" };
                    let request = session.make(0x30)?.with(0x04, vec![parameter]);
                    let credential = Credential::from_answer(&session.send(&request)?)?;
                    let request = Session::assert_request(vec![credential.descriptor()]);
                    let request = session.authorized(request)?;
                    let answer = session.send(&request)?;
                    status(&answer, Status::OK)?;
                    verified(&credential, &answer)
                },
            )
            .needs(Need::Algorithm(algorithm.into()))
        },
    );
    let others = [
        Case::new(
            "get-assertion/response/verified",
            "6.2.2",
            "say that the user was verified by a pinUvAuthParam",
            |session| {
                let request = session.assert()?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                let flags = data_of(&answer)?.flags;
                ensure(flags & flags::UV != 0, format!("flags 0x{flags:02x}"), "the flag UV (0x04)")
            },
        )
        .needs(Need::Option("clientPin")),
        Case::new(
            "get-assertion/response/counter",
            "6.1",
            "count up with every signature, or never",
            |session| {
                let mut counts = Vec::new();
                for _ in 0..3 {
                    let request = session.assert()?;
                    let answer = session.send(&request)?;
                    status(&answer, Status::OK)?;
                    counts.push(data_of(&answer)?.counter);
                }
                let rising = counts.iter().zip(counts.iter().skip(1)).all(|(before, after)| before < after);
                ensure(
                    rising || counts.iter().all(|count| *count == 0),
                    format!("counts {counts:?}"),
                    "three rising counts, or three zeros",
                )
            },
        ),
        Case::new(
            "get-assertion/no-credential",
            "6.2.2",
            "find nothing at a relying party where nothing was made",
            |session| {
                let request = Session::assert_request(vec![]).with(0x01, "nobody.example");
                let request = session.authorized_for(request, "nobody.example")?;
                let answer = session.send(&request)?;
                status(&answer, Status::NO_CREDENTIALS)
            },
        ),
        Case::new(
            "get-assertion/other-rp",
            "6.2.2",
            "not use a credential at another relying party",
            |session| {
                let credential = session.shared_credential()?;
                let request =
                    Session::assert_request(vec![credential.descriptor()]).with(0x01, "other.example");
                let request = session.authorized_for(request, "other.example")?;
                let answer = session.send(&request)?;
                status(&answer, Status::NO_CREDENTIALS)
            },
        ),
    ];
    algorithms.chain(others).collect()
}
