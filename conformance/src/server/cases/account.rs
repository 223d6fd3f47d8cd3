//! What holds from one ceremony to the next: challenges serve once, accounts belong to whoever made them, signatures to keys.

use serde_json::{Value as Json, json};

use super::{Refused, assertion, credential, put};
use crate::case::{Case, Stop, ensure, present};
use crate::server::ceremony::{Assertion, Registration, base64url};
use crate::server::statement::none;
use crate::server::{Members, Reason, Server};

/// The cases of this area.
pub fn cases() -> Vec<Case<Server>> {
    [challenges(), accounts(), signatures()].into_iter().flatten().collect()
}

fn case(
    id: &str,
    clause: &'static str,
    must: &str,
    body: impl Fn(&mut Server) -> Result<(), Stop> + 'static,
) -> Case<Server> {
    Case::about(id, clause, must, body)
}

fn challenges() -> Vec<Case<Server>> {
    vec![
        case("registration/challenge/twice", "13.4.3", "take a registration's challenge once", |server| {
            let user = server.new_user();
            let options = server.creation_options(&user, "none")?;
            let registration = Registration::new(server, options, -7)?;
            server.finish(&registration, none)?.accepted()?;
            let reply = server.finish(&registration, none)?;
            server.refused(&reply, &[Reason::Challenge])
        }),
        case(
            "registration/challenge/after-refusal",
            "13.4.3",
            "take a challenge once, also when the answer was refused",
            |server| {
                let user = server.new_user();
                let options = server.creation_options(&user, "none")?;
                let mut registration = Registration::new(server, options, -7)?;
                let object = registration.attestation_object(|registration| {
                    let statement = crate::server::statement::packed_self(
                        &registration.with_key(crate::server::key::Key::generate(-7)?),
                    )?;
                    Ok(statement)
                })?;
                let refused = server.post("attestation/result", &registration.json(&object))?;
                ensure(refused.status >= 400, "the wrong answer was accepted", "a refusal")?;
                registration.data.counter = 0;
                let reply = server.finish(&registration, none)?;
                server.refused(&reply, &[Reason::Challenge])
            },
        ),
        case(
            "registration/challenge/other-browser",
            "13.4.3",
            "take a challenge from the browser that it gave it to",
            |server| {
                let user = server.new_user();
                let options = server.creation_options(&user, "none")?;
                let registration = Registration::new(server, options, -7)?;
                server.new_browser();
                let reply = server.finish(&registration, none)?;
                server.refused(&reply, &[Reason::Challenge])
            },
        ),
        case(
            "registration/challenge/of-a-sign-in",
            "13.4.3",
            "take no sign-in's challenge for a registration",
            |server| {
                let credential = server.registered()?;
                let mut options = server.request_options(&credential.user)?;
                options.insert("user".to_owned(), json!({"id": credential.user_handle}));
                let registration = Registration::new(server, options, -7)?;
                let reply = server.finish(&registration, none)?;
                server.refused(&reply, &[Reason::Challenge])
            },
        ),
        case("assertion/challenge/twice", "13.4.3", "take a sign-in's challenge once", |server| {
            let credential = server.registered()?;
            let options = server.request_options(&credential.user)?;
            let mut assertion = Assertion::new(server, &options)?;
            server.post("assertion/result", &assertion.json(&credential)?)?.accepted()?;
            assertion.data.counter = 3;
            let reply = server.post("assertion/result", &assertion.json(&credential)?)?;
            server.refused(&reply, &[Reason::Challenge])
        }),
        case(
            "assertion/challenge/other-browser",
            "13.4.3",
            "take a challenge from the browser that it gave it to",
            |server| {
                let credential = server.registered()?;
                let options = server.request_options(&credential.user)?;
                server.new_browser();
                let json = Assertion::new(server, &options)?.json(&credential)?;
                let reply = server.post("assertion/result", &json)?;
                server.refused(&reply, &[Reason::Challenge])
            },
        ),
        case(
            "assertion/challenge/of-a-registration",
            "13.4.3",
            "take no registration's challenge for a sign-in",
            |server| {
                let credential = server.registered()?;
                let other = server.new_user();
                let options = server.creation_options(&other, "none")?;
                let json = Assertion::new(server, &options)?.json(&credential)?;
                let reply = server.post("assertion/result", &json)?;
                server.refused(&reply, &[Reason::Challenge])
            },
        ),
    ]
}

fn accounts() -> Vec<Case<Server>> {
    vec![
        case("registration/account/excluded", "5.4", "exclude the credentials that a user has", |server| {
            let credential = server.registered()?;
            let options = server.creation_options(&credential.user, "none")?;
            let excluded =
                present(options.get("excludeCredentials").and_then(Json::as_array), "excludeCredentials")?;
            let wanted = base64url(&credential.id);
            let listed = matches!(excluded.as_slice(), [one] if one["id"] == wanted);
            ensure(listed, format!("excludeCredentials is {excluded:?}"), "exactly the credential")
        }),
        case(
            "registration/account/excluded-again",
            "7.1 step 26",
            "refuse a credential that it excluded",
            |server| {
                let credential = server.registered()?;
                let options = server.creation_options(&credential.user, "none")?;
                let reply = repeated(server, options, credential.id)?;
                server.refused(&reply, &[Reason::Duplicate])
            },
        ),
        case(
            "registration/account/of-another-user",
            "7.1 step 26",
            "refuse a credential ID that another user has",
            |server| {
                let credential = server.registered()?;
                server.new_browser();
                let user = server.new_user();
                let options = server.creation_options(&user, "none")?;
                let reply = repeated(server, options, credential.id)?;
                server.refused(&reply, &[Reason::Duplicate])
            },
        ),
        case(
            "registration/account/taken",
            "13.4",
            "add nothing to an account for someone who has not signed in to it",
            |server| {
                let user = server.registered()?.user;
                server.new_browser();
                let asked = json!({"username": user, "displayName": "User"});
                let reply = server.post("attestation/options", &asked)?;
                server.refused(&reply, &[Reason::Name])
            },
        ),
        case(
            "assertion/account/other-user",
            "7.2 step 6",
            "sign in nobody but the user whom it asked",
            |server| {
                let one = server.registered()?;
                server.new_browser();
                let other = server.registered()?;
                let options = server.request_options(&one.user)?;
                let json = Assertion::new(server, &options)?.json(&other)?;
                let reply = server.post("assertion/result", &json)?;
                server.refused(&reply, &[Reason::Credential])
            },
        ),
        case(
            "assertion/account/unknown-credential",
            "7.2 step 6",
            "refuse a credential that nobody has",
            |server| {
                let mut credential = server.registered()?;
                let options = server.request_options(&credential.user)?;
                credential.id = vec![7; 32];
                let json = Assertion::new(server, &options)?.json(&credential)?;
                let reply = server.post("assertion/result", &json)?;
                server.refused(&reply, &[Reason::Credential])
            },
        ),
    ]
}

/// Registers a credential ID once more, with another key.
fn repeated(server: &mut Server, options: Members, id: Vec<u8>) -> Result<crate::server::Reply, Stop> {
    let mut registration = Registration::new(server, options, -7)?;
    if let Some(attested) = &mut registration.data.attested {
        attested.id = id;
    }
    server.finish(&registration, none)
}

/// What stands in place of a signature.
const NO_SIGNATURE: &[(&str, &[u8])] = &[
    ("one-byte", &[0x30]),
    ("zero-r-s", &[0x30, 6, 2, 1, 0, 2, 1, 0]),
    ("one-r-s", &[0x30, 6, 2, 1, 1, 2, 1, 1]),
    ("empty-sequence", &[0x30, 0]),
    ("raw-zeros", &[0; 64]),
    ("long", &[0x30; 4096]),
];

fn signatures() -> Vec<Case<Server>> {
    let wanted = Refused(&[Reason::Signature]);
    let mut cases: Vec<Case<Server>> = NO_SIGNATURE
        .iter()
        .map(|(id, bytes)| {
            let rule =
                (format!("assertion/signature/{id}"), "7.2 step 24", "refuse this in place of a signature");
            assertion(
                rule,
                wanted,
                credential(move |members| {
                    put(members, &["response", "signature"], Some(&json!(base64url(bytes))));
                }),
            )
        })
        .collect();
    cases.push(case(
        "assertion/signature/other-key",
        "7.2 step 24",
        "refuse another key's signature",
        |server| {
            let mut credential = server.registered()?;
            let options = server.request_options(&credential.user)?;
            credential.key = crate::server::key::Key::generate(-7)?;
            let json = Assertion::new(server, &options)?.json(&credential)?;
            let reply = server.post("assertion/result", &json)?;
            server.refused(&reply, &[Reason::Signature])
        },
    ));
    cases.push(case(
        "assertion/signature/other-client-data",
        "7.2 step 23",
        "refuse client data that were not signed",
        |server| {
            let credential = server.registered()?;
            let options = server.request_options(&credential.user)?;
            let mut assertion = Assertion::new(server, &options)?;
            let signed = assertion.json(&credential)?;
            assertion.client_data.insert("example".to_owned(), true.into());
            replayed(server, assertion.json(&credential)?, &signed)
        },
    ));
    cases.push(case(
        "assertion/signature/other-authenticator-data",
        "7.2 step 24",
        "refuse authenticator data that were not signed",
        |server| {
            let credential = server.registered()?;
            let options = server.request_options(&credential.user)?;
            let mut assertion = Assertion::new(server, &options)?;
            let signed = assertion.json(&credential)?;
            assertion.data.counter = 9;
            replayed(server, assertion.json(&credential)?, &signed)
        },
    ));
    cases
}

/// Sends one assertion with another one's signature.
fn replayed(server: &mut Server, mut json: Json, signed: &Json) -> Result<(), Stop> {
    if let Some(members) = json.as_object_mut() {
        put(members, &["response", "signature"], signed.pointer("/response/signature"));
    }
    let reply = server.post("assertion/result", &json)?;
    server.refused(&reply, &[Reason::Signature])
}
