//! `/policies/deviceRegistrationPolicy`: who registers devices, what their keys must be, and what may sign in with them.
//!
//! The members that Graph has are Graph's; those about PINs, PIN resets and primary refresh tokens are ours, in the words of
//! `latchkey-idp policy`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::caller::Permission;
use super::super::{Answer, GraphError, Request};
use crate::domain::{PinPolicy, Registrars, RequiredAttestation, TenantPolicy};
use crate::pin_reset::Protocol;

/// The rules in a body. What is absent stays.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rules {
    user_device_quota: Option<u32>,
    multi_factor_auth_configuration: Option<Demand>,
    #[serde(rename = "azureADJoin")]
    join: Option<Join>,
    required_attestation: Option<RequiredAttestation>,
    windows_hello_for_business: Option<Hello>,
    pin_reset: Option<PinReset>,
    primary_refresh_tokens: Option<PrimaryTokens>,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Demand {
    Required,
    NotRequired,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Join {
    allowed_to_join: Membership,
}

#[derive(Serialize, Deserialize)]
struct Membership {
    #[serde(rename = "@odata.type")]
    kind: Members,
}

/// Graph can name users and groups; here it is everybody, nobody, or the administrators.
#[derive(Serialize, Deserialize)]
enum Members {
    #[serde(rename = "#microsoft.graph.allDeviceRegistrationMembership")]
    Everyone,
    #[serde(rename = "#latchkey.administratorsDeviceRegistrationMembership")]
    Administrators,
    #[serde(rename = "#microsoft.graph.noDeviceRegistrationMembership")]
    Nobody,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Hello {
    is_enabled: Option<bool>,
    is_set_up_without_prompt: Option<bool>,
    security_device_required: Option<bool>,
    unlock_with_biometrics_enabled: Option<bool>,
    persistent_biometrics_enabled: Option<bool>,
    web_sign_in_hosts: Option<Vec<String>>,
    pin: Option<PinPolicy>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PinReset {
    is_enabled: Option<bool>,
    protocol: Option<Protocol>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PrimaryTokens {
    key_derivation_v2_required: Option<bool>,
    equal_nonce_required: Option<bool>,
}

/// The rules, for a caller who may read them.
pub(super) fn shown(request: &Request<'_>, policy: &TenantPolicy) -> Result<Answer, GraphError> {
    let mut shown = serde_json::to_value(Rules::of(policy))
        .map_err(|error| GraphError::BadRequest(format!("the policy cannot be shown: {error}")))?;
    if let Some(members) = shown.as_object_mut() {
        members.insert("id".to_owned(), "deviceRegistrationPolicy".into());
        members.insert("displayName".to_owned(), "Device Registration Policy".into());
        members.insert("version".to_owned(), Value::from(policy.devices.version));
    }
    Ok(Answer::ok(
        request.context("policies/deviceRegistrationPolicy/$entity", request.query.selected(shown)),
    ))
}

/// Changes what the body names.
pub(super) async fn change(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::WriteDeviceRules)?;
    let rules: Rules = request.body()?;
    administrator
        .change_policy(|policy| {
            rules.apply(policy);
            Ok(())
        })
        .await?;
    Ok(Answer::nothing())
}

impl Rules {
    fn of(policy: &TenantPolicy) -> Self {
        let (devices, hello) = (&policy.devices, &policy.devices.hello);
        let demand = if devices.multifactor { Demand::Required } else { Demand::NotRequired };
        Self {
            user_device_quota: Some(devices.quota),
            multi_factor_auth_configuration: Some(demand),
            join: Some(Join { allowed_to_join: Membership { kind: devices.registration.into() } }),
            required_attestation: Some(devices.attestation),
            windows_hello_for_business: Some(Hello {
                is_enabled: Some(hello.enabled),
                is_set_up_without_prompt: Some(hello.without_prompt),
                security_device_required: Some(hello.requires_tpm),
                unlock_with_biometrics_enabled: Some(hello.biometrics),
                persistent_biometrics_enabled: Some(hello.persistent_biometrics),
                web_sign_in_hosts: Some(hello.web_sign_in_hosts.clone()),
                pin: Some(hello.pin),
            }),
            pin_reset: Some(PinReset {
                is_enabled: Some(policy.enable_pin_recovery),
                protocol: Some(policy.pin_recovery_protocol),
            }),
            primary_refresh_tokens: Some(PrimaryTokens {
                key_derivation_v2_required: Some(policy.require_kdf_v2),
                equal_nonce_required: Some(policy.require_equal_nonce),
            }),
        }
    }

    fn apply(self, policy: &mut TenantPolicy) {
        let devices = &mut policy.devices;
        set(&mut devices.quota, self.user_device_quota);
        let multifactor = self.multi_factor_auth_configuration.map(|demand| demand == Demand::Required);
        set(&mut devices.multifactor, multifactor);
        set(&mut devices.registration, self.join.map(|join| join.allowed_to_join.kind.into()));
        set(&mut devices.attestation, self.required_attestation);
        let hello = self.windows_hello_for_business.unwrap_or_default();
        set(&mut devices.hello.enabled, hello.is_enabled);
        set(&mut devices.hello.without_prompt, hello.is_set_up_without_prompt);
        set(&mut devices.hello.requires_tpm, hello.security_device_required);
        set(&mut devices.hello.biometrics, hello.unlock_with_biometrics_enabled);
        set(&mut devices.hello.persistent_biometrics, hello.persistent_biometrics_enabled);
        set(&mut devices.hello.web_sign_in_hosts, hello.web_sign_in_hosts);
        set(&mut devices.hello.pin, hello.pin);
        let reset = self.pin_reset.unwrap_or_default();
        set(&mut policy.enable_pin_recovery, reset.is_enabled);
        set(&mut policy.pin_recovery_protocol, reset.protocol);
        let tokens = self.primary_refresh_tokens.unwrap_or_default();
        set(&mut policy.require_kdf_v2, tokens.key_derivation_v2_required);
        set(&mut policy.require_equal_nonce, tokens.equal_nonce_required);
    }
}

fn set<T>(place: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *place = new;
    }
}

impl From<Registrars> for Members {
    fn from(registrars: Registrars) -> Self {
        match registrars {
            Registrars::Everyone => Self::Everyone,
            Registrars::Administrators => Self::Administrators,
            Registrars::Nobody => Self::Nobody,
        }
    }
}

impl From<Members> for Registrars {
    fn from(members: Members) -> Self {
        match members {
            Members::Everyone => Self::Everyone,
            Members::Administrators => Self::Administrators,
            Members::Nobody => Self::Nobody,
        }
    }
}
