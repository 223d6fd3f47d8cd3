//! Codes and refresh tokens in the wrong hands, and answers of the wrong issuer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::tokens;
use crate::browser::Browser;
use crate::rig::{Answer, REDIRECT, Rig, SECRET, VERIFIER, claims};
use crate::sign_in::{NAME, PASSWORD, rig};

/// Signs alice in for a request with `more`: the code.
async fn code(rig: &Rig, more: &[(&str, &str)]) -> String {
    let mut browser = Browser::new(rig);
    let page = browser.authorize(rig, more).await;
    let page = browser.submit(&page, "user", &[("loginfmt", NAME)]).await;
    let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    let page = browser.through(page).await;
    page.answer()["code"].clone()
}

async fn redeem(rig: &Rig, code: &str, more: &[(&str, &str)]) -> Answer {
    let web = rig.web.to_string();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("code", code),
        ("redirect_uri", REDIRECT),
    ];
    rig.token(&[&fields, more].concat()).await
}

/// The victim's code, in the attacker's session at the client: without the verifier of that very session it is worth
/// nothing, and neither side can be talked out of PKCE (RFC 9700 §4.5, §4.8).
#[tokio::test]
async fn a_stolen_code_cannot_be_injected() {
    let rig = rig().await;
    let with_pkce = code(&rig, &[]).await;
    redeem(&rig, &with_pkce, &[]).await.refused(400, "invalid_grant", 501_481);
    let with_pkce = code(&rig, &[]).await;
    let own = [("code_verifier", "the-verifier-of-the-attackers-own-session-0123456789")];
    redeem(&rig, &with_pkce, &own).await.refused(400, "invalid_grant", 501_481);
    // The attacker took the challenge out of the victim's request; the client, which sent one, sends its verifier.
    let without = code(&rig, &[("code_challenge", ""), ("code_challenge_method", "")]).await;
    redeem(&rig, &without, &[("code_verifier", VERIFIER)]).await.refused(400, "invalid_grant", 501_481);
    // A client that uses nonces instead sees the nonce of the victim's session.
    let without =
        code(&rig, &[("code_challenge", ""), ("code_challenge_method", ""), ("nonce", "victim")]).await;
    let answer = redeem(&rig, &without, &[]).await.ok();
    assert_eq!(claims(&answer["id_token"])["nonce"], "victim");
}

#[tokio::test]
async fn nobody_is_talked_out_of_pkce() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    for more in [
        [("code_challenge_method", "plain"), ("code_challenge", VERIFIER)],
        [("code_challenge_method", ""), ("code_challenge", VERIFIER)],
        [("code_challenge_method", "S256"), ("code_challenge", "")],
        [
            ("code_challenge_method", "s256"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ],
    ] {
        assert_eq!(browser.authorize(&rig, &more).await.answer()["error"], "invalid_request", "{more:?}");
    }
    let native = rig.native.to_string();
    let public = [
        ("client_id", native.as_str()),
        ("redirect_uri", "http://localhost"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let page = browser.authorize(&rig, &public).await;
    assert!(page.location.unwrap().starts_with("http://localhost?error=invalid_request"));
}

#[tokio::test]
async fn a_code_is_worth_nothing_elsewhere() {
    let rig = rig().await;
    let other = rig.another_tenant(30, "example.net").await;
    rig.register(rig.web, |registration| registration.multi_tenant = true).await;
    let (web, native) = (rig.web.to_string(), rig.native.to_string());
    let stolen = code(&rig, &[]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", native.as_str()),
        ("code", &stolen),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    rig.token(&fields).await.refused(400, "invalid_grant", 70_000);
    // Shown to the wrong client, it is spent.
    redeem(&rig, &stolen, &[("code_verifier", VERIFIER)]).await.refused(400, "invalid_grant", 54_005);
    let stolen = code(&rig, &[]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("code", &stolen),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let elsewhere = rig.post(&format!("/{other}/oauth2/v2.0/token"), &fields).await;
    assert_eq!((elsewhere.status, elsewhere.body["error"].as_str()), (400, Some("invalid_grant")));
    // A client cannot say twice who it is, nor in two ways.
    let stolen = code(&rig, &[]).await;
    let twice = redeem(&rig, &stolen, &[("code_verifier", VERIFIER), ("client_id", &native)]).await;
    twice.refused(400, "invalid_request", 90_014);
    let body = format!("grant_type=authorization_code&code={stolen}&client_id={native}");
    let basic = format!("Basic {}", STANDARD.encode(format!("{web}:{SECRET}")));
    let request = axum::http::Request::post(format!("/{}/oauth2/v2.0/token", rig.tenant));
    let request = request.header("authorization", basic).body(body.into()).unwrap();
    rig.send(request).await.refused(400, "invalid_request", 90_014);
}

/// Which issuer answers is said in every answer (RFC 9207), so that a client with several is not mixed up.
#[tokio::test]
async fn every_answer_names_its_issuer() {
    let rig = rig().await;
    let issuer = format!("https://id.example.org/{}/v2.0", rig.tenant);
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    let page = browser.through(page).await;
    assert_eq!(page.answer()["iss"], issuer);
    let code = page.answer()["code"].clone();
    let answer = rig.redeem(&code).await.ok();
    assert_eq!(claims(&answer["id_token"])["iss"], issuer, "and it is the one of the token");
    for more in [("response_type", "token"), ("scope", "api://nobody/x"), ("request", "x"), ("max_age", "x")]
    {
        let refused = browser.authorize(&rig, &[more]).await.answer();
        assert!(refused.contains_key("error"), "{more:?}");
        assert_eq!(refused["iss"], issuer, "{more:?}");
    }
    // Where the tenant is open until someone signs in, the metadata has a template, and so has the refusal.
    let path =
        format!("/common/oauth2/v2.0/authorize?{}", crate::browser::request(&rig, &[("prompt", "none")]));
    let refused = Browser::new(&rig).get(&path).await.answer();
    let metadata = rig.get("/common/v2.0/.well-known/openid-configuration", None).await.ok();
    assert_eq!(refused["iss"], metadata["issuer"].as_str().unwrap());
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
}

/// The thief is first or second: either way both lose, and so do the access tokens where they are looked up.
#[tokio::test]
async fn a_refresh_token_used_twice_kills_its_family() {
    let rig = Rig::start().await;
    let (mine, others) =
        (tokens(&rig, "openid offline_access").await, tokens(&rig, "openid offline_access").await);
    let thiefs = rig.refresh(&mine["refresh_token"]).await.ok();
    rig.refresh(&mine["refresh_token"]).await.refused(400, "invalid_grant", 70_000);
    rig.refresh(&thiefs["refresh_token"]).await.refused(400, "invalid_grant", 50_173);
    for token in [&mine["access_token"], &thiefs["access_token"]] {
        assert_eq!(rig.get("/oidc/userinfo", token.as_str()).await.status, 401);
    }
    // Another sign-in of the same user is not touched.
    rig.refresh(&others["refresh_token"]).await.ok();
}
