//! Attacks, each of which succeeds when its defence is taken out.

mod accounts;
mod codes;
mod devices;
mod forms;
mod input;
mod orders;
mod passkeys;
mod redirects;
mod sign_ins;
mod tenants;
mod tokens;

use latchkey_idp::domain::{ClientId, Scopes};
use serde_json::Value;

use crate::rig::Rig;

/// What a user gave to the web application: for the directory itself, or for an API.
async fn tokens(rig: &Rig, scope: &str) -> Value {
    rig.redeem(&rig.code(scope).await).await.ok()
}

/// The rig's user lets the web application use scopes of an API.
async fn consent(rig: &Rig, api: ClientId, scopes: &str) {
    let scopes = Scopes::parse(scopes).unwrap();
    let pair = (rig.web, api);
    rig.database.consents().give(rig.tenant, Some(rig.user.id), pair, &scopes, rig.now()).await.unwrap();
}
