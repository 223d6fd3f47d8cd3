use serde_json::{Value, json};

use super::*;

fn creation() -> Value {
    json!({
        "rp": { "name": "Example" },
        "user": { "id": "AQID", "name": "alice", "displayName": "Alice" },
        "challenge": "AAECAwQFBgcICQoLDA0ODw",
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
    })
}

/// The options with `value` in the place that a JSON pointer names.
fn with(mut options: Value, path: &str, value: Value) -> Value {
    let (parent, member) = path.rsplit_once('/').unwrap();
    let parent = if parent.is_empty() { &mut options } else { options.pointer_mut(parent).unwrap() };
    parent[member] = value;
    options
}

fn parse(options: &Value) -> Result<CreationOptions, ErrorName> {
    CreationOptions::parse(&options.to_string()).map_err(|error| error.name)
}

fn parse_request(options: &Value) -> Result<RequestOptions, ErrorName> {
    RequestOptions::parse(&options.to_string()).map_err(|error| error.name)
}

#[test]
fn the_shortest_options_have_the_specifications_defaults() {
    let options = parse(&creation()).unwrap();
    assert_eq!(options.rp_id, None);
    assert_eq!(options.challenge, (0..16).collect::<Vec<u8>>());
    assert_eq!(options.user.id, [1, 2, 3]);
    assert_eq!(options.algorithms, [Algorithm::ES256]);
    assert_eq!(options.time_limit, Duration::from_mins(5));
    assert_eq!(options.resident_key, ResidentKey::Discouraged);
    assert_eq!(options.user_verification, UserVerification::Preferred);
    assert_eq!(options.attestation, Attestation::None);
    assert!(options.exclude.is_empty() && options.attachment.is_none() && options.prf.is_none());
    let options = parse_request(&json!({ "challenge": "AA" })).unwrap();
    assert_eq!((options.rp_id, options.allow, options.prf), (None, None, None));
    assert_eq!(options.user_verification, UserVerification::Preferred);
}

#[test]
fn residential_wishes() {
    use ResidentKey::{Discouraged, Preferred, Required};
    for (selection, expected) in [
        (json!({}), Discouraged),
        (json!({ "residentKey": "required" }), Required),
        (json!({ "residentKey": "preferred" }), Preferred),
        (json!({ "residentKey": "discouraged" }), Discouraged),
        (json!({ "residentKey": "sometimes" }), Discouraged),
        (json!({ "residentKey": "sometimes", "requireResidentKey": true }), Required),
        (json!({ "requireResidentKey": true }), Required),
        (json!({ "requireResidentKey": false }), Discouraged),
        (json!({ "residentKey": "discouraged", "requireResidentKey": true }), Discouraged),
        (json!({ "residentKey": "preferred", "requireResidentKey": false }), Preferred),
    ] {
        let options = parse(&with(creation(), "/authenticatorSelection", selection.clone())).unwrap();
        assert_eq!(options.resident_key, expected, "{selection}");
    }
}

#[test]
fn unknown_values_of_open_enumerations_are_ignored() {
    let selection = json!({ "userVerification": "maybe", "authenticatorAttachment": "hovering" });
    let options = with(with(creation(), "/authenticatorSelection", selection), "/attestation", json!("loud"));
    let options = parse(&options).unwrap();
    assert_eq!(options.user_verification, UserVerification::Preferred);
    assert_eq!(options.attachment, None);
    assert_eq!(options.attestation, Attestation::None);
}

#[test]
fn algorithms_in_their_order() {
    let parameter = |kind, alg| json!({ "type": kind, "alg": alg });
    for (parameters, expected) in [
        (vec![], Ok(vec![-7, -257])),
        (vec![parameter("public-key", -257), parameter("public-key", -7)], Ok(vec![-257, -7])),
        (vec![parameter("secret-key", -7), parameter("public-key", -8)], Ok(vec![-8])),
        (vec![parameter("public-key", 12345)], Ok(vec![12345])),
        (vec![parameter("secret-key", -7)], Err(ErrorName::NotSupportedError)),
    ] {
        let found = parse(&with(creation(), "/pubKeyCredParams", json!(parameters)));
        let found = found.map(|options| options.algorithms.iter().map(|alg| alg.0).collect());
        assert_eq!(found, expected, "{parameters:?}");
    }
}

#[test]
fn time_limits_are_corrected_to_the_closest() {
    for (wish, expected) in [
        (json!(0), 15),
        (json!(-1), 15),
        (json!(14_999), 15),
        (json!(60_000), 60),
        (json!(60_000.5), 60),
        (json!(600_000), 600),
        (json!(u32::MAX), 600),
        (json!(1e300), 600),
        (json!(null), 300),
    ] {
        let options = parse(&with(creation(), "/timeout", wish.clone())).unwrap();
        assert_eq!(options.time_limit.as_secs(), expected, "{wish}");
    }
}

#[test]
fn what_is_no_options_is_a_type_error() {
    let id = |length: usize| json!(crate::base64url::encode(&vec![1; length]));
    let rows = [
        ("/rp", json!(null)),
        ("/rp", json!({})),
        ("/rp/name", json!(7)),
        ("/rp/id", json!(7)),
        ("/user/id", id(0)),
        ("/user/id", id(65)),
        ("/user/id", json!("AQID=")),
        ("/user/id", json!("A+/B")),
        ("/user/id", json!("AR")),
        ("/user/name", json!(null)),
        ("/challenge", json!(null)),
        ("/challenge", json!([1, 2])),
        ("/pubKeyCredParams", json!(null)),
        ("/pubKeyCredParams", json!([{ "type": "public-key" }])),
        ("/pubKeyCredParams", json!([{ "type": "public-key", "alg": "ES256" }])),
        ("/excludeCredentials", json!([{ "type": "public-key" }])),
        ("/timeout", json!("soon")),
        ("/extensions", json!({ "credentialProtectionPolicy": "some" })),
        ("/extensions", json!({ "prf": { "eval": {} } })),
        ("/extensions", json!({ "prf": { "eval": { "first": "=" } } })),
    ];
    for (path, value) in rows {
        let outcome = parse(&with(creation(), path, value.clone()));
        assert_eq!(outcome, Err(ErrorName::TypeError), "{path} {value}");
    }
    for text in ["", "null", "[]", "{", "7"] {
        assert_eq!(CreationOptions::parse(text).unwrap_err().name, ErrorName::TypeError, "{text}");
        assert_eq!(RequestOptions::parse(text).unwrap_err().name, ErrorName::TypeError, "{text}");
    }
    assert!(
        parse(&with(creation(), "/user/id", id(1))).is_ok()
            && parse(&with(creation(), "/user/id", id(64))).is_ok()
    );
}

#[test]
fn extensions_are_read_and_strangers_ignored() {
    let extensions = json!({
        "credProps": true,
        "prf": { "eval": { "first": "AQ", "second": "Ag" } },
        "credentialProtectionPolicy": "userVerificationOptionalWithCredentialIDList",
        "enforceCredentialProtectionPolicy": true,
        "appidExclude": "https://example.org/appid.json",
        "example.extension": { "anything": [1] },
    });
    let options = parse(&with(creation(), "/extensions", extensions)).unwrap();
    assert!(options.cred_props && options.enforce_protection);
    assert_eq!(options.protection.map(Protection::level), Some(2));
    assert_eq!(options.prf.unwrap().eval.unwrap().second, Some(crate::base64url::Bytes(vec![2])));
    let by_credential = json!({ "prf": { "evalByCredential": {} } });
    let outcome = parse(&with(creation(), "/extensions", by_credential));
    assert_eq!(outcome, Err(ErrorName::NotSupportedError));
}

#[test]
fn an_allow_list_never_becomes_no_list() {
    let allow =
        |list: Value| parse_request(&json!({ "challenge": "AA", "allowCredentials": list })).unwrap().allow;
    assert_eq!(allow(json!([])), None);
    assert_eq!(allow(json!(null)), None);
    assert_eq!(allow(json!([{ "type": "strange", "id": "AQ" }])), Some(Vec::new()));
    let known = allow(
        json!([{ "type": "strange", "id": "AQ" }, { "type": "public-key", "id": "Ag", "transports": ["x"] }]),
    );
    assert_eq!(known.unwrap().iter().map(|descriptor| descriptor.id.clone()).collect::<Vec<_>>(), [[2]]);
}
