//! What makeCredential answers (CTAP 2.3 §6.1.2 step 16 and following, WebAuthn §6.1 and §8).

use crate::case::{Case, Need, Stop, Version, ensure, present, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Answer, AuthenticatorData, Status, flags, sha256, verify_attestation};
use crate::session::{CLIENT_DATA_HASH, Credential, RP_ID, Session};

pub(super) fn cases() -> Vec<Case> {
    looks().into_iter().chain(algorithms()).chain(whole()).collect()
}

/// A made credential, looked at from one side.
type Look = fn(&mut Session, &Answer, &AuthenticatorData) -> Result<(), Stop>;

fn looks() -> Vec<Case> {
    let rows: [(&str, &str, Look); 11] = [
        ("canonical", "answer in canonical CBOR", |_, answer, _| {
            let breaches = answer.body.as_ref().map(|body| body.breaches.join("; ")).unwrap_or_default();
            ensure(breaches.is_empty(), breaches, "canonical CBOR")
        }),
        (
            "members",
            "answer with fmt, authData and attStmt, and nothing that CTAP does not know",
            |_, answer, _| {
                let members = answer.body.as_ref().and_then(|body| body.value.map()).unwrap_or_default();
                let keys: Vec<u64> = members.iter().filter_map(|(key, _)| key.unsigned()).collect();
                let fits = [1, 2, 3].iter().all(|key| keys.contains(key))
                    && keys.iter().all(|key| (1..=6).contains(key));
                ensure(
                    fits && keys.len() == members.len(),
                    format!("members {keys:?}"),
                    "members 1, 2 and 3; perhaps 4 to 6",
                )
            },
        ),
        ("rp-id-hash", "put the SHA-256 of the RP ID into the authenticator data", |_, _, data| {
            ensure(data.rp_id_hash == sha256(RP_ID), "another hash", "SHA-256 of rp.id")
        }),
        ("user-present", "say that the user was present", |_, _, data| {
            ensure(data.flags & flags::UP != 0, format!("flags 0x{:02x}", data.flags), "the flag UP (0x01)")
        }),
        ("attested", "say that there is attested credential data", |_, _, data| {
            ensure(
                data.flags & flags::AT != 0 && data.credential.is_some(),
                format!("flags 0x{:02x}", data.flags),
                "the flag AT (0x40)",
            )
        }),
        ("reserved-flags", "leave the reserved flags alone", |_, _, data| {
            ensure(data.flags & 0x22 == 0, format!("flags 0x{:02x}", data.flags), "bits 1 and 5 zero")
        }),
        ("backup-flags", "not say that a credential is backed up which cannot be", |_, _, data| {
            let wrong = data.flags & flags::BS != 0 && data.flags & flags::BE == 0;
            ensure(!wrong, format!("flags 0x{:02x}", data.flags), "BS (0x10) only with BE (0x08)")
        }),
        ("aaguid", "put the AAGUID of getInfo into the authenticator data", |session, _, data| {
            let aaguid = session.info().member(0x03).and_then(Value::bytes).unwrap_or_default().to_vec();
            let made =
                data.credential.as_ref().map(|credential| credential.aaguid.clone()).unwrap_or_default();
            ensure(made == aaguid, format!("AAGUID {made:02x?}"), format!("AAGUID {aaguid:02x?}"))
        }),
        ("credential-id-length", "make credential IDs no longer than it says", |session, _, data| {
            let most = session
                .info()
                .member(0x08)
                .and_then(Value::unsigned)
                .and_then(|most| usize::try_from(most).ok());
            let length = data.credential.as_ref().map_or(0, |credential| credential.id.len());
            let most = most.unwrap_or(1023);
            ensure((16..=most).contains(&length), format!("{length} bytes"), format!("16 to {most} bytes"))
        }),
        ("no-extensions", "answer no extension that was not asked for", |_, _, data| {
            ensure(
                data.extensions.is_none(),
                format!("extensions {:?}", data.extensions),
                "no extension data",
            )
        }),
        ("attestation", "prove the credential with a statement that verifies", |_, answer, _| {
            let format = present(answer.member(0x01).and_then(Value::text), "fmt (0x01)")?;
            let bytes = present(answer.member(0x02).and_then(Value::bytes), "authData (0x02)")?;
            let statement = present(answer.member(0x03), "attStmt (0x03)")?;
            verify_attestation(format, statement, bytes, &CLIENT_DATA_HASH)
                .map_err(|error| Stop::failed(error, "an attestation statement that verifies"))
        }),
    ];
    rows.into_iter()
        .map(|(id, must, look)| {
            Case::new(
                format!("make-credential/response/{id}"),
                "6.1.2",
                must,
                move |session: &mut Session| {
                    let answer = session.remembered("make-credential", |session| {
                        let request = session.make(0x20)?;
                        session.send(&request)
                    })?;
                    status(&answer, Status::OK)?;
                    let data = authenticator_data(&answer)?;
                    look(session, &answer, &data)
                },
            )
        })
        .collect()
}

fn authenticator_data(answer: &Answer) -> Result<AuthenticatorData, Stop> {
    let bytes = present(answer.member(0x02).and_then(Value::bytes), "authData (0x02)")?;
    AuthenticatorData::parse(bytes).map_err(|error| Stop::failed(error, "authenticator data without a fault"))
}

fn algorithms() -> Vec<Case> {
    [("es256", -7), ("es384", -35), ("eddsa", -8), ("rs256", -257), ("ml-dsa-44", -48)]
        .into_iter()
        .map(|(name, algorithm)| {
            let must = format!("make a key for algorithm {algorithm} when it is the one asked for");
            Case::new(
                format!("make-credential/algorithms/{name}"),
                "6.1.2",
                must,
                move |session: &mut Session| {
                    let parameter = cbor_map! { "alg" => algorithm, "type" => "public-key" };
                    let request = session.make(0x21)?.with(0x04, vec![parameter]);
                    let answer = session.send(&request)?;
                    let credential = Credential::from_answer(&answer)?;
                    let made = credential.key.algorithm;
                    ensure(
                        made == i64::from(algorithm),
                        format!("a key for {made}"),
                        format!("a key for {algorithm}"),
                    )
                },
            )
            .needs(Need::Algorithm(algorithm.into()))
        })
        .collect()
}

fn whole() -> Vec<Case> {
    vec![
        Case::new(
            "make-credential/response/verified",
            "6.1.2",
            "say that the user was verified by a pinUvAuthParam",
            |session| {
                let request = session.make(0x22)?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                let flags = authenticator_data(&answer)?.flags;
                ensure(flags & flags::UV != 0, format!("flags 0x{flags:02x}"), "the flag UV (0x04)")
            },
        )
        .needs(Need::Option("clientPin")),
        Case::new(
            "make-credential/response/fresh-keys",
            "6.1.2",
            "make another key and ID each time",
            |session| {
                let (first, second) = (session.new_credential(0x23)?, session.new_credential(0x24)?);
                ensure(
                    first.id != second.id && first.key != second.key,
                    "the same key or ID twice",
                    "two keys and two IDs",
                )
            },
        ),
        Case::new(
            "make-credential/format/none",
            "6.1.2",
            "give no attestation where the platform prefers none",
            |session| {
                let request = session.make(0x25)?.with(0x0B, vec![Value::from("none")]);
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                let format = present(answer.member(0x01).and_then(Value::text), "fmt (0x01)")?;
                ensure(format == "none", format!("fmt {format:?}"), "fmt \"none\" with an empty attStmt")
            },
        )
        .since(Version::V2_2),
        Case::new(
            "make-credential/format/unknown",
            "6.1.2",
            "choose a format of its own when it has none of the preferred ones",
            |session| {
                let request = session.make(0x26)?.with(0x0B, vec![Value::from("zzz")]);
                let answer = session.send(&request)?;
                status(&answer, Status::OK)
            },
        )
        .since(Version::V2_2),
        Case::new(
            "make-credential/format/advertised",
            "6.1.2",
            "give each format that it advertises when it is preferred",
            |session| {
                let formats = session.info().member(0x16).and_then(Value::array).unwrap_or_default().to_vec();
                for format in formats {
                    let request = session.make(0x27)?.with(0x0B, vec![format.clone()]);
                    let answer = session.send(&request)?;
                    status(&answer, Status::OK)?;
                    ensure(
                        answer.member(0x01) == Some(&format),
                        format!("fmt {:?}", answer.member(0x01)),
                        format!("fmt {format:?}"),
                    )?;
                }
                Ok(())
            },
        )
        .since(Version::V2_2)
        .needs(Need::Member(0x16, "attestationFormats")),
    ]
}
