//! What a tenant allows.

use std::ops::RangeInclusive;

use super::{Administrator, Refused};
use crate::domain::{CharacterRule, DevicePolicy, TenantPolicy};

/// The longest lives of passes that an administrator may allow, in minutes.
pub const PASS_MINUTES: RangeInclusive<u32> = 10..=30 * 24 * 60;
const LOCKOUT_THRESHOLD: RangeInclusive<u32> = 3..=50;
const LOCKOUT_SECONDS: RangeInclusive<u32> = 5..=24 * 60 * 60;
const DEVICE_QUOTA: RangeInclusive<u32> = 1..=1_000;
/// As Windows Hello for Business has it.
const PIN_LENGTH: RangeInclusive<u32> = 4..=127;

impl Administrator<'_> {
    /// Changes what the tenant allows, as `change` says, which sees what it allows now.
    ///
    /// # Errors
    /// When the policy after the change cannot be.
    pub async fn change_policy(
        &self,
        change: impl FnOnce(&mut TenantPolicy) -> Result<(), Refused> + Send,
    ) -> Result<(), Refused> {
        let tenants = self.provider.database.tenants();
        let changed = tenants
            .change_policy(self.tenant, |policy| {
                let before = policy.clone();
                change(policy)?;
                list_models(policy);
                count_change(&before, policy);
                check_policy(policy)?;
                Ok::<_, Refused>(difference(&before, policy))
            })
            .await?;
        let changed = changed.ok_or(Refused::NotFound("tenant"))?;
        self.record("policy.changed", self.tenant, [("changed", changed)]).await
    }
}

fn within(what: &str, range: &RangeInclusive<u32>, value: u32) -> Result<(), Refused> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Refused::Invalid(format!("{what} must be from {} to {}.", range.start(), range.end())))
}

/// Whether a tenant can allow this.
///
/// # Errors
/// With the sentence that says what cannot be.
pub fn check_policy(policy: &TenantPolicy) -> Result<(), Refused> {
    within("The number of wrong passwords", &LOCKOUT_THRESHOLD, policy.lockout_threshold)?;
    within("The length of a lockout in seconds", &LOCKOUT_SECONDS, policy.lockout_seconds)?;
    within("The longest life of a pass in minutes", &PASS_MINUTES, policy.pass_max_minutes)?;
    check_devices(&policy.devices)?;
    if policy.passkeys.formats.as_ref().is_some_and(std::collections::BTreeSet::is_empty) {
        return Err(Refused::Invalid("Accept at least one attestation format.".to_owned()));
    }
    if policy.passkeys.aaguids.as_ref().is_some_and(std::collections::BTreeSet::is_empty) {
        return Err(Refused::Invalid(
            "Add a model to the list before you accept listed ones only.".to_owned(),
        ));
    }
    if policy.models.values().any(|note| note.chars().count() > 128) || policy.models.len() > 500 {
        return Err(Refused::Invalid("A note has at most 128 characters, the list 500 models.".to_owned()));
    }
    Ok(())
}

/// The characters of a host.
fn is_host(host: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'*');
    host.contains('.') && host.len() <= 253 && host.bytes().all(letter)
}

fn check_devices(devices: &DevicePolicy) -> Result<(), Refused> {
    let pin = &devices.hello.pin;
    within("The most devices of a person", &DEVICE_QUOTA, devices.quota)?;
    within("The length of a PIN", &PIN_LENGTH, pin.minimum)?;
    within("The length of a PIN", &PIN_LENGTH, pin.maximum)?;
    within("The number of former PINs", &(0..=50), pin.history)?;
    within("The days until a PIN must be changed", &(0..=730), pin.expiration)?;
    if pin.minimum > pin.maximum {
        return Err(Refused::Invalid("The shortest PIN must not be longer than the longest one.".to_owned()));
    }
    let rules = [pin.digits, pin.lowercase, pin.uppercase, pin.special];
    if rules.iter().all(|rule| *rule == CharacterRule::Forbidden) {
        return Err(Refused::Invalid("Allow at least one kind of characters in a PIN.".to_owned()));
    }
    if devices.hello.web_sign_in_hosts.iter().any(|host| !is_host(host)) {
        let text = "Write hosts as signin.example.org, without https:// and without quotes.";
        return Err(Refused::Invalid(text.to_owned()));
    }
    Ok(())
}

/// Devices see by the number that what they are told has changed.
fn count_change(before: &TenantPolicy, after: &mut TenantPolicy) {
    after.devices.version = before.devices.version;
    let told = |policy: &TenantPolicy| {
        (policy.devices.clone(), policy.enable_pin_recovery, policy.pin_recovery_protocol)
    };
    if told(before) != told(after) {
        after.devices.version = before.devices.version.saturating_add(1);
    }
}

/// The accepted models are the listed ones, each with its note.
fn list_models(policy: &mut TenantPolicy) {
    if let Some(accepted) = &policy.passkeys.aaguids {
        policy.models.retain(|model, _| accepted.contains(model));
        for model in accepted {
            policy.models.entry(*model).or_default();
        }
    }
}

/// What is different, as `name=value`; a policy holds no secret.
fn difference(before: &TenantPolicy, after: &TenantPolicy) -> String {
    let object = |policy: &TenantPolicy| match serde_json::to_value(policy) {
        Ok(serde_json::Value::Object(members)) => members,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let (before, after) = (object(before), object(after));
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(*value));
    changed.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}
