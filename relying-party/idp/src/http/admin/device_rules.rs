//! The rules for devices, read from their form.

use super::gate::Seat;
use crate::administration::Refused;
use crate::domain::{PinPolicy, TenantPolicy};
use crate::pages::admin::DeviceRules;
use crate::pages::admin::device_rules::{attestations, characters, protocols, registrars, switch};

pub(super) async fn save(seat: &Seat) -> Result<(), Refused> {
    let choose = |what: &str| Refused::Invalid(format!("Choose {what}."));
    let registration = registrars::of_word(seat.field("registration"));
    let registration = registration.ok_or_else(|| choose("who registers devices"))?;
    let attestation = attestations::of_word(seat.field("attestation"));
    let attestation = attestation.ok_or_else(|| choose("what must be known about keys"))?;
    let protocol = protocols::of_word(seat.field("pin_recovery_protocol"));
    let protocol = protocol.ok_or_else(|| choose("how devices get ready for the reset of a PIN"))?;
    let (quota, pin) = (seat.number("quota")?, pin(seat)?);
    let hosts = seat.field("hosts").split(';').map(str::trim).filter(|host| !host.is_empty());
    let hosts: Vec<String> = hosts.map(str::to_ascii_lowercase).collect();
    let change = |policy: &mut TenantPolicy| {
        for (name, ..) in DeviceRules::SWITCHES.iter().flat_map(|(_, switches)| *switches) {
            if let Some(switch) = switch(policy, name) {
                *switch = seat.ticked(name);
            }
        }
        policy.pin_recovery_protocol = protocol;
        let devices = &mut policy.devices;
        (devices.registration, devices.attestation, devices.quota) = (registration, attestation, quota);
        (devices.hello.pin, devices.hello.web_sign_in_hosts) = (pin, hosts);
        Ok(())
    };
    seat.administrator()?.change_policy(change).await
}

fn pin(seat: &Seat) -> Result<PinPolicy, Refused> {
    let rule = |name| {
        let rule = characters::of_word(seat.field(name));
        rule.ok_or_else(|| Refused::Invalid("Choose what a PIN consists of.".to_owned()))
    };
    Ok(PinPolicy {
        minimum: seat.number("pin_minimum")?,
        maximum: seat.number("pin_maximum")?,
        uppercase: rule("pin_uppercase")?,
        lowercase: rule("pin_lowercase")?,
        special: rule("pin_special")?,
        digits: rule("pin_digits")?,
        history: seat.number("pin_history")?,
        expiration: seat.number("pin_expiration")?,
    })
}
