//! `/policies`: which passkeys are accepted, what the strengths of a sign-in mean, and the rules for devices.

mod devices;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::applications::StrengthRef;
use super::caller::Permission;
use super::{Answer, GraphError, Request, Verb};
use crate::administration::Refused;
use crate::attestation::AttestationPolicy;
use crate::domain::TenantPolicy;
use crate::strength::Strength;

/// The IDs of Graph's built-in strengths, and the combinations of methods that each accepts.
const STRENGTHS: [(&str, Strength, &str, &[&str]); 3] = [
    (
        "00000000-0000-0000-0000-000000000002",
        Strength::Multifactor,
        "Multifactor authentication",
        &["fido2", "temporaryAccessPassOneTime", "temporaryAccessPassMultiUse", "password,softwareOath"],
    ),
    ("00000000-0000-0000-0000-000000000003", Strength::Passwordless, "Passwordless MFA", &["fido2"]),
    (
        "00000000-0000-0000-0000-000000000004",
        Strength::PhishingResistant,
        "Phishing-resistant MFA",
        &["fido2"],
    ),
];

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fido2 {
    is_attestation_enforced: Option<bool>,
    key_restrictions: Option<KeyRestrictions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyRestrictions {
    is_enforced: bool,
    #[serde(default)]
    enforcement_type: Option<String>,
    #[serde(default)]
    aa_guids: BTreeSet<Uuid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Minimum {
    /// `null`: any sign-in will do.
    authentication_strength: Option<StrengthRef>,
}

pub(super) async fn answer(
    request: &Request<'_>,
    verb: Verb,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    const METHODS: &str = "authenticationmethodspolicy";
    const CONFIGURATIONS: &str = "authenticationmethodconfigurations";
    match (verb, segments) {
        (Verb::Get, [METHODS]) => {
            let policy = read(request).await?;
            let minimum = strength_id(policy.strength).map(|id| json!({ "id": id }));
            let shown = json!({
                "id": "authenticationMethodsPolicy",
                "authenticationMethodConfigurations": [fido2(&policy.passkeys), pass(&policy)],
                "authenticationStrength": minimum,
            });
            Ok(Answer::ok(request.context("policies/authenticationMethodsPolicy/$entity", shown)))
        }
        (Verb::Patch, [METHODS]) => {
            let administrator = request.caller.may(request.provider, Permission::WritePolicies)?;
            let minimum: Minimum = request.body()?;
            let strength = match minimum.authentication_strength {
                None => Strength::SingleFactor,
                Some(named) => strength(&named.id).ok_or_else(|| GraphError::missing(&named.id))?,
            };
            administrator
                .change_policy(|policy| {
                    policy.strength = strength;
                    Ok(())
                })
                .await?;
            Ok(Answer::nothing())
        }
        (Verb::Get, [METHODS, CONFIGURATIONS, "fido2"]) => {
            let shown = fido2(&read(request).await?.passkeys);
            Ok(Answer::ok(request.context("authenticationMethodConfigurations/$entity", shown)))
        }
        (Verb::Patch, [METHODS, CONFIGURATIONS, "fido2"]) => {
            let administrator = request.caller.may(request.provider, Permission::WritePolicies)?;
            let change: Fido2 = request.body()?;
            administrator.change_policy(|policy| change.apply(&mut policy.passkeys)).await?;
            Ok(Answer::nothing())
        }
        (Verb::Get, ["authenticationstrengthpolicies"]) => {
            request.caller.may(request.provider, Permission::ReadPolicies)?;
            let all: Vec<_> = STRENGTHS.iter().map(|(id, ..)| shown_strength(id)).collect();
            Ok(Answer::ok(
                request.context("policies/authenticationStrengthPolicies", json!({ "value": all })),
            ))
        }
        (Verb::Get, ["authenticationstrengthpolicies", id]) => {
            request.caller.may(request.provider, Permission::ReadPolicies)?;
            strength(id).ok_or_else(|| GraphError::missing(id))?;
            let context = "policies/authenticationStrengthPolicies/$entity";
            Ok(Answer::ok(request.context(context, shown_strength(id))))
        }
        (Verb::Get, ["deviceregistrationpolicy"]) => devices::shown(request, &read(request).await?),
        (Verb::Patch, ["deviceregistrationpolicy"]) => devices::change(request).await,
        (Verb::Get | Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}

/// The strength with this ID.
pub(super) fn strength(id: &str) -> Option<Strength> {
    STRENGTHS.iter().find(|(known, ..)| *known == id).map(|(_, strength, ..)| *strength)
}

/// The ID of a strength; `None`: any sign-in will do.
pub(super) fn strength_id(strength: Strength) -> Option<&'static str> {
    STRENGTHS.iter().find(|(_, known, ..)| *known == strength).map(|(id, ..)| *id)
}

async fn read(request: &Request<'_>) -> Result<TenantPolicy, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::ReadPolicies)?;
    Ok(administrator.tenant().await?.policy)
}

fn shown_strength(id: &str) -> Value {
    let found = STRENGTHS.iter().find(|(known, ..)| *known == id);
    found.map_or(Value::Null, |(id, _, name, combinations)| {
        json!({
            "id": id,
            "displayName": name,
            "policyType": "builtIn",
            "requirementsSatisfied": "mfa",
            "allowedCombinations": combinations,
        })
    })
}

fn fido2(policy: &AttestationPolicy) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration",
        "id": "Fido2",
        "state": "enabled",
        "isSelfServiceRegistrationAllowed": true,
        "isAttestationEnforced": policy.needs_attestation(),
        "keyRestrictions": {
            "isEnforced": policy.aaguids.is_some(),
            "enforcementType": "allow",
            "aaGuids": policy.aaguids.iter().flatten().collect::<Vec<_>>(),
        },
    })
}

fn pass(policy: &TenantPolicy) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration",
        "id": "TemporaryAccessPass",
        "state": "enabled",
        "maximumLifetimeInMinutes": policy.pass_max_minutes,
    })
}

impl Fido2 {
    fn apply(&self, policy: &mut AttestationPolicy) -> Result<(), Refused> {
        if let Some(required) = self.is_attestation_enforced {
            policy.required = required;
        }
        let Some(restrictions) = &self.key_restrictions else { return Ok(()) };
        if !restrictions.is_enforced {
            policy.aaguids = None;
            return Ok(());
        }
        // A list of what is refused would let in whatever lies about its model.
        if restrictions.enforcement_type.as_deref().is_some_and(|kind| kind != "allow") {
            return Err(Refused::Invalid("enforcementType must be allow.".to_owned()));
        }
        policy.aaguids = Some(restrictions.aa_guids.clone());
        Ok(())
    }
}
