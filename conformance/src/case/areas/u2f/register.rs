//! `U2F_REGISTER`.

use super::wants;
use crate::case::{Case, Stop, ensure};
use crate::ctap::u2f::{Apdu, REGISTER, Registration, Reply};
use crate::session::{APPLICATION, CHALLENGE, Session};

const CLAUSE: &str = "7.2";

pub(super) fn cases() -> Vec<Case> {
    looks().into_iter().chain(others()).collect()
}

/// The shared registration, looked at from one side.
type Look = fn(&Registration) -> Result<(), Stop>;

const LOOKS: [(&str, &str, Look); 6] = [
    ("attestation", "prove the key with a signature that verifies", |registration| {
        registration
            .verify(&APPLICATION, &CHALLENGE)
            .map_err(|error| Stop::failed(error, "a signature under the certificate"))
    }),
    ("other-challenge", "sign the challenge", |registration| {
        ensure(
            registration.verify(&APPLICATION, &[0; 32]).is_err(),
            "a signature over anything",
            "a signature over the challenge",
        )
    }),
    ("other-application", "sign the application", |registration| {
        ensure(
            registration.verify(&[0; 32], &CHALLENGE).is_err(),
            "a signature over anything",
            "a signature over the application",
        )
    }),
    ("handle", "give a key handle of 1 to 255 bytes", |registration| {
        ensure(!registration.handle.is_empty(), "an empty handle", "a key handle")
    }),
    ("certificate", "give a certificate", |registration| {
        ensure(registration.certificate.first() == Some(&0x30), "no DER", "a certificate in DER")
    }),
    ("signature-der", "sign in DER", |registration| {
        let length = registration.signature.len();
        ensure(
            (64..=72).contains(&length) && registration.signature.first() == Some(&0x30),
            format!("{length} bytes"),
            "an ECDSA signature in DER",
        )
    }),
];

fn looks() -> Vec<Case> {
    LOOKS
        .into_iter()
        .map(|(id, must, look)| {
            Case::new(format!("u2f/register/{id}"), CLAUSE, must, move |session: &mut Session| {
                look(&session.u2f_registration()?)
            })
        })
        .collect()
}

fn others() -> Vec<Case> {
    let parameters = [0x00, 0x03, 0x80].into_iter().map(|p1: u8| {
        let id = format!("u2f/register/p1-{p1:02x}");
        Case::new(id, CLAUSE, format!("register whatever P1 is: 0x{p1:02x}"), move |session: &mut Session| {
            let reply = session.u2f_touched(&Apdu::new(REGISTER, p1, &[CHALLENGE, APPLICATION].concat()))?;
            wants(&reply, &[Reply::OK])
        })
    });
    let cases = [
        Case::new(
            "u2f/register/fresh-keys",
            CLAUSE,
            "make another key and handle each time",
            |session: &mut Session| {
                let first = session.u2f_registration()?;
                let reply =
                    session.u2f_touched(&Apdu::new(REGISTER, 0, &[CHALLENGE, APPLICATION].concat()))?;
                let second = Registration::parse(&reply.data)
                    .map_err(|error| Stop::failed(error, "a registration"))?;
                ensure(
                    first.key != second.key && first.handle != second.handle,
                    "the same twice",
                    "two keys and two handles",
                )
            },
        ),
        Case::new(
            "u2f/register/untouched",
            CLAUSE,
            "register nothing without a touch",
            |session: &mut Session| {
                session.withhold_presence()?;
                let reply =
                    session.u2f(&Apdu::new(REGISTER, 0, &[CHALLENGE, APPLICATION].concat()).extended())?;
                wants(&reply, &[Reply::TOUCH])
            },
        ),
    ];
    parameters.chain(cases).collect()
}
