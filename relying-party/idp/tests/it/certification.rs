//! The modules of the `OpenID` Foundation's basic certification plan (`oidcc-basic-certification-test-plan`), one test each
//! and named after it. The suite itself needs a public address; these ask the same of the router.

mod answers;
mod claims;
mod codes;
mod prompts;
mod requests;

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_idp::domain::{RedirectKind, RedirectUri, TenantPolicy};
use latchkey_idp::tokens::{Jws, PublicKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use crate::browser::{Browser, Page};
use crate::rig::{Answer, REDIRECT, Rig, SECRET};
use crate::sign_in::{NAME, PASSWORD, rig};

/// The plan, in its order.
const PLAN: [&str; 38] = [
    "oidcc-server",
    "oidcc-response-type-missing",
    "oidcc-idtoken-signature",
    "oidcc-idtoken-unsigned",
    "oidcc-userinfo-get",
    "oidcc-userinfo-post-header",
    "oidcc-userinfo-post-body",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
    "oidcc-scope-profile",
    "oidcc-scope-email",
    "oidcc-scope-address",
    "oidcc-scope-phone",
    "oidcc-scope-all",
    "oidcc-ensure-other-scope-order-succeeds",
    "oidcc-display-page",
    "oidcc-display-popup",
    "oidcc-prompt-login",
    "oidcc-prompt-none-not-logged-in",
    "oidcc-prompt-none-logged-in",
    "oidcc-max-age-1",
    "oidcc-max-age-10000",
    "oidcc-ensure-request-with-unknown-parameter-succeeds",
    "oidcc-id-token-hint",
    "oidcc-login-hint",
    "oidcc-ui-locales",
    "oidcc-claims-locales",
    "oidcc-ensure-request-with-acr-values-succeeds",
    "oidcc-codereuse",
    "oidcc-codereuse-30seconds",
    "oidcc-ensure-registered-redirect-uri",
    "oidcc-ensure-post-request-succeeds",
    "oidcc-server-client-secret-post",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "oidcc-claims-essential",
    "oidcc-ensure-request-object-with-redirect-uri",
    "oidcc-refresh-token",
    "oidcc-ensure-request-with-valid-pkce-succeeds",
];

#[test]
fn every_module_of_the_plan_has_its_test() {
    let tests = [
        include_str!("certification/answers.rs"),
        include_str!("certification/claims.rs"),
        include_str!("certification/codes.rs"),
        include_str!("certification/prompts.rs"),
        include_str!("certification/requests.rs"),
    ]
    .concat();
    for module in PLAN {
        let test = format!("#[tokio::test]\nasync fn {}()", module.replace('-', "_"));
        assert!(tests.contains(&test), "{module} has no test");
    }
    assert!(!tests.contains("#[ignore"));
}

/// The suite's relying party and its user's browser.
struct Suite {
    rig: Rig,
    browser: Browser,
}

impl Suite {
    async fn start() -> Self {
        let rig = rig().await;
        let policy = TenantPolicy { offer_passkey: false, ..TenantPolicy::default() };
        rig.database.tenants().set_policy(rig.tenant, &policy).await.unwrap();
        let browser = Browser::new(&rig);
        Self { rig, browser }
    }

    /// Registers one more redirect URI for the client.
    async fn register(&self, uri: &str) {
        let uri = RedirectUri { uri: uri.to_owned(), kind: RedirectKind::Web };
        self.rig.register(self.rig.web, |registration| registration.redirect_uris.push(uri)).await;
    }

    /// One more user, with the same password.
    async fn other_user(&self, upn: &str) {
        self.rig.user_with_password(self.rig.tenant, upn, PASSWORD).await;
    }

    /// Opens an authorization request: `scope=openid`, a nonce, no PKCE, and `more`.
    async fn authorize(&mut self, more: &[(&str, &str)]) -> Page {
        let plain = [("scope", "openid"), ("code_challenge", ""), ("code_challenge_method", "")];
        self.browser.authorize(&self.rig, &[&plain, more].concat()).await
    }

    /// Signs in on the pages that follow, whichever they are, until the browser is sent to the client.
    async fn through(&mut self, mut page: Page) -> Page {
        for _ in 0..8 {
            if page.status != 200 {
                return page;
            }
            let step = page.field("step");
            let fields: &[(&str, &str)] = match step.as_str() {
                "user" | "passkey" => &[("loginfmt", NAME)],
                "password" => &[("passwd", PASSWORD)],
                "stay" => &[("LoginOptions", "1")],
                other => panic!("{other}: {}", page.html),
            };
            let step = if step == "passkey" { "user" } else { &step };
            page = self.browser.submit(&page, step, fields).await;
        }
        panic!("the sign-in does not end: {}", page.html);
    }

    /// Authorizes with `more` and signs in if asked to: what the client is sent.
    async fn answer(&mut self, more: &[(&str, &str)]) -> BTreeMap<String, String> {
        let page = self.authorize(more).await;
        self.through(page).await.answer()
    }

    /// The whole flow: the body of the token response.
    async fn tokens(&mut self, more: &[(&str, &str)]) -> Value {
        let answer = self.answer(more).await;
        assert!(answer.contains_key("code"), "{answer:?}");
        assert_eq!(answer["state"], "s");
        self.redeem(&answer["code"], &[]).await.ok()
    }

    /// Redeems a code with `client_secret_basic`.
    async fn redeem(&self, code: &str, more: &[(&str, &str)]) -> Answer {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
        self.as_client(&[&fields, more].concat()).await
    }

    /// Posts to the token endpoint with `client_secret_basic`.
    async fn as_client(&self, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let credentials = STANDARD.encode(format!("{}:{SECRET}", self.rig.web));
        let request = Request::post(format!("/{}/oauth2/v2.0/token", self.rig.tenant))
            .header("authorization", format!("Basic {credentials}"))
            .header("content-type", "application/x-www-form-urlencoded");
        self.rig.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn userinfo(&self, tokens: &Value) -> Value {
        self.rig.get("/oidc/userinfo", tokens["access_token"].as_str()).await.ok()
    }

    async fn metadata(&self) -> Value {
        let path = format!("/{}/v2.0/.well-known/openid-configuration", self.rig.tenant);
        self.rig.get(&path, None).await.ok()
    }

    /// The claims of an ID token, after every check that OIDC Core §3.1.3.7 asks of a client.
    async fn verified(&self, tokens: &Value) -> Value {
        let token = tokens["id_token"].as_str().unwrap();
        let jws = Jws::parse(token).unwrap();
        let keys = self.rig.get(&format!("/{}/discovery/v2.0/keys", self.rig.tenant), None).await.ok();
        let of_kid = |key: &&Value| key["kid"].as_str() == jws.header.kid.as_deref();
        let key = keys["keys"].as_array().unwrap().iter().find(of_kid).unwrap();
        let claims: Value = jws.verify(&PublicKey::from_jwk(key).unwrap()).unwrap();
        let now = self.rig.now().seconds();
        assert_eq!(claims["iss"], self.metadata().await["issuer"]);
        assert_eq!(claims["aud"], self.rig.web.to_string());
        assert!(claims["exp"].as_i64().unwrap() > now && claims["iat"].as_i64().unwrap() <= now);
        let subject = claims["sub"].as_str().unwrap();
        assert!(subject.is_ascii() && (1..=255).contains(&subject.len()));
        let hash = Sha256::digest(tokens["access_token"].as_str().unwrap());
        assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(&hash[..16]));
        claims
    }
}
