//! Authorization requests: which are answered, where, and which never are.

use latchkey_idp::domain::Authority;
use latchkey_idp::oauth::authorize::{AuthorizeAnswer, AuthorizeRefusal, AuthorizeRequest, Prompt};
use latchkey_idp::oauth::{Fields, Protocol};
use url::form_urlencoded;

use crate::rig::{REDIRECT, Rig};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A good request of the web application with some fields changed; an empty one is left out.
async fn parse(rig: &Rig, changes: &[(&str, &str)]) -> Result<AuthorizeRequest, AuthorizeRefusal> {
    let web = rig.web.to_string();
    let mut fields = vec![
        ("client_id", web.as_str()),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid"),
        ("state", "s&s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some(field) => field.1 = value,
            None => fields.push((name, value)),
        }
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let fields = Fields::parse(query.as_bytes()).unwrap();
    AuthorizeRequest::parse(&rig.provider, Authority::Tenant(rig.tenant), Protocol::V2, &fields).await
}

#[tokio::test]
async fn an_untrusted_redirect_uri_is_never_redirected_to() {
    let rig = Rig::start().await;
    for (name, value, code) in [
        ("redirect_uri", "https://evil.example/cb", 50_011),
        ("redirect_uri", "https://app.example.org/cb/../x", 50_011),
        ("redirect_uri", "https://app.example.org/cb?x=1", 50_011),
        ("redirect_uri", "https://app.example.org/cb#x", 50_011),
        ("redirect_uri", "https://app.example.org@evil.example/cb", 50_011),
        ("redirect_uri", "http://app.example.org/cb", 50_011),
        ("redirect_uri", "", 900_144),
        ("client_id", "", 900_144),
        ("client_id", "00000000-0000-0000-0000-000000000000", 700_016),
        ("client_id", "nobody", 700_016),
    ] {
        let refused = parse(&rig, &[(name, value)]).await.unwrap_err();
        let AuthorizeRefusal::Page(refusal) = refused else { panic!("{name}={value}: {refused:?}") };
        assert_eq!(refusal.row().code, code, "{name}={value}");
    }
}

#[tokio::test]
async fn other_mistakes_are_told_to_the_client() {
    let rig = Rig::start().await;
    for (changes, error) in [
        (&[("response_type", "token")][..], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_mode", "web_message")], "unsupported_response_mode"),
        (&[("scope", "")], "invalid_request"),
        (&[("scope", "a\"b")], "invalid_scope"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "sometimes")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("request", "x")], "request_not_supported"),
        (&[("request_uri", "https://evil.example")], "request_uri_not_supported"),
        (&[("claims", "{")], "invalid_request"),
        (&[("claims", "{\"access_token\":{\"acrs\":{\"value\":\"c100\"}}}")], "invalid_request"),
    ] {
        let refused = parse(&rig, changes).await.unwrap_err();
        let AuthorizeRefusal::Client(return_to, refusal) = refused else {
            panic!("{changes:?}: {refused:?}")
        };
        let AuthorizeAnswer::Redirect(location) = return_to.refuse(&refusal) else { panic!("{changes:?}") };
        assert!(location.starts_with(&format!("{REDIRECT}?error={error}&error_description=")), "{location}");
        assert!(location.ends_with("&state=s%26s"), "{location}");
    }
}

#[tokio::test]
async fn the_answer_travels_as_the_client_wants() {
    let rig = Rig::start().await;
    let parameters = [("code", "a b")];
    let answer =
        async |mode| parse(&rig, &[("response_mode", mode)]).await.unwrap().return_to.answer(&parameters);
    let to = |end: &str| AuthorizeAnswer::Redirect(format!("{REDIRECT}{end}"));
    assert_eq!(answer("").await, to("?code=a+b&state=s%26s"));
    assert_eq!(answer("query").await, to("?code=a+b&state=s%26s"));
    assert_eq!(answer("fragment").await, to("#code=a+b&state=s%26s"));
    let fields = [("code", "a b"), ("state", "s&s")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let form = AuthorizeAnswer::Form { action: REDIRECT.to_owned(), fields: fields.to_vec() };
    assert_eq!(answer("form_post").await, form);
}

#[tokio::test]
async fn what_the_client_wants_of_the_sign_in_is_read() {
    let rig = Rig::start().await;
    let changes = [
        ("prompt", "login consent"),
        ("max_age", "0"),
        ("login_hint", "alice@example.org"),
        ("claims", "{\"access_token\":{\"acrs\":{\"essential\":true,\"value\":\"c1\"}}}"),
        ("amr_values", "ngcmfa"),
    ];
    let request = parse(&rig, &changes).await.unwrap();
    assert_eq!(request.prompt, Prompt::Login);
    assert_eq!(request.max_age, Some(std::time::Duration::ZERO));
    assert_eq!(request.login_hint.as_deref(), Some("alice@example.org"));
    assert_eq!(request.claims.essential, ["c1"]);
    assert!(request.fresh_mfa);
    let signed_in = rig.authentication();
    assert!(!request.satisfied_by(&signed_in, &rig.user, &rig.provider), "prompt=login");

    let request = parse(&rig, &[("max_age", "60")]).await.unwrap();
    assert!(request.satisfied_by(&signed_in, &rig.user, &rig.provider));
    rig.wait(std::time::Duration::from_secs(61));
    assert!(!request.satisfied_by(&signed_in, &rig.user, &rig.provider), "too old");
    let request = parse(&rig, &[("claims", changes[3].1)]).await.unwrap();
    assert!(!request.satisfied_by(&rig.authentication(), &rig.user, &rig.provider), "not strong enough");
}
