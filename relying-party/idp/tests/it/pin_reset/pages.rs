//! What administrators and users see of PIN resets, and who may.

use super::scene::Scene;
use crate::admin_pages::{Desk, ada, enrol, sign_in};
use crate::browser::{Browser, Page};

fn rows(page: &Page) -> usize {
    page.html.matches("data-trace-id=").count()
}

#[tokio::test]
async fn administrators_see_resets_and_decide_who_may() {
    let mut scene = Scene::hpke().await;
    let reset = scene.reset().await;
    let answer = scene.send(&reset).await;
    scene.opened(&reset, answer);
    let again = scene.send(&reset).await;
    scene.refused(&again, 400, "nonce_invalid").await;

    let ada = ada(&scene.rig).await;
    let mut desk = Desk::of(&scene.rig, &ada).await;
    assert_eq!(rows(&desk.get("/pin-resets").await), 2);
    assert_eq!(rows(&desk.get("/pin-resets?result=released").await), 1);
    let refused = desk.get("/pin-resets?result=refused").await;
    assert!(rows(&refused) == 1 && refused.html.contains("nonce_invalid"));
    assert_eq!(rows(&desk.get("/pin-resets?code=mfa_stale").await), 0);
    assert_eq!(rows(&desk.get("/pin-resets?user=nobody").await), 0);

    let name = scene.rig.user.upn.clone();
    let decide = |rule: &'static str| [("kind", "user"), ("name", name.as_str()), ("rule", rule)];
    let page = desk.done("/pin-resets/rules", &decide("forbid")).await;
    assert!(page.html.contains(">Forbidden<"));
    let reset = scene.reset().await;
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 403, "user_forbidden").await;
    desk.done("/pin-resets/rules", &decide("none")).await;
    let reset = scene.reset().await;
    assert_eq!(scene.send(&reset).await.status, 200);

    let nobody = [("kind", "group"), ("name", "nobody"), ("rule", "allow")];
    desk.refused("/pin-resets/rules", &nobody, 404, "group").await;
    desk.refused("/pin-resets/rules", &decide("perhaps"), 400, "Choose whether").await;
}

#[tokio::test]
async fn a_user_is_told_of_a_reset_once_and_finds_it_later() {
    let mut scene = Scene::hpke().await;
    let user = scene.rig.user.clone();
    enrol(&scene.rig, &user).await;
    let mut browser = Browser::new(&scene.rig);
    let page = browser.get("/security").await;
    let page = sign_in(&scene.rig, &mut browser, page, &user.upn, true).await;
    assert!(!page.html.contains("PIN resets"), "{}", page.html);

    let reset = scene.reset().await;
    let answer = scene.send(&reset).await;
    scene.opened(&reset, answer);
    let told = "A PIN of yours was reset";
    let page = browser.get("/security").await;
    assert!(page.html.contains(told) && page.html.contains("id=\"pin-resets\""), "{}", page.html);
    let page = browser.get("/security").await;
    assert!(!page.html.contains(told) && page.html.contains("id=\"pin-resets\""));
}
