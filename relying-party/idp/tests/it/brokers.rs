//! What a broker does: it reads `$Config`, posts under its own names, and makes helper calls in JSON, until it holds a code.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_idp::access_pass::PassOptions;
use latchkey_idp::domain::{SecondFactor, TenantPolicy};
use latchkey_idp::sign_in::{add_totp, issue_pass};
use serde_json::{Value, json};

use crate::browser::{Browser, Page, Passkey};
use crate::rig::{Rig, URL};
use crate::sign_in::{NAME, PASSWORD, code_at, rig, seed};

impl Page {
    /// The object as brokers cut it out: from `$Config=` to the last `//]]>`, less two characters.
    #[track_caller]
    fn config(&self) -> Value {
        let (_, rest) =
            self.html.split_once("$Config=").unwrap_or_else(|| panic!("{} {}", self.status, self.html));
        let end = rest.rfind("//]]>").unwrap() - 2;
        // What makes a broker believe that the page sends itself.
        for forbidden in ["Working...", "Click Submit to continue", "<input type=\"submit\""] {
            assert!(!self.html.contains(forbidden), "{forbidden}");
        }
        serde_json::from_str(&rest[..end]).unwrap()
    }
}

fn text<'a>(config: &'a Value, name: &str) -> &'a str {
    config[name].as_str().unwrap_or_else(|| panic!("{name} in {config}"))
}

/// An address of ours, as a path.
fn path(config: &Value, name: &str) -> String {
    text(config, name).strip_prefix(URL).unwrap().to_owned()
}

async fn call(browser: &mut Browser, path: &str, body: &Value, canary: Option<&str>) -> Value {
    let mut request = Request::post(path).header("cookie", browser.cookie_header());
    if let Some(canary) = canary {
        request = request.header("canary", canary);
    }
    let page = browser.send(request.body(Body::from(body.to_string())).unwrap()).await;
    serde_json::from_str(&page.html).unwrap_or_else(|_| panic!("{} {}", page.status, page.html))
}

/// The first page, and what the broker asks about the account.
async fn begin(rig: &Rig, browser: &mut Browser) -> Value {
    let page = browser.authorize(rig, &[("login_hint", NAME)]).await;
    let config = page.config();
    assert_eq!(config["pgid"], "ConvergedSignIn");
    for required in ["sessionId", "canary", "sFT", "sCtx", "urlPost", "urlGetCredentialType", "urlFidoLogin"]
    {
        assert!(!text(&config, required).is_empty(), "{required}");
    }
    let asked = json!({ "username": NAME, "isFidoSupported": true, "isAccessPassSupported": true,
        "originalRequest": config["sCtx"], "flowToken": config["sFT"] });
    let about = call(browser, &path(&config, "urlGetCredentialType"), &asked, None).await;
    assert_eq!((&about["IfExistsResult"], &about["Credentials"]["HasPassword"]), (&json!(0), &json!(true)));
    config
}

/// A form under the broker's names.
async fn post(browser: &mut Browser, config: &Value, fields: &[(&str, &str)]) -> Page {
    let common = [
        ("login", NAME),
        ("loginfmt", NAME),
        ("hpgrequestid", text(config, "sessionId")),
        ("ctx", text(config, "sCtx")),
        ("flowToken", text(config, "sFT")),
        ("canary", text(config, "canary")),
    ];
    browser.post(&path(config, "urlPost"), &[&common[..], fields].concat()).await
}

/// The end: a code, in a redirect that has it in its body too.
async fn redeem(rig: &Rig, page: &Page) -> Value {
    let answer = page.answer();
    assert!(page.status == 302 && page.html.starts_with("<a href=\"") && page.html.contains("code="));
    crate::rig::claims(&rig.redeem(&answer["code"]).await.ok()["id_token"])
}

#[tokio::test]
async fn a_password_is_enough_where_it_is_enough() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let config = begin(&rig, &mut browser).await;
    assert!(config.get("iErrorCode").is_none());
    let wrong = post(&mut browser, &config, &[("passwd", "wrong")]).await.config();
    assert_eq!((&wrong["iErrorCode"], &wrong["sErrorCode"]), (&json!(50_126), &json!("50126")));
    let page = post(&mut browser, &wrong, &[("passwd", PASSWORD)]).await;
    assert_eq!(redeem(&rig, &page).await["oid"], rig.user.id.to_string());
}

#[tokio::test]
async fn a_password_and_a_code() {
    let rig = rig().await;
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    let mut browser = Browser::new(&rig);
    let config = begin(&rig, &mut browser).await;
    let config = post(&mut browser, &config, &[("passwd", PASSWORD)]).await.config();
    assert_eq!((&config["pgid"], config.get("iErrorCode")), (&json!("ConvergedTFA"), None));
    assert_eq!(config["arrUserProofs"][0]["authMethodId"], "PhoneAppOTP");
    let canary = text(&config, "canary").to_owned();
    let (start, end) = (path(&config, "urlBeginAuth"), path(&config, "urlEndAuth"));
    let asked = json!({ "AuthMethodId": "PhoneAppOTP", "Method": "BeginAuth",
        "ctx": config["sCtx"], "flowToken": config["sFT"] });
    let begun = call(&mut browser, &start, &asked, Some(&canary)).await;
    assert_eq!((&begun["Success"], &begun["ResultValue"]), (&json!(true), &json!("Success")), "{begun}");
    // Its flow token is the next one; the one before it is worth nothing.
    assert_eq!(call(&mut browser, &start, &asked, Some(&canary)).await["Success"], false);

    let typed = |before: &Value, code: &str| {
        json!({ "Method": "EndAuth", "SessionId": before["SessionId"], "FlowToken": before["FlowToken"],
            "Ctx": before["Ctx"], "AuthMethodId": "PhoneAppOTP", "AdditionalAuthData": code })
    };
    let wrong = call(&mut browser, &end, &typed(&begun, "000000"), None).await;
    assert_eq!((&wrong["Success"], &wrong["Retry"]), (&json!(false), &json!(true)), "{wrong}");
    assert_eq!(wrong["ErrCode"], 500_121);
    // Without the code the sign-in does not go on.
    let skipped = [("request", text(&config, "sCtx")), ("mfaAuthMethod", "PhoneAppOTP"), ("login", NAME)];
    let next = [("flowToken", text(&wrong, "FlowToken")), ("canary", &canary)];
    let page = browser.post(&path(&config, "urlPost"), &[&skipped[..], &next].concat()).await;
    let config = page.config();
    assert_eq!(config["pgid"], "ConvergedTFA");

    let asked = json!({ "AuthMethodId": "PhoneAppOTP", "Method": "BeginAuth",
        "Ctx": config["sCtx"], "FlowToken": config["sFT"] });
    let begun = call(&mut browser, &start, &asked, Some(&canary)).await;
    let right = call(&mut browser, &end, &typed(&begun, &code_at(rig.now().seconds())), Some(&canary)).await;
    assert_eq!((&right["Success"], &right["ErrCode"]), (&json!(true), &json!(0)), "{right}");
    let next = [("flowToken", text(&right, "FlowToken")), ("canary", &canary)];
    let page = browser.post(&path(&config, "urlPost"), &[&skipped[..], &next].concat()).await;
    redeem(&rig, &page).await;
}

#[tokio::test]
async fn a_passkey() {
    let rig = rig().await;
    let mut passkey = Passkey::enrol(&rig).await;
    let mut browser = Browser::new(&rig);
    let config = begin(&rig, &mut browser).await;
    let (token, ctx, canary) = (text(&config, "sFT"), text(&config, "sCtx"), text(&config, "canary"));
    let form = [
        ("flow", "mfa"),
        ("canary", token),
        ("serverChallenge", token),
        ("ctx", ctx),
        ("username", NAME),
        ("loginCanary", canary),
        ("postBackUrl", text(&config, "urlPost")),
    ];
    let wrong =
        browser.post(&path(&config, "urlFidoLogin"), &[&form[..5], &[("loginCanary", "x")]].concat()).await;
    assert_eq!(wrong.status, 400);
    let page = browser.post(&path(&config, "urlFidoLogin"), &form).await;
    let config = page.config();
    assert_eq!(config["pgid"], "ConvergedFido");
    assert!(!text(&config, "sCrossDomainCanary").is_empty());
    let challenge = text(&config, "sFidoChallenge");
    // The challenge is the text itself, byte by byte.
    let options: Value = serde_json::from_str(&page.attribute("data-options")).unwrap();
    assert_eq!(options["challenge"], URL_SAFE_NO_PAD.encode(challenge));
    let allowed = STANDARD.decode(config["arrFidoAllowList"][0].as_str().unwrap()).unwrap();
    assert_eq!(options["allowCredentials"][0]["id"], URL_SAFE_NO_PAD.encode(allowed));
    let signed: Value = serde_json::from_str(&passkey.sign(&page.attribute("data-options"), URL)).unwrap();
    let response = &signed["response"];
    let assertion = json!({ "id": signed["id"], "clientDataJSON": response["clientDataJSON"],
        "authenticatorData": response["authenticatorData"], "signature": response["signature"],
        "userHandle": response["userHandle"] });
    let assertion = assertion.to_string();
    let fields = [("type", "23"), ("ps", "23"), ("assertion", assertion.as_str()), ("lmcCanary", "x")];
    let page = post(&mut browser, &config, &fields).await;
    redeem(&rig, &page).await;
    // Once.
    assert_eq!(post(&mut browser, &config, &fields).await.status, 400);
}

#[tokio::test]
async fn an_access_pass() {
    let rig = rig().await;
    let pass = issue_pass(&rig.provider, rig.user.id, &PassOptions::default()).await.unwrap();
    let mut browser = Browser::new(&rig);
    let config = begin(&rig, &mut browser).await;
    let wrong = post(&mut browser, &config, &[("accesspass", "wrong pass")]).await.config();
    assert_eq!(wrong["iErrorCode"], 130_503);
    let page = post(&mut browser, &wrong, &[("accesspass", pass.expose())]).await;
    redeem(&rig, &page).await;
}

#[tokio::test]
async fn an_enrolment_that_is_only_offered_is_put_off() {
    let rig = rig().await;
    let policy = TenantPolicy { second_factor: SecondFactor::Offered, ..TenantPolicy::default() };
    rig.database.tenants().set_policy(rig.tenant, &policy).await.unwrap();
    let mut browser = Browser::new(&rig);
    let config = begin(&rig, &mut browser).await;
    let config = post(&mut browser, &config, &[("passwd", PASSWORD)]).await.config();
    assert_eq!((&config["pgid"], config.get("iErrorCode")), (&json!("ConvergedProofUpRedirect"), None));
    let page = browser.get(&path(&config, "urlSkipMfaRegistration")).await;
    redeem(&rig, &page).await;
}

#[tokio::test]
async fn nothing_goes_on_with_a_wrong_canary_or_from_another_place() {
    let rig = rig().await;
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    let mut browser = Browser::new(&rig);
    let mut config = begin(&rig, &mut browser).await;
    let right = config["canary"].clone();
    config["canary"] = json!("x");
    assert_eq!(post(&mut browser, &config, &[("passwd", PASSWORD)]).await.status, 400);
    config["canary"] = right;
    let mut other = Browser::new(&rig);
    other.authorize(&rig, &[]).await;
    assert_eq!(post(&mut other, &config, &[("passwd", PASSWORD)]).await.status, 400);
    let config = post(&mut browser, &config, &[("passwd", PASSWORD)]).await.config();
    let code = code_at(rig.now().seconds());
    let asked = json!({ "AuthMethodId": "PhoneAppOTP", "AdditionalAuthData": code,
        "ctx": config["sCtx"], "flowToken": config["sFT"] });
    let canary = text(&config, "canary");
    for name in ["urlBeginAuth", "urlEndAuth"] {
        let path = path(&config, name);
        assert_eq!(call(&mut browser, &path, &asked, Some("x")).await["Success"], false, "{name}");
        assert_eq!(call(&mut other, &path, &asked, Some(canary)).await["Success"], false, "{name}");
    }
    let path = path(&config, "urlBeginAuth");
    assert_eq!(call(&mut browser, &path, &asked, None).await["Success"], false);
    // Nor does a code come before the password.
    let mut early = Browser::new(&rig);
    let config = begin(&rig, &mut early).await;
    let asked = json!({ "AuthMethodId": "PhoneAppOTP", "AdditionalAuthData": code,
        "ctx": config["sCtx"], "flowToken": config["sFT"] });
    let answer = call(&mut early, &path, &asked, Some(text(&config, "canary"))).await;
    assert_eq!(answer["Success"], false);
}

#[tokio::test]
async fn guesses_in_json_are_counted_too() {
    let rig = rig().await;
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    let mut browser = Browser::new(&rig);
    let config = begin(&rig, &mut browser).await;
    let config = post(&mut browser, &config, &[("passwd", PASSWORD)]).await.config();
    let end = path(&config, "urlEndAuth");
    let mut token = config["sFT"].clone();
    let mut last = Value::Null;
    for code in (0..10).map(|_| "000000".to_owned()).chain([code_at(rig.now().seconds())]) {
        let typed = json!({ "AuthMethodId": "PhoneAppOTP", "AdditionalAuthData": code, "Ctx": config["sCtx"], "FlowToken": token });
        last = call(&mut browser, &end, &typed, None).await;
        assert_eq!(last["Success"], false);
        token = last["FlowToken"].clone();
    }
    assert_eq!((&last["ErrCode"], &last["Retry"]), (&json!(50_053), &json!(false)), "{last}");
}

#[tokio::test]
async fn who_exists_stays_unsaid_unless_the_tenant_says_it() {
    let rig = rig().await;
    Passkey::enrol(&rig).await;
    let mut browser = Browser::new(&rig);
    let mut about = async |name: &str| {
        call(&mut browser, "/common/GetCredentialType", &json!({ "username": name }), None).await
    };
    let shape = |answer: &Value| {
        let mut answer = answer.clone();
        let list = answer["Credentials"]["FidoParams"]["AllowList"].take();
        let ids: Vec<_> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|id| STANDARD.decode(id.as_str().unwrap()).unwrap().len())
            .collect();
        for name in ["Username", "Display"] {
            answer[name].take();
        }
        (answer, ids)
    };
    let (alice, nobody) = (about(NAME).await, about("nobody@example.org").await);
    assert_eq!(shape(&alice), shape(&nobody));
    assert_eq!(nobody, about("nobody@example.org").await);
    assert_ne!(
        nobody["Credentials"]["FidoParams"],
        about("other@example.org").await["Credentials"]["FidoParams"]
    );

    let policy = TenantPolicy { reveal_accounts: true, ..TenantPolicy::default() };
    rig.database.tenants().set_policy(rig.tenant, &policy).await.unwrap();
    rig.wait(Duration::from_secs(6));
    let (alice, nobody) = (about(NAME).await, about("nobody@example.org").await);
    assert_eq!((&alice["IfExistsResult"], &nobody["IfExistsResult"]), (&json!(0), &json!(1)));
    assert_eq!(alice["Credentials"]["PrefCredential"], 7);
    assert_eq!(nobody["Credentials"]["HasPassword"], false);
    // Nobody signs in by phone here, so nobody waits for it in vain.
    let waited = call(&mut browser, "/common/sessionState", &json!({ "DeviceCode": "x" }), None).await;
    assert_eq!(waited["AuthorizationState"], 1);
    // What is no request is refused in words.
    let wrong = rig.send(Request::post("/common/GetCredentialType").body(Body::from("[[[")).unwrap()).await;
    wrong.refused(400, "invalid_request", 90_014);
}

#[tokio::test]
async fn a_page_for_people_has_the_helpers_too_and_no_error_after_success() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let page = browser.authorize(&rig, &[]).await;
    let config = page.config();
    for (name, value) in config.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("url")) {
        assert!(value.as_str().unwrap().starts_with(URL), "{name} {value}");
    }
    let page = browser.submit(&page, "user", &[("loginfmt", NAME)]).await;
    let page = browser.submit(&page, "password", &[("passwd", "wrong")]).await;
    assert_eq!(page.config()["iErrorCode"], 50_126);
    let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    page.shows("stay");
    assert!(page.config().get("iErrorCode").is_none() && page.config()["pgid"] == "KmsiInterrupt");
}
