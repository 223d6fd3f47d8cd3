//! The helpdesk: two administrators, one code, one device, and a secret that opens nothing.

use std::time::Duration;

use latchkey_idp::administration::{Administrator, Refused};
use latchkey_idp::domain::{User, UserId};
use latchkey_idp::pin_reset::Purpose;
use latchkey_idp::storage::{NewUser, RuleFor};
use uuid::Uuid;

use super::device::RegisteredDevice;
use super::ground::{Ground, on_both};
use super::scene::{Scene, last_entry};

on_both! { "helpdesk":
    a_code_releases_the_administrative_half_once
    a_code_is_for_one_device_one_purpose_and_one_hour
    two_administrators_and_neither_is_the_user
    the_more_specific_rule_wins
}

async fn administrator(scene: &Scene, name: &str) -> User {
    let (id, upn) = (UserId::new(Uuid::new_v4()), format!("{name}@example.org"));
    let user = User { id, upn, administrator: true, ..scene.rig.user.clone() };
    scene.rig.database.users().create(&NewUser { user: user.clone(), password: None }).await.unwrap();
    user
}

fn acting<'a>(scene: &'a Scene, user: &User) -> Administrator<'a> {
    Administrator::user(&scene.rig.provider, user, scene.rig.tenant).unwrap()
}

/// The code of a case that one administrator opened and another approved.
pub async fn code(scene: &Scene) -> String {
    let [one, two] = ["one", "two"].map(|name| format!("{name}-{}", Uuid::new_v4()));
    let (one, two) = (administrator(scene, &one).await, administrator(scene, &two).await);
    let case =
        acting(scene, &one).open_case(scene.rig.user.id, scene.device.id, "Eight wrong PINs").await.unwrap();
    acting(scene, &two).approve_case(case).await.unwrap().expose().to_owned()
}

async fn a_code_releases_the_administrative_half_once(ground: &Ground) {
    for protocol in ["hpke-p256", "blind-p256"] {
        let mut scene = ground.scene(protocol).await;
        let code = code(&scene).await;
        assert_eq!(code.len(), 23, "it can be read out");
        // However it is typed.
        let typed = format!("Helpdesk {}", code.to_lowercase().replace('-', " "));
        let reset = scene.reset_with(&typed, Purpose::Administer).await;
        let answer = scene.send(&reset).await;
        assert_eq!(scene.opened(&reset, answer), scene.protector.secrets[1], "not the one that recovers");
        assert!(last_entry(&scene.rig).await["detail"]["case"].is_string());
        let reset = scene.reset_with(&format!("Helpdesk {code}"), Purpose::Administer).await;
        let answer = scene.send(&reset).await;
        scene.refused_unknown(&answer, 401, "helpdesk_code_invalid").await;
    }
}

async fn a_code_is_for_one_device_one_purpose_and_one_hour(ground: &Ground) {
    let mut scene = ground.hpke().await;
    let authorization = format!("Helpdesk {}", code(&scene).await);
    let reset = scene.reset_with(&authorization, Purpose::Recover).await;
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 403, "purpose_not_allowed").await;
    let other = RegisteredDevice::register(&scene.rig, (scene.rig.tenant, scene.rig.user.id)).await;
    let reset = scene.reset_with(&authorization, Purpose::Administer).await;
    let answer = scene.post(&reset, &other.sign(&reset.payload)).await;
    scene.refused(&answer, 403, "device_mismatch").await;
    for wrong in ["Helpdesk", "Helpdesk 00000-00000-00000-00000"] {
        let reset = scene.reset_with(wrong, Purpose::Administer).await;
        let answer = scene.send(&reset).await;
        scene.refused_unknown(&answer, 401, "helpdesk_code_invalid").await;
    }
    // Whoever was disabled since gets nothing by a code either.
    for (enabled, status) in [(false, 403), (true, 200)] {
        scene.rig.database.users().set_enabled(scene.rig.user.id, enabled, scene.rig.now()).await.unwrap();
        let reset = scene.reset_with(&authorization, Purpose::Administer).await;
        let answer = scene.send(&reset).await;
        if enabled {
            assert_eq!(answer.status, status, "the code was not used up: {}", answer.body);
        } else {
            scene.refused(&answer, status, "user_disabled").await;
        }
    }
    let authorization = format!("Helpdesk {}", code(&scene).await);
    scene.rig.wait(Duration::from_mins(61));
    let reset = scene.reset_with(&authorization, Purpose::Administer).await;
    let answer = scene.send(&reset).await;
    scene.refused_unknown(&answer, 401, "helpdesk_code_invalid").await;
}

async fn two_administrators_and_neither_is_the_user(ground: &Ground) {
    let scene = ground.hpke().await;
    let (one, two) = (administrator(&scene, "one").await, administrator(&scene, "two").await);
    let case = acting(&scene, &one).open_case(scene.rig.user.id, scene.device.id, "why").await.unwrap();
    assert!(matches!(acting(&scene, &one).approve_case(case).await, Err(Refused::OwnCase)));
    assert_eq!(last_entry(&scene.rig).await["action"], "helpdesk.approval_refused");
    acting(&scene, &two).approve_case(case).await.unwrap();
    assert!(
        matches!(acting(&scene, &two).approve_case(case).await, Err(Refused::NotFound(_))),
        "decided already"
    );

    // The user is an administrator too: another one must approve.
    let own = RegisteredDevice::register(&scene.rig, (scene.rig.tenant, two.id)).await;
    let case = acting(&scene, &one).open_case(two.id, own.id, "why").await.unwrap();
    assert!(matches!(acting(&scene, &two).approve_case(case).await, Err(Refused::OwnCase)));
    acting(&scene, &one).decline_case(case).await.unwrap();
    // Not for somebody else's device, without a reason, or after an hour.
    let admin = acting(&scene, &one);
    assert!(matches!(admin.open_case(two.id, scene.device.id, "why").await, Err(Refused::Invalid(_))));
    assert!(matches!(admin.open_case(two.id, own.id, " ").await, Err(Refused::Invalid(_))));
    let late = admin.open_case(two.id, own.id, "why").await.unwrap();
    scene.rig.wait(Duration::from_mins(61));
    assert!(matches!(acting(&scene, &two).decline_case(late).await, Err(Refused::NotFound(_))));
    assert_eq!(admin.helpdesk_cases(10).await.unwrap().len(), 3);
}

async fn the_more_specific_rule_wins(ground: &Ground) {
    let scene = ground.hpke().await;
    let admin = administrator(&scene, "admin").await;
    let admin = acting(&scene, &admin);
    let user = scene.rig.user.id;
    let (one, two) =
        (admin.create_group("Sales", "").await.unwrap(), admin.create_group("Board", "").await.unwrap());
    assert!(matches!(admin.create_group("SALES", "").await, Err(Refused::Taken(_))));
    for group in [one, two] {
        let group = admin.group(&group.to_string()).await.unwrap();
        admin.set_member(&group, user, true).await.unwrap();
        assert_eq!(admin.group_members(&group).await.unwrap().len(), 1);
    }
    let tenant = scene.rig.database.tenants().find(scene.rig.tenant).await.unwrap().unwrap();
    let allowed =
        || async { latchkey_idp::pin_reset::told(&scene.rig.provider, &tenant, user).await.unwrap().allowed };
    assert!(allowed().await, "without a rule");
    admin.set_reset_rule(RuleFor::Group(one), Some(false)).await.unwrap();
    assert!(!allowed().await);
    admin.set_reset_rule(RuleFor::Group(two), Some(true)).await.unwrap();
    assert!(!allowed().await, "a group that forbids is stronger than one that allows");
    admin.set_reset_rule(RuleFor::User(user), Some(true)).await.unwrap();
    assert!(allowed().await, "the user's own rule is stronger");
    assert_eq!(admin.reset_rules().await.unwrap().len(), 3);
    admin.set_reset_rule(RuleFor::User(user), None).await.unwrap();
    let group = admin.group("sales").await.unwrap();
    admin.set_member(&group, user, false).await.unwrap();
    assert!(allowed().await, "no longer in the group that forbids");
    admin.delete_group(&group).await.unwrap();
    assert_eq!(admin.reset_rules().await.unwrap().len(), 1, "its rule went with it");
    let missing = RuleFor::User(UserId::new(Uuid::new_v4()));
    assert!(matches!(admin.set_reset_rule(missing, Some(true)).await, Err(Refused::NotFound(_))));
}
