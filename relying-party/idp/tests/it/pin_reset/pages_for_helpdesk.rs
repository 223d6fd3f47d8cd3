//! The helpdesk and groups on the administrators' pages.

use std::time::Duration;

use latchkey_idp::pin_reset::Purpose;

use super::scene::{Scene, last_entry};
use crate::admin_pages::{Desk, ada, enrol, has, issued};
use crate::administration::{actions, person};
use crate::browser::Page;

/// The newest case on the page.
fn case(page: &Page) -> String {
    page.html.split_once("data-case-id=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

/// What the page says became of each case.
fn states(page: &Page) -> Vec<&str> {
    page.html.split("data-state=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

async fn second(scene: &Scene, name: &str) -> Desk {
    let user = person(&scene.rig, scene.rig.tenant, name, true).await;
    enrol(&scene.rig, &user).await;
    Desk::of(&scene.rig, &user).await
}

#[tokio::test]
async fn one_administrator_asks_and_another_approves_what_opens_nothing() {
    let mut scene = Scene::hpke().await;
    let ada = ada(&scene.rig).await;
    let mut ada = Desk::of(&scene.rig, &ada).await;
    let mut bea = second(&scene, "bea@example.org").await;
    let (upn, device) = (scene.rig.user.upn.clone(), scene.device.id.to_string());
    let empty = ada.get("/helpdesk").await;
    has(&empty, "only the administrative half");
    has(&empty, "it can neither open passkeys nor sign");
    // The user's page leads here with the form filled.
    let user = ada.get(&format!("/users/{}", scene.rig.user.id)).await;
    let link = format!("/helpdesk?user={}&#38;device={device}", upn.replace('@', "%40"));
    has(&user, &link);

    let wrong = |user: &'static str, device: &'static str, reason: &'static str| {
        [("user", user), ("device", device), ("reason", reason)]
    };
    ada.refused("/helpdesk", &wrong("nobody@example.org", "Laptop", "x"), 404, "no such user").await;
    ada.refused("/helpdesk", &wrong("alice@example.org", "Desktop", "x"), 404, "no such device").await;
    ada.refused("/helpdesk", &wrong("alice@example.org", "Laptop", " "), 400, "reason is missing").await;
    let page = ada.done("/helpdesk", &wrong("alice@example.org", "Laptop", "Called <b>back")).await;
    has(&page, "Called &#60;b&#62;back");
    has(&page, "another administrator approves it");
    assert!(!page.html.contains("case-approve"), "nobody is offered their own case");
    let id = case(&page);
    let approve = format!("/helpdesk/{id}/approve");
    ada.refused(&approve, &[], 403, "another administrator must approve it").await;
    let entry = last_entry(&scene.rig).await;
    assert_eq!(
        (entry["action"].as_str(), entry["detail"]["code"].as_str()),
        (Some("helpdesk.approval_refused"), Some("own_case"))
    );

    has(&bea.get("/helpdesk").await, "case-approve");
    let page = bea.post(&approve, &[]).await;
    let code = issued(&page);
    assert!(!bea.get("/helpdesk").await.html.contains(&code), "it is shown once");
    bea.refused(&approve, &[], 404, "no such open case").await;
    // The code gives the tries back, and nothing else.
    let authorization = format!("Helpdesk {code}");
    let reset = scene.reset_with(&authorization, Purpose::Recover).await;
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 403, "purpose_not_allowed").await;
    let reset = scene.reset_with(&authorization, Purpose::Administer).await;
    let answer = scene.send(&reset).await;
    assert_eq!(scene.opened(&reset, answer), scene.protector.secrets[1]);
    assert_eq!(states(&bea.get("/helpdesk").await), ["used"]);

    // Refused, and left alone.
    scene.rig.wait(Duration::from_secs(1));
    let form = wrong("alice@example.org", "Laptop", "Again");
    let id = case(&ada.done("/helpdesk", &form).await);
    bea.done(&format!("/helpdesk/{id}/decline"), &[]).await;
    bea.refused(&format!("/helpdesk/{id}/approve"), &[], 404, "no such open case").await;
    scene.rig.wait(Duration::from_secs(1));
    let id = case(&ada.done("/helpdesk", &form).await);
    scene.rig.wait(Duration::from_mins(61));
    bea.refused(&format!("/helpdesk/{id}/approve"), &[], 404, "no such open case").await;
    assert_eq!(states(&bea.get("/helpdesk").await), ["expired", "declined", "used"]);
    ada.refused("/helpdesk/x/approve", &[], 404, "no such open case").await;
}

#[tokio::test]
async fn groups_are_made_filled_and_decide_who_resets() {
    let mut scene = Scene::hpke().await;
    let ada = ada(&scene.rig).await;
    let mut desk = Desk::of(&scene.rig, &ada).await;
    let from = scene.rig.provider.newest_audit_entry().await.unwrap() + 1;
    has(&desk.get("/groups").await, "No group yet");
    let page = desk.done("/groups", &[("name", "Field <b>staff"), ("description", "Who travels")]).await;
    has(&page, "Field &#60;b&#62;staff");
    desk.refused("/groups", &[("name", "FIELD <b>STAFF")], 409, "in use already").await;
    desk.refused("/groups", &[("name", " ")], 400, "name is missing").await;
    let (_, id) = page.html.split_once("id=\"group-id\">").unwrap();
    let path = format!("/groups/{}", id.split_once('<').unwrap().0);
    let member = format!("{path}/members");
    has(&desk.done(&member, &[("user_name", "alice@example.org")]).await, "data-user-id");
    desk.refused(&member, &[("user_name", "nobody@example.org")], 404, "no such user").await;

    let forbid = [("kind", "group"), ("name", "field <b>staff"), ("rule", "forbid")];
    desk.done("/pin-resets/rules", &forbid).await;
    has(&desk.get("/groups").await, ">Forbidden<");
    let reset = scene.reset().await;
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 403, "user_forbidden").await;
    let out = format!("{member}/{}/delete", scene.rig.user.id);
    has(&desk.done(&out, &[]).await, "Nobody is in this group");
    let reset = scene.reset().await;
    assert_eq!(scene.send(&reset).await.status, 200, "no longer in it");
    desk.done(&format!("{path}/delete"), &[]).await;
    assert!(!desk.get("/pin-resets").await.html.contains("reset-rules"), "its rule went with it");
    desk.refused(&format!("{path}/delete"), &[], 404, "no such group").await;
    desk.refused("/groups/field/delete", &[], 404, "no such group").await;
    let done: Vec<_> =
        actions(&scene.rig, from).await.into_iter().filter(|action| action.starts_with("group.")).collect();
    assert_eq!(done, ["group.created", "group.member_added", "group.member_removed", "group.deleted"]);
}
