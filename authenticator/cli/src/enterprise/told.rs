//! What these commands print.

use jiff::tz::TimeZone;
use latchkey_enterprise::keyring::{AccessToken, RecoveryView, View};
use latchkey_enterprise::policy::Resolved;
use serde_json::{Value, json};

use crate::control::report::StatusReport;
use crate::output::{Output, counted, shown, status_text, table};

/// One registration, after `done`.
pub fn view(output: &Output, done: &str, view: &View) {
    output.told(&json!({ "device": object(view) }), &format!("{done}\n{}", text(view)));
}

/// All registrations.
pub fn views(output: &Output, views: &[View]) {
    let all: Vec<Value> = views.iter().map(object).collect();
    let texts: Vec<String> = views.iter().map(text).collect();
    let said = if texts.is_empty() {
        "This machine is registered nowhere. Next: latchkey device join --idp URL".to_owned()
    } else {
        texts.join("\n\n")
    };
    output.told(&json!({ "devices": all }), &said);
}

/// The container, and below it all registrations.
pub fn overview(output: &Output, status: &StatusReport, views: &[View]) {
    let all: Vec<Value> = views.iter().map(object).collect();
    let mut said = status_text(status, &TimeZone::system());
    for view in views {
        said = format!("{said}\n{}\n", text(view));
    }
    output.told(&json!({ "status": status, "devices": all }), said.trim_end());
}

/// Settings, each with whose it is.
pub fn policy(output: &Output, resolved: &Resolved) {
    let mut rows = vec![["SETTING", "VALUE", "FROM", "OVERRULED"].map(str::to_owned)];
    rows.extend(resolved.settings.iter().map(|setting| {
        let overruled = setting.overruled.iter().map(|(source, value)| format!("{source}: {value}"));
        let overruled: Vec<String> = overruled.collect();
        let cells = [setting.name, &setting.value, &setting.source.to_string(), &overruled.join(", ")];
        cells.map(|cell| if cell.is_empty() { "-".to_owned() } else { shown(cell) })
    }));
    let remarks: Vec<String> =
        resolved.remarks.iter().map(|remark| format!("Note: {}\n", shown(remark))).collect();
    let text = format!("{}{}", table(&rows), remarks.concat());
    output.told(&json!({ "settings": resolved.settings, "remarks": resolved.remarks }), text.trim_end());
}

/// A join. `unprovisioned`: why there is no enterprise key yet.
pub fn joined(output: &Output, view: &View, unprovisioned: Option<&str>) {
    let next = match unprovisioned {
        Some(reason) => format!("There is no enterprise key yet: {reason}."),
        None => "Your enterprise key is registered. Next: latchkey signin".to_owned(),
    };
    output.told(
        &json!({ "device": object(view), "unprovisioned": unprovisioned }),
        &format!("This machine is registered.\n{}\n{next}", text(view)),
    );
}

/// A registration is gone.
pub fn left(output: &Output, view: &View) {
    let text = format!("This machine is registered at {} no more. Your passkeys stay.", tenant_name(view));
    output.told(&json!({ "left": view.facts.provider.tenant }), &text);
}

/// What leaving does.
pub fn leaving(view: &View) -> String {
    format!(
        "This deletes the registration of this machine at {}, and the enterprise key of {} with it.\nPasskeys stay.",
        tenant_name(view),
        shown(&view.facts.user.upn)
    )
}

/// A PIN was reset.
pub fn reset(output: &Output, view: &View) {
    let text = "The new PIN is set. Your passkeys and your enterprise key are what they were.";
    output.told(&json!({ "pin": "reset", "device": object(view) }), text);
}

/// What a destructive reset deletes.
pub fn loss(passkeys: u32) -> String {
    format!(
        "This deletes your PIN, your enterprise key, and {}: you will have to register again at each site.\nThere is no copy and no undo.",
        counted(passkeys)
    )
}

/// Everything was deleted and begun anew.
pub fn destroyed(output: &Output, view: &View, passkeys: u32) {
    let text = format!(
        "{} deleted. The new PIN is set, and a new enterprise key is registered.\nNext: latchkey signin",
        counted(passkeys)
    );
    output.told(&json!({ "pin": "reset", "passkeys_deleted": passkeys, "device": object(view) }), &text);
}

/// An access token: alone on its line, for `$(latchkey token …)`.
pub fn token(output: &Output, token: &AccessToken) {
    let object = json!({
        "access_token": token.access_token.expose(),
        "expires_in": token.expires_in,
        "scope": token.scope,
        "resource": token.resource,
    });
    output.told(&object, token.access_token.expose());
}

fn object(view: &View) -> Value {
    let facts = &view.facts;
    json!({
        "url": facts.provider.url,
        "tenant": facts.provider.tenant,
        "user": facts.user,
        "device": facts.device,
        "key": view.key.as_ref().map(|id| json!({
            "id": id,
            "kid": facts.key.as_ref().map(|key| &key.kid),
            "registered": facts.key.as_ref().map(|key| key.registered),
        })),
        "prt": facts.prt,
        "recovery": view.recovery,
        "open": view.open,
        "handed": view.handed,
        "policy": facts.policy,
    })
}

fn text(view: &View) -> String {
    let facts = &view.facts;
    let device = facts.device.as_ref();
    let attested = device.is_some_and(|device| device.attestation_certificate.is_some());
    let rows = [
        ("Organisation", tenant_name(view)),
        ("Provider", shown(&facts.provider.url)),
        ("User", shown(&facts.user.upn)),
        (
            "Device",
            match device {
                Some(device) if attested => format!("{}, its TPM is attested", device.id),
                Some(device) => device.id.clone(),
                None => "the join was interrupted: run it again".to_owned(),
            },
        ),
        (
            "Key",
            match (&view.key, &facts.key) {
                (Some(_), Some(key)) => shown(&key.kid),
                (Some(_), None) => "not registered: latchkey device provision".to_owned(),
                (None, _) => "none: latchkey device provision".to_owned(),
            },
        ),
        ("Signed in", if facts.prt.is_some() { "yes" } else { "no: latchkey signin" }.to_owned()),
        ("Session", session(view)),
        ("PIN reset", recovery(&view.recovery).to_owned()),
    ];
    let lines: Vec<String> = rows.iter().map(|(name, value)| format!("{name:<13} {value}")).collect();
    lines.join("\n")
}

/// Whoever can reach the daemon gets tokens while it is open, so people can see what was got.
fn session(view: &View) -> String {
    match (view.open, &view.handed.last) {
        (false, _) => "closed".to_owned(),
        (true, None) => "open".to_owned(),
        (true, Some(last)) => {
            let client = last.client.as_deref().unwrap_or("the browser");
            let target = last.target.as_deref().unwrap_or("the provider's pages");
            format!(
                "open; tokens given: {}, the last to {} for {}",
                view.handed.count,
                shown(client),
                shown(target)
            )
        }
    }
}

const fn recovery(recovery: &RecoveryView) -> &'static str {
    match recovery {
        RecoveryView { present: true, .. } => "possible, and keeps your passkeys",
        RecoveryView { wanted: true, .. } => "will be possible after you next use your PIN",
        RecoveryView { .. } => "only by deleting your passkeys",
    }
}

/// The organisation.
pub fn tenant_name(view: &View) -> String {
    let policy = view.facts.policy.as_ref();
    shown(policy.map_or(view.facts.provider.tenant.as_str(), |policy| policy.tenant_name()))
}
