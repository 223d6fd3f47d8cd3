//! How the members fit together, and what a version demands (CTAP 2.3 §6.4 and §9).

use crate::case::{Case, Need, State, Stop, Version, ensure};
use crate::cbor::Value;
use crate::ctap::{Info, Request, command};
use crate::session::Session;

pub(super) fn cases() -> Vec<Case> {
    rules().into_iter().chain(pairs()).chain(whole()).collect()
}

/// A rule over what getInfo says.
type Rule = fn(&Info) -> bool;

/// Rules: id, what the authenticator must do, what it must have for that, the look.
const RULES: [(&str, &str, &[Need], Rule); 24] = [
    ("no-fido-2-2", "not list FIDO_2_2, which was never defined", &[], |info| {
        !info.versions().contains(&"FIDO_2_2")
    }),
    ("known-versions", "list a version of CTAP2", &[], |info| {
        info.versions().iter().any(|version| version.starts_with("FIDO_2_"))
    }),
    ("versions-once", "list each version once", &[], |info| once(&info.versions())),
    ("extensions-once", "list each extension once", &[], |info| once(&info.extensions())),
    (
        "protocols-once",
        "list each PIN/UV auth protocol once",
        &[Need::Member(6, "pinUvAuthProtocols")],
        |info| once(&info.protocols()),
    ),
    ("algorithms-once", "list each algorithm once", &[Need::Member(10, "algorithms")], |info| {
        once(&info.algorithms())
    }),
    ("public-key-algorithms", "list algorithms of public keys", &[Need::Member(10, "algorithms")], |info| {
        let list = info.member(0x0A).and_then(Value::array).unwrap_or_default();
        list.iter().all(|entry| entry.at("type").and_then(Value::text) == Some("public-key"))
    }),
    (
        "protocols-of-pin",
        "list PIN/UV auth protocols when it has clientPin",
        &[Need::Known("clientPin")],
        |info| !info.protocols().is_empty(),
    ),
    (
        "protocols-of-token",
        "list PIN/UV auth protocols when it has pinUvAuthToken",
        &[Need::Option("pinUvAuthToken")],
        |info| !info.protocols().is_empty(),
    ),
    (
        "protocols-of-hmac-secret",
        "list PIN/UV auth protocols when it has hmac-secret",
        &[Need::Extension("hmac-secret")],
        |info| !info.protocols().is_empty(),
    ),
    (
        "token-needs-verification",
        "have clientPin or uv when it has pinUvAuthToken",
        &[Need::Option("pinUvAuthToken")],
        |info| info.option("clientPin").is_some() || info.option("uv").is_some(),
    ),
    (
        "management-of-discoverable",
        "have credMgmt when it has rk and is of FIDO_2_1 or later",
        &[Need::Option("rk"), Need::Version("FIDO_2_1")],
        |info| info.option("credMgmt") == Some(true),
    ),
    (
        "cred-protect-with-verification",
        "have credProtect when it verifies users and keeps discoverable credentials",
        &[Need::Option("rk"), Need::Version("FIDO_2_1"), Need::Known("clientPin")],
        |info| info.extensions().contains(&"credProtect"),
    ),
    ("hmac-secret-of-2-1", "have hmac-secret when it is of FIDO_2_1", &[Need::Version("FIDO_2_1")], |info| {
        info.extensions().contains(&"hmac-secret")
    }),
    (
        "token-of-2-1",
        "have pinUvAuthToken when it is of FIDO_2_1 and verifies users",
        &[Need::Version("FIDO_2_1"), Need::Known("clientPin")],
        |info| info.option("pinUvAuthToken") == Some(true),
    ),
    (
        "protocol-two-of-2-1",
        "have PIN/UV auth protocol two when it is of FIDO_2_1",
        &[Need::Version("FIDO_2_1"), Need::Known("clientPin")],
        |info| info.protocols().contains(&2),
    ),
    (
        "explicit-client-pin",
        "say clientPin or uv, true or false, when it keeps discoverable credentials",
        &[Need::Option("rk"), Need::Version("FIDO_2_3")],
        |info| info.option("clientPin").is_some() || info.option("uv").is_some(),
    ),
    (
        "always-uv-not-optional",
        "have makeCredUvNotRqd false while alwaysUv is on",
        &[Need::Option("alwaysUv")],
        |info| info.option("makeCredUvNotRqd") != Some(true),
    ),
    ("always-uv-no-u2f", "not list U2F_V2 while alwaysUv is on", &[Need::Option("alwaysUv")], |info| {
        !info.versions().contains(&"U2F_V2")
    }),
    (
        "cred-blob-length",
        "say maxCredBlobLength when it has credBlob",
        &[Need::Extension("credBlob")],
        |info| info.member(0x0F).is_some(),
    ),
    (
        "large-blob-size",
        "say maxSerializedLargeBlobArray when it has largeBlobs",
        &[Need::Option("largeBlobs")],
        |info| info.member(0x0B).is_some(),
    ),
    (
        "large-blob-key",
        "have the option largeBlobs when it has largeBlobKey",
        &[Need::Extension("largeBlobKey")],
        |info| info.option("largeBlobs") == Some(true),
    ),
    ("one-large-blob", "not have largeBlob beside largeBlobKey", &[Need::Extension("largeBlob")], |info| {
        !info.extensions().contains(&"largeBlobKey")
    }),
    (
        "hmac-secret-of-mc",
        "have hmac-secret when it has hmac-secret-mc",
        &[Need::Extension("hmac-secret-mc")],
        |info| info.extensions().contains(&"hmac-secret"),
    ),
];

fn rules() -> Vec<Case> {
    RULES
        .into_iter()
        .map(|(id, must, needs, rule)| {
            Case::new(format!("get-info/rule/{id}"), "6.4", must, move |session: &mut Session| {
                ensure(
                    rule(session.info()),
                    "getInfo breaks the rule",
                    format!("an authenticator that does {must}"),
                )
            })
            .needs_all(needs)
            .state(State::Any)
        })
        .collect()
}

fn once<T: PartialEq>(list: &[T]) -> bool {
    list.iter().enumerate().all(|(place, item)| list.iter().position(|other| other == item) == Some(place))
}

/// Options that need another one.
fn pairs() -> Vec<Case> {
    let rows: [(&str, Need, &[&str]); 7] = [
        ("setMinPINLength", Need::Known("setMinPINLength"), &["authnrCfg"]),
        ("uvAcfg", Need::Known("uvAcfg"), &["authnrCfg", "uv"]),
        ("uvBioEnroll", Need::Known("uvBioEnroll"), &["bioEnroll"]),
        (
            "noMcGaPermissionsWithClientPin",
            Need::Option("noMcGaPermissionsWithClientPin"),
            &["clientPin", "pinUvAuthToken"],
        ),
        ("perCredMgmtRO", Need::Option("perCredMgmtRO"), &["credMgmt", "pinUvAuthToken"]),
        ("credMgmt", Need::Option("credMgmt"), &["rk"]),
        ("bioEnroll", Need::Known("bioEnroll"), &["uv"]),
    ];
    rows.into_iter()
        .map(|(option, need, others)| {
            let must = format!("have {} when it has {option}", others.join(" and "));
            let wanted = must.clone();
            Case::new(
                format!("get-info/option/{}", option.to_lowercase()),
                "6.4",
                must,
                move |session: &mut Session| {
                    let missing: Vec<&str> = others
                        .iter()
                        .copied()
                        .filter(|other| session.info().option(other).is_none())
                        .collect();
                    ensure(
                        missing.is_empty(),
                        format!("options does not list {}", missing.join(" and ")),
                        &*wanted,
                    )
                },
            )
            .needs(need)
            .state(State::Any)
        })
        .collect()
}

fn whole() -> Vec<Case> {
    vec![
        Case::new("get-info/canonical", "8", "answer in canonical CBOR", |session| {
            let answer = session.send(&Request::bare(command::GET_INFO))?;
            let breaches = answer.body.map_or_else(|| "no CBOR".to_owned(), |body| body.breaches.join("; "));
            ensure(breaches.is_empty(), breaches, "canonical CBOR")
        })
        .state(State::Any),
        Case::new(
            "get-info/known-members",
            "6.4",
            "have no member without a number that CTAP gives",
            |session| {
                let known = |key: &Value| key.unsigned().is_some_and(|key| (0x01..=0x1F).contains(&key));
                let unknown = session.info().members().iter().find(|(key, _)| !known(key));
                ensure(unknown.is_none(), format!("a member {unknown:?}"), "members from 0x01 to 0x1f")
            },
        )
        .state(State::Any),
        Case::new(
            "get-info/client-pin-false-when-fresh",
            "6.4",
            "say clientPin: false while no PIN is set",
            |session| {
                let said = session.info().client_pin();
                ensure(said == Some(false), format!("clientPin {said:?}"), "clientPin: false")
            },
        )
        .state(State::Fresh)
        .needs(Need::Known("clientPin")),
        Case::new(
            "get-info/client-pin-true-when-set",
            "6.4",
            "say clientPin: true while a PIN is set",
            |session| {
                let said = session.refresh()?.client_pin();
                ensure(said == Some(true), format!("clientPin {said:?}"), "clientPin: true")
            },
        )
        .needs(Need::Known("clientPin")),
        encrypted(0x19, "encIdentifier", Version::V2_2),
        encrypted(0x1E, "encCredStoreState", Version::V2_3),
    ]
}

/// A member that is encrypted so that nobody without the persistent token can follow it.
fn encrypted(key: u64, name: &'static str, since: Version) -> Case {
    let must = format!("encrypt {name} under a fresh IV each time");
    Case::new(format!("get-info/fresh/{}", name.to_lowercase()), "6.4", must, move |session: &mut Session| {
        let mut seen = || -> Result<Option<Value>, Stop> { Ok(session.refresh()?.member(key).cloned()) };
        let (first, second) = (seen()?, seen()?);
        ensure(
            first.is_some() && first != second,
            "the same bytes twice, or none",
            format!("another {name} in each answer"),
        )
    })
    .since(since)
    .needs(Need::Member(key, name))
}
