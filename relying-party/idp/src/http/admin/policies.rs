//! The policies of a tenant.

use std::collections::BTreeSet;

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use uuid::Uuid;

use super::changes::{Done, after};
use super::device_rules;
use super::gate::Seat;
use super::query::Query;
use crate::administration::{Administrator, Refused};
use crate::attestation::{Format, MetadataRule};
use crate::domain::TenantPolicy;
use crate::pages::Notice;
use crate::pages::admin::{
    AaguidRow, AppStrength, DeviceRules, FormatRow, PoliciesPage, Strength, Switch, second_factor,
};

/// The switches of the sign-in policy: the form's field, what it is, and what it does.
const SWITCHES: [(&str, &str, &str); 4] = [
    ("offer_passkey", "Offer a passkey", "after a sign-in with something weaker"),
    ("user_consent", "Users may consent", "to what applications ask for; otherwise only administrators do"),
    ("reveal_accounts", "Tell brokers which accounts exist", "they ask before the user types a password"),
    (
        "password_grant",
        "Allow the password grant",
        "for old clients; it trains users to type passwords anywhere",
    ),
];

fn switch<'a>(policy: &'a mut TenantPolicy, name: &str) -> Option<&'a mut bool> {
    match name {
        "offer_passkey" => Some(&mut policy.offer_passkey),
        "user_consent" => Some(&mut policy.user_consent),
        "reveal_accounts" => Some(&mut policy.reveal_accounts),
        "password_grant" => Some(&mut policy.password_grant),
        _ => None,
    }
}

pub(super) async fn show(seat: Seat, raw: RawQuery) -> Response {
    let notice = Done::notice(Query::read(&raw).text("done"));
    page(&seat, notice, 200).await.unwrap_or_else(|refused| seat.refuse(&refused))
}

/// Saves one of the page's forms: the last segment of the path says which.
pub(super) async fn save(seat: Seat, Path((_, which)): Path<(String, String)>) -> Response {
    let saved = match which.as_str() {
        "sign-in" => sign_in(&seat).await,
        "passkeys" => passkeys(&seat).await,
        "aaguids" => add_model(&seat).await,
        "strength" => strength(&seat).await,
        "devices" => device_rules::save(&seat).await,
        _ => Err(Refused::NotFound("page")),
    };
    done(&seat, saved.map(|()| Done::Saved)).await
}

async fn done(seat: &Seat, result: Result<Done, Refused>) -> Response {
    after(seat, result, &seat.path("/policies"), |notice, status| page(seat, Some(notice), status)).await
}

async fn sign_in(seat: &Seat) -> Result<(), Refused> {
    let factor = second_factor(seat.field("second_factor"));
    let factor = factor.ok_or_else(|| Refused::Invalid("Choose what follows a password.".to_owned()))?;
    let numbers = (
        seat.number("lockout_threshold")?,
        seat.number("lockout_seconds")?,
        seat.number("pass_max_minutes")?,
    );
    let change = |policy: &mut TenantPolicy| {
        for (name, ..) in SWITCHES {
            if let Some(switch) = switch(policy, name) {
                *switch = seat.ticked(name);
            }
        }
        policy.second_factor = factor;
        (policy.lockout_threshold, policy.lockout_seconds, policy.pass_max_minutes) = numbers;
        Ok(())
    };
    seat.administrator()?.change_policy(change).await
}

async fn passkeys(seat: &Seat) -> Result<(), Refused> {
    let format = |word: &str| Format::ALL.into_iter().find(|format| format.word() == word);
    let chosen: BTreeSet<Format> = seat.all("format").filter_map(format).collect();
    let every = chosen.len() == Format::ALL.len();
    let change = |policy: &mut TenantPolicy| {
        policy.passkeys.required = seat.ticked("attestation");
        policy.passkeys.metadata =
            if seat.ticked("known") { MetadataRule::RequireKnown } else { MetadataRule::RefuseCompromised };
        // All of them is no rule; a rule would demand attestation.
        policy.passkeys.formats = (!every).then_some(chosen);
        let listed = seat.field("models") == "listed";
        policy.passkeys.aaguids = listed.then(|| policy.models.keys().copied().collect());
        Ok(())
    };
    seat.administrator()?.change_policy(change).await
}

async fn add_model(seat: &Seat) -> Result<(), Refused> {
    let aaguid = Uuid::try_parse(seat.field("aaguid").trim())
        .map_err(|_| Refused::Invalid("An AAGUID has 32 hexadecimal digits.".to_owned()))?;
    let note = seat.field("note").trim().to_owned();
    let change = |policy: &mut TenantPolicy| {
        policy.models.insert(aaguid, note);
        if let Some(accepted) = &mut policy.passkeys.aaguids {
            accepted.insert(aaguid);
        }
        Ok(())
    };
    seat.administrator()?.change_policy(change).await
}

pub(super) async fn delete_model(seat: Seat, Path((_, aaguid)): Path<(String, String)>) -> Response {
    let removed = async {
        let aaguid = Uuid::try_parse(&aaguid).map_err(|_| Refused::NotFound("model"))?;
        let change = |policy: &mut TenantPolicy| {
            policy.models.remove(&aaguid).ok_or(Refused::NotFound("model"))?;
            if let Some(accepted) = &mut policy.passkeys.aaguids {
                accepted.remove(&aaguid);
            }
            Ok(())
        };
        seat.administrator()?.change_policy(change).await.map(|()| Done::Removed)
    };
    done(&seat, removed.await).await
}

async fn strength(seat: &Seat) -> Result<(), Refused> {
    let strength = Strength::of_word(seat.field("strength"));
    let strength = strength.ok_or_else(|| Refused::Invalid("Choose a strength.".to_owned()))?;
    let administrator = seat.administrator()?;
    if seat.field("client_id").is_empty() {
        let change = |policy: &mut TenantPolicy| {
            policy.strength = strength.into();
            Ok(())
        };
        return administrator.change_policy(change).await;
    }
    let id = seat.field("client_id").parse().map_err(|_| Refused::NotFound("application"))?;
    let change = |app: &mut crate::domain::App| {
        app.registration.strength = strength.into();
        Ok(())
    };
    administrator.change_app(id, change).await
}

async fn page(seat: &Seat, notice: Option<Notice>, status: u16) -> Result<Response, Refused> {
    let administrator = seat.administrator()?;
    let mut policy = administrator.tenant().await?.policy;
    let switches = SWITCHES.map(|(name, label, hint)| {
        let on = switch(&mut policy, name).is_some_and(|on| *on);
        Switch { name, label, hint, on }
    });
    let passkeys = &policy.passkeys;
    let format = |format: Format| FormatRow {
        name: format.word().to_owned(),
        accepted: passkeys.formats.as_ref().is_none_or(|formats| formats.contains(&format)),
    };
    let models = seat.provider().models();
    let row = |(aaguid, note): (&Uuid, &String)| {
        let model = models.model(*aaguid);
        let warning = model.warning.map(|status| format!("The metadata speak against it: {status}."));
        AaguidRow { aaguid: *aaguid, model: model.name, note: note.clone(), warning }
    };
    let page = PoliciesPage {
        frame: seat.frame(notice),
        switches: switches.into(),
        second_factor: policy.second_factor,
        lockout_threshold: policy.lockout_threshold,
        lockout_seconds: policy.lockout_seconds,
        pass_max_minutes: policy.pass_max_minutes,
        attestation_required: passkeys.required,
        formats: Format::ALL.map(format).into(),
        known_only: passkeys.metadata == MetadataRule::RequireKnown,
        listed_only: passkeys.aaguids.is_some(),
        aaguids: policy.models.iter().map(row).collect(),
        metadata: models.metadata_state(seat.provider().now()),
        strengths: strengths(&administrator, &policy).await?,
        devices: DeviceRules::of(policy),
    };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

async fn strengths(
    administrator: &Administrator<'_>,
    policy: &TenantPolicy,
) -> Result<Vec<AppStrength>, Refused> {
    let all = AppStrength {
        client_id: None,
        name: "All applications, at least".to_owned(),
        strength: policy.strength.into(),
    };
    let apps = administrator.apps().await?.into_iter().filter(|app| administrator.owns(app));
    let rows = apps.map(|app| AppStrength {
        client_id: Some(app.id.to_string()),
        name: app.name,
        strength: app.registration.strength.into(),
    });
    Ok(std::iter::once(all).chain(rows).collect())
}
