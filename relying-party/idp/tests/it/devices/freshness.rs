//! Who asks for two factors of the last ten minutes gets them, or is told how to get them.

use std::time::Duration;

use latchkey_idp::domain::first_party;
use serde_json::Value;

use super::DRS;
use crate::browser::Browser;
use crate::own_pages::sign_in;
use crate::rig::{Answer, Rig, VERIFIER, claims};
use crate::sign_in::rig;

async fn redeem(rig: &Rig, fields: &[(&str, &str)]) -> Answer {
    let client = first_party::LINUX_BROKER.to_string();
    let mut all = vec![("client_id", client.as_str())];
    all.extend_from_slice(fields);
    rig.token(&all).await
}

#[tokio::test]
async fn a_proof_that_grew_old_gives_no_fresh_token() {
    let rig = Rig::start().await;
    let client = first_party::LINUX_BROKER.to_string();
    let scope = format!("openid offline_access {DRS}/.default");
    let more = [("client_id", client.as_str()), ("redirect_uri", "http://localhost")];
    let code = rig.code_of(&scope, &more, rig.fresh()).await;
    let first = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "http://localhost"),
        ("code_verifier", VERIFIER),
    ];
    let mut answer = redeem(&rig, &first).await.ok();
    let fresh = |answer: &Value| {
        let amr = claims(&answer["access_token"])["amr"].clone();
        amr.as_array().unwrap().contains(&"ngcmfa".into())
    };
    assert!(fresh(&answer));
    rig.wait(Duration::from_mins(9));
    let asked = r#"{"access_token":{"amr":{"values":["ngcmfa"]}}}"#;
    for wish in [("amr_values", "ngcmfa"), ("claims", asked)] {
        let token = answer["refresh_token"].as_str().unwrap().to_owned();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", &*token), wish];
        answer = redeem(&rig, &fields).await.ok();
        assert!(fresh(&answer), "{wish:?}");
    }
    rig.wait(Duration::from_secs(61));
    let token = answer["refresh_token"].as_str().unwrap().to_owned();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    for wish in [("amr_values", "ngcmfa"), ("claims", asked)] {
        let refused = redeem(&rig, &[refresh.as_slice(), &[wish]].concat()).await;
        refused.refused(400, "interaction_required", 50_076);
        assert!(refused.body["claims"].as_str().unwrap().contains("ngcmfa"), "{wish:?}");
    }
    assert!(
        !fresh(&redeem(&rig, &refresh).await.ok()),
        "without the wish there is a token that is not fresh"
    );
}

#[tokio::test]
async fn a_device_code_can_ask_for_it() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let page = browser.get("/signin").await;
    sign_in(&mut browser, &page).await;
    let client = first_party::LINUX_BROKER.to_string();
    let path = format!("/{}/oauth2/devicecode", rig.tenant);
    for (wish, step) in [("", "device-confirm"), ("ngcmfa", "password")] {
        let fields = [("client_id", client.as_str()), ("resource", DRS), ("amr_values", wish)];
        let codes = rig.post(&path, &fields).await.ok();
        let page = browser.get("/devicelogin").await;
        let code = codes["user_code"].as_str().unwrap();
        // A session is no proof of the last ten minutes.
        browser.submit(&page, "device-code", &[("otc", code)]).await.shows(step);
    }
}
