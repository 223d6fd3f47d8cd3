//! What the server asks of clients (WebAuthn L3 §5.4, §5.5, and the server API).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

use super::no_strings;
use crate::case::{Case, Stop, ensure, present};
use crate::server::{Members, Reason, Server};

/// A rule for options, seen in them.
type Rule = (&'static str, &'static str, &'static str, fn(&Members, &Server) -> bool);

const CREATION: &[Rule] = &[
    ("rp.name", "5.4.1", "name itself in rp.name", |options, _| text(options, "/rp/name").is_some()),
    ("rp.id", "5.4.2", "give its host as rp.id, or nothing", |options, server| {
        options.get("rp").is_some_and(|rp| rp.get("id").is_none_or(|id| id == server.rp_id.as_str()))
    }),
    ("user.id", "5.4.3", "give a user handle of 1 to 64 bytes", |options, _| {
        text(options, "/user/id").and_then(decoded).is_some_and(|id| (1..=64).contains(&id.len()))
    }),
    ("user.name", "5.4.1", "give the user's name", |options, _| text(options, "/user/name").is_some()),
    ("user.display-name", "5.4.3", "give the display name that was asked for", |options, _| {
        text(options, "/user/displayName").is_some_and(|name| name.starts_with("User "))
    }),
    ("challenge", "13.4.3", "give a challenge of 16 to 64 bytes", challenge),
    ("pub-key-cred-params", "5.4", "list algorithms of type public-key", |options, _| {
        options.get("pubKeyCredParams").and_then(Json::as_array).is_some_and(|params| {
            !params.is_empty()
                && params
                    .iter()
                    .all(|param| param.get("type") == Some(&json!("public-key")) && param["alg"].is_i64())
        })
    }),
    ("es256", "5.4", "list ES256, which every authenticator has", |options, _| {
        let params = options.get("pubKeyCredParams").and_then(Json::as_array);
        params.is_some_and(|params| params.iter().any(|param| param["alg"] == -7))
    }),
    ("timeout", "5.4", "give a timeout above 0, or none", timeout),
    ("exclude-credentials", "5.4", "exclude nothing for a new user", |options, _| {
        options.get("excludeCredentials").is_none_or(|list| list == &json!([]))
    }),
    ("user-verification", "5.4.6", "give back userVerification: required", |options, _| {
        text(options, "/authenticatorSelection/userVerification") == Some("required")
    }),
    ("attestation", "5.4.7", "give back the conveyance that was asked for", |options, _| {
        text(options, "/attestation") == Some("direct")
    }),
];

const REQUEST: &[Rule] = &[
    ("challenge", "13.4.3", "give a challenge of 16 to 64 bytes", challenge),
    ("rp-id", "5.5", "give its host as rpId, or nothing", |options, server| {
        options.get("rpId").is_none_or(|id| id == server.rp_id.as_str())
    }),
    ("timeout", "5.5", "give a timeout above 0, or none", timeout),
    ("user-verification", "5.5", "give back userVerification: required", |options, _| {
        text(options, "/userVerification") == Some("required")
    }),
];

/// The cases of this area.
pub fn cases() -> Vec<Case<Server>> {
    let creation = CREATION.iter().map(|(name, clause, must, holds)| {
        Case::about(format!("creation-options/{name}"), clause, *must, move |server: &mut Server| {
            let user = server.new_user();
            let options = server.creation_options(&user, "direct")?;
            seen(holds(&options, server), &options, must)
        })
    });
    let request = REQUEST.iter().map(|(name, clause, must, holds)| {
        Case::about(format!("request-options/{name}"), clause, *must, move |server: &mut Server| {
            let user = server.registered()?.user;
            let options = server.request_options(&user)?;
            seen(holds(&options, server), &options, must)
        })
    });
    let members = ["username", "displayName"].into_iter().flat_map(|member| {
        let wrong =
            no_strings().into_iter().map(move |(kind, value)| (format!("{member}-as-{kind}"), Some(value)));
        std::iter::once((format!("{member}-missing"), None))
            .chain(wrong)
            .map(move |(id, value)| refused(member, &id, value))
    });
    creation.chain(request).chain(members).chain(others()).collect()
}

/// Options are refused without a member, or with one of another type.
fn refused(member: &'static str, id: &str, value: Option<Json>) -> Case<Server> {
    let id = format!("creation-options/{}", id.to_lowercase());
    Case::about(
        id,
        "5.4.3",
        format!("refuse a request with {member} like this"),
        move |server: &mut Server| {
            let mut asked = json!({"username": server.new_user(), "displayName": "User"});
            if let Some(members) = asked.as_object_mut() {
                super::put(members, &[member], value.as_ref());
            }
            let reply = server.post("attestation/options", &asked)?;
            server.refused(&reply, &[Reason::Malformed])
        },
    )
}

#[allow(clippy::too_many_lines, reason = "a list of cases, each of a few lines")]
fn others() -> Vec<Case<Server>> {
    vec![
        Case::about(
            "creation-options/fresh-challenge",
            "13.4.3",
            "never give a challenge twice",
            |server: &mut Server| {
                let user = server.new_user();
                let (one, other) =
                    (server.creation_options(&user, "none")?, server.creation_options(&user, "none")?);
                ensure(
                    one.get("challenge") != other.get("challenge"),
                    "two options have one challenge",
                    "two challenges",
                )
            },
        ),
        Case::about(
            "creation-options/attestation-none",
            "5.4.7",
            "ask for no attestation when none is wanted",
            |server: &mut Server| {
                let user = server.new_user();
                let options = server.creation_options(&user, "none")?;
                seen(
                    options.get("attestation") == Some(&json!("none")),
                    &options,
                    "give back attestation: none",
                )
            },
        ),
        Case::about(
            "creation-options/extensions",
            "9.1",
            "give back the extensions that were asked for",
            |server: &mut Server| {
                let asked = json!({
                    "username": server.new_user(), "displayName": "User", "extensions": {"example.extension": true},
                });
                let options = server.post("attestation/options", &asked)?.accepted()?;
                seen(
                    options.get("extensions").is_some_and(|list| list["example.extension"] == true),
                    &options,
                    "give them back",
                )
            },
        ),
        Case::about(
            "creation-options/not-json",
            "5.1",
            "refuse a body that is no JSON",
            |server: &mut Server| {
                let reply = server.post_text("attestation/options", "{\"username\":")?;
                server.refused(&reply, &[Reason::Malformed])
            },
        ),
        Case::about(
            "request-options/allow-credentials",
            "5.5",
            "allow exactly the credential that is registered",
            |server: &mut Server| {
                let credential = server.registered()?;
                let options = server.request_options(&credential.user)?;
                let allowed =
                    present(options.get("allowCredentials").and_then(Json::as_array), "allowCredentials")?;
                let wanted = crate::server::ceremony::base64url(&credential.id);
                let only =
                    matches!(allowed.as_slice(), [one] if one["id"] == wanted && one["type"] == "public-key");
                seen(only, &options, "allow that one")
            },
        ),
        Case::about(
            "request-options/fresh-challenge",
            "13.4.3",
            "never give a challenge twice",
            |server: &mut Server| {
                let user = server.registered()?.user;
                let (one, other) = (server.request_options(&user)?, server.request_options(&user)?);
                ensure(
                    one.get("challenge") != other.get("challenge"),
                    "two options have one challenge",
                    "two challenges",
                )
            },
        ),
        Case::about(
            "request-options/extensions",
            "9.1",
            "give back the extensions that were asked for",
            |server: &mut Server| {
                let user = server.registered()?.user;
                let asked = json!({"username": user, "extensions": {"example.extension": true}});
                let options = server.post("assertion/options", &asked)?.accepted()?;
                seen(
                    options.get("extensions").is_some_and(|list| list["example.extension"] == true),
                    &options,
                    "give them back",
                )
            },
        ),
        Case::about(
            "request-options/unknown-user",
            "14.6.2",
            "not tell whether a user name is known",
            |server: &mut Server| {
                let user = server.new_user();
                let options = server.request_options(&user)?;
                let allowed = options.get("allowCredentials").and_then(Json::as_array).map(Vec::len);
                let again = server.request_options(&user)?;
                let same = options.get("allowCredentials") == again.get("allowCredentials");
                seen(allowed == Some(1) && same, &options, "offer a credential, and always the same")
            },
        ),
    ]
}

fn seen(holds: bool, options: &Members, must: &str) -> Result<(), Stop> {
    ensure(holds, format!("the options are {}", Json::Object(options.clone())), must)
}

fn text<'a>(options: &'a Members, path: &str) -> Option<&'a str> {
    let mut steps = path.split('/').skip(1);
    let first = options.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))?.as_str().filter(|text| !text.is_empty())
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn challenge(options: &Members, _: &Server) -> bool {
    text(options, "/challenge")
        .and_then(decoded)
        .is_some_and(|challenge| (16..=64).contains(&challenge.len()))
}

fn timeout(options: &Members, _: &Server) -> bool {
    options.get("timeout").is_none_or(|timeout| timeout.as_u64().is_some_and(|timeout| timeout > 0))
}
