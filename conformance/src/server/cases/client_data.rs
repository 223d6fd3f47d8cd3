//! Client data (WebAuthn L3 §5.8.1; §7.1 steps 5 to 11, §7.2 steps 7 to 15), which both ceremonies look at alike.

use serde_json::{Value as Json, json};

use super::{Accepted, Change, Refused, Wanted, assertion, client_data, credential, no_strings, plain, put};
use crate::case::Case;
use crate::server::ceremony::base64url;
use crate::server::{Members, Reason, Server};

/// What is written, where, and what must come of it; the clauses of a registration and of a sign-in.
type Row = (&'static str, [&'static str; 2], &'static str, Wanted, fn(&mut Members));

const TYPE: [&str; 2] = ["7.1 step 7", "7.2 step 11"];
const CHALLENGE: [&str; 2] = ["7.1 step 8", "7.2 step 12"];
const ORIGIN: [&str; 2] = ["7.1 step 9", "7.2 step 13"];
const CROSS_ORIGIN: [&str; 2] = ["7.1 step 10", "7.2 step 14"];
const TOP_ORIGIN: [&str; 2] = ["7.1 step 11", "7.2 step 15"];
const SHAPE: [&str; 2] = ["5.8.1", "5.8.1"];

const OTHER_ORIGIN: Wanted = Refused(&[Reason::Origin]);
const OTHER_CHALLENGE: Wanted = Refused(&[Reason::Challenge]);
const TOKEN_BINDING: Wanted = Refused(&[Reason::Malformed]);

const ROWS: &[Row] = &[
    ("type/empty", TYPE, "refuse an empty type", Refused(&[Reason::Type]), |data| set(data, "type", "")),
    ("type/unknown", TYPE, "refuse an unknown type", Refused(&[Reason::Type]), |data| {
        set(data, "type", "webauthn.delete");
    }),
    ("type/other-ceremony", TYPE, "refuse the other ceremony's type", Refused(&[Reason::Type]), |data| {
        let other =
            if data.get("type") == Some(&json!("webauthn.get")) { "webauthn.create" } else { "webauthn.get" };
        set(data, "type", other);
    }),
    ("type/upper-case", TYPE, "compare the type exactly", Refused(&[Reason::Type]), |data| {
        let upper = text(data, "type").to_uppercase();
        set(data, "type", &upper);
    }),
    ("challenge/empty", CHALLENGE, "refuse an empty challenge", OTHER_CHALLENGE, |data| {
        set(data, "challenge", "");
    }),
    ("challenge/other", CHALLENGE, "refuse a challenge that it did not give", OTHER_CHALLENGE, |data| {
        set(data, "challenge", &base64url(&[7; 32]));
    }),
    ("challenge/shorter", CHALLENGE, "refuse a part of its challenge", OTHER_CHALLENGE, |data| {
        let shorter: String = text(data, "challenge").chars().take(20).collect();
        set(data, "challenge", &shorter);
    }),
    (
        "challenge/padded",
        CHALLENGE,
        "compare the challenge exactly",
        Refused(&[Reason::Challenge, Reason::Malformed]),
        |data| {
            let padded = format!("{}=", text(data, "challenge"));
            set(data, "challenge", &padded);
        },
    ),
    (
        "challenge/not-base64url",
        CHALLENGE,
        "refuse a challenge that is not base64url",
        Refused(&[Reason::Challenge, Reason::Malformed]),
        |data| {
            set(data, "challenge", "???");
        },
    ),
    ("origin/empty", ORIGIN, "refuse an empty origin", OTHER_ORIGIN, |data| set(data, "origin", "")),
    ("origin/other-host", ORIGIN, "refuse another host's origin", OTHER_ORIGIN, |data| {
        set(data, "origin", "https://example.org");
    }),
    ("origin/null", ORIGIN, "refuse an opaque origin", OTHER_ORIGIN, |data| set(data, "origin", "null")),
    ("origin/other-scheme", ORIGIN, "refuse another scheme", OTHER_ORIGIN, |data| {
        let origin = text(data, "origin").to_owned();
        let other = origin
            .strip_prefix("https:")
            .map_or_else(|| origin.replacen("http:", "https:", 1), |rest| format!("http:{rest}"));
        set(data, "origin", &other);
    }),
    ("origin/other-port", ORIGIN, "refuse another port", OTHER_ORIGIN, |data| {
        let (scheme, rest) = parts(data);
        let host = rest.split(':').next().unwrap_or_default();
        set(data, "origin", &format!("{scheme}://{host}:1"));
    }),
    ("origin/subdomain", ORIGIN, "refuse a subdomain that it does not name", OTHER_ORIGIN, |data| {
        let (scheme, rest) = parts(data);
        set(data, "origin", &format!("{scheme}://sub.{rest}"));
    }),
    ("origin/suffix", ORIGIN, "refuse a host that ends like its own", OTHER_ORIGIN, |data| {
        let (scheme, rest) = parts(data);
        set(data, "origin", &format!("{scheme}://not-{rest}"));
    }),
    ("origin/user", ORIGIN, "refuse an origin with a user name", OTHER_ORIGIN, |data| {
        let (scheme, rest) = parts(data);
        set(data, "origin", &format!("{scheme}://user@{rest}"));
    }),
    ("origin/slash", ORIGIN, "refuse an origin that ends in a slash", OTHER_ORIGIN, |data| {
        let slash = format!("{}/", text(data, "origin"));
        set(data, "origin", &slash);
    }),
    ("origin/upper-case", ORIGIN, "compare the origin as a string", OTHER_ORIGIN, |data| {
        let upper = text(data, "origin").to_uppercase();
        set(data, "origin", &upper);
    }),
    (
        "cross-origin/true",
        CROSS_ORIGIN,
        "refuse a ceremony inside another site's page",
        Refused(&[Reason::CrossOrigin]),
        |data| {
            data.insert("crossOrigin".to_owned(), true.into());
        },
    ),
    ("cross-origin/missing", SHAPE, "accept a client that does not know crossOrigin", Accepted, |data| {
        data.remove("crossOrigin");
    }),
    (
        "cross-origin/as-string",
        SHAPE,
        "refuse crossOrigin that is no boolean",
        Refused(&[Reason::Malformed]),
        |data| {
            set(data, "crossOrigin", "false");
        },
    ),
    (
        "top-origin/other",
        TOP_ORIGIN,
        "refuse a top origin that it does not expect",
        Refused(&[Reason::CrossOrigin]),
        |data| {
            set(data, "topOrigin", "https://example.org");
        },
    ),
    ("unknown-member", SHAPE, "ignore members that it does not know", Accepted, |data| {
        set(data, "example", "unknown");
    }),
    ("token-binding/as-string", SHAPE, "refuse tokenBinding that is no object", TOKEN_BINDING, |data| {
        set(data, "tokenBinding", "supported");
    }),
    ("token-binding/status-missing", SHAPE, "refuse tokenBinding without status", TOKEN_BINDING, |data| {
        data.insert("tokenBinding".to_owned(), json!({}));
    }),
    (
        "token-binding/status-unknown",
        SHAPE,
        "refuse tokenBinding of an unknown status",
        TOKEN_BINDING,
        |data| {
            data.insert("tokenBinding".to_owned(), json!({"status": "maybe"}));
        },
    ),
];

/// What stands in place of client data.
const NO_CLIENT_DATA: &[(&str, &[u8])] = &[
    ("not-json", b"{\"type\":"),
    ("not-utf-8", b"{\"type\":\"\xFF\"}"),
    ("array", b"[]"),
    ("string", b"\"webauthn\""),
    ("empty-object", b"{}"),
];

/// The cases of this area.
pub fn cases() -> Vec<Case<Server>> {
    let rows = ROWS.iter().flat_map(|(id, [creation, request], must, wanted, change)| {
        [
            plain((format!("registration/client-data/{id}"), *creation, *must), *wanted, client_data(change)),
            assertion((format!("assertion/client-data/{id}"), *request, *must), *wanted, client_data(change)),
        ]
    });
    let replaced = NO_CLIENT_DATA.iter().flat_map(|(id, bytes)| {
        let change = || {
            credential(move |members| {
                put(members, &["response", "clientDataJSON"], Some(&json!(base64url(bytes))));
            })
        };
        both(id, "refuse this in place of client data", change)
    });
    let members = ["type", "challenge", "origin"].into_iter().flat_map(|member| {
        let wrong = no_strings().into_iter().map(|(kind, value)| (format!("as-{kind}"), Some(value)));
        std::iter::once(("missing".to_owned(), None)).chain(wrong).flat_map(
            move |(what, value): (String, Option<Json>)| {
                let change = || {
                    let value = value.clone();
                    client_data(move |data| put(data, &[member], value.as_ref()))
                };
                both(&format!("{member}/{what}"), &format!("refuse {member} like this"), change)
            },
        )
    });
    rows.chain(replaced).chain(members).collect()
}

/// The case of both ceremonies; both find that client data cannot be read.
fn both(id: &str, must: &str, change: impl Fn() -> Change) -> [Case<Server>; 2] {
    let wanted = Refused(&[Reason::Malformed]);
    [
        plain((format!("registration/client-data/{id}"), "5.8.1", must), wanted, change()),
        assertion((format!("assertion/client-data/{id}"), "5.8.1", must), wanted, change()),
    ]
}

fn text<'a>(data: &'a Members, member: &str) -> &'a str {
    data.get(member).and_then(Json::as_str).unwrap_or_default()
}

fn set(data: &mut Members, member: &str, value: &str) {
    data.insert(member.to_owned(), value.into());
}

/// The scheme of the origin, and what follows.
fn parts(data: &Members) -> (String, String) {
    let (scheme, rest) = text(data, "origin").split_once("://").unwrap_or_default();
    (scheme.to_owned(), rest.to_owned())
}
