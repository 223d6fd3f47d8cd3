//! The `claims` parameter (OIDC Core §5.5): single claims, authentication contexts (`acrs`) and what clients of claims
//! challenges send back; and whether a sign-in is as strong as all that needs.

use serde_json::{Map, Value, json};

use super::error::Refusal;
use crate::clock::UnixTime;
use crate::domain::{Amr, App, AskedClaims, Authentication, ClaimName, Tenant, TenantPolicy};
use crate::strength::{FRESH, Proofs, Strength};
use crate::tokens::ACR;

/// What a request's `claims` ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimsRequest {
    /// Authentication contexts (`c1`..`c99`) that the token shall name if they are satisfied.
    pub contexts: Vec<String>,
    /// Those among them without which the client can do nothing.
    pub essential: Vec<String>,
    /// How strong the sign-in must be.
    pub strength: Option<Strength>,
    /// Whether the factors must have been shown so recently that a key may be registered.
    pub fresh: bool,
    /// What is kept with the grant.
    pub asked: AskedClaims,
}

impl ClaimsRequest {
    /// Reads the parameter.
    ///
    /// # Errors
    /// When it is no JSON object, names a context that cannot be one, or insists on a class that we have not.
    pub fn parse(claims: Option<&str>) -> Result<Self, Refusal> {
        let mut request = Self::default();
        let Some(claims) = claims else { return Ok(request) };
        let malformed = || Refusal::Malformed("claims");
        let claims: Map<String, Value> = serde_json::from_str(claims).map_err(|_| malformed())?;
        let of = |token: &str| claims.get(token).and_then(Value::as_object);
        for token in ["access_token", "id_token"] {
            request.contexts(of(token).and_then(|token| token.get("acrs"))).ok_or_else(malformed)?;
        }
        if let Some(access_token) = of("access_token") {
            request.strength(access_token).ok_or_else(malformed)?;
        }
        if let Some(id_token) = of("id_token") {
            request.asked.id_token = names(id_token);
            let acr = id_token.get("acr").filter(|acr| essential(acr)).map(values).unwrap_or_default();
            // OIDC Core §5.5.1.1: an essential class that cannot be had is a failed authentication.
            if !acr.is_empty() && !acr.contains(&ACR) {
                return Err(Refusal::Class);
            }
        }
        request.asked.userinfo = of("userinfo").map(names).unwrap_or_default();
        Ok(request)
    }

    /// What the sign-in must prove for this request, beside what the applications ask for.
    #[must_use]
    pub fn required(&self, policy: &TenantPolicy) -> Strength {
        let contexts = self.essential.iter().map(|context| policy.context(context));
        contexts.chain(self.strength).max().unwrap_or(Strength::SingleFactor)
    }

    /// The contexts that the token shall name: those that were asked for and are satisfied.
    #[must_use]
    pub fn satisfied(&self, policy: &TenantPolicy, proofs: &Proofs) -> Vec<String> {
        let satisfied = self.contexts.iter().filter(|context| proofs.satisfy(policy.context(context)));
        satisfied.cloned().collect()
    }

    fn contexts(&mut self, acrs: Option<&Value>) -> Option<()> {
        let Some(acrs) = acrs else { return Some(()) };
        let many = acrs.get("values").and_then(Value::as_array).cloned().unwrap_or_default();
        for value in acrs.get("value").into_iter().chain(&many) {
            let context = value.as_str()?;
            let number = context.strip_prefix('c').and_then(|number| number.parse::<u8>().ok())?;
            if !(1..=99).contains(&number) || context.contains('+') {
                return None;
            }
            self.contexts.push(context.to_owned());
            if essential(acrs) {
                self.essential.push(context.to_owned());
            }
        }
        Some(())
    }

    fn strength(&mut self, access_token: &Map<String, Value>) -> Option<()> {
        // Brokers ask for a second factor in this way.
        let amr = access_token.get("amr").map(values).unwrap_or_default();
        if amr.iter().any(|word| matches!(*word, "mfa" | "ngcmfa")) {
            self.strength = Some(Strength::Multifactor);
            self.fresh = !amr.contains(&"mfa");
        }
        // Our own word, in a challenge that no context stands for.
        if let Some(strength) = access_token.get("strength").and_then(|strength| strength.get("value")) {
            let strength: Strength = serde_json::from_value(strength.clone()).ok()?;
            self.strength = self.strength.max(Some(strength));
        }
        let able = access_token.get("xms_cc").map(values).unwrap_or_default();
        self.asked.handles_challenges = able.iter().any(|word| word.eq_ignore_ascii_case("cp1"));
        Some(())
    }
}

/// Refuses a sign-in that is weaker than the tenant, the applications or the request demand, and says how to get a stronger one.
/// Contexts that were asked for and are satisfied are noted.
pub(super) fn check_strength(
    tenant: &Tenant,
    apps: [&App; 2],
    request: &ClaimsRequest,
    authentication: &mut Authentication,
) -> Result<(), Refusal> {
    let policy = &tenant.policy;
    let proofs = Proofs::of(authentication);
    let of_apps = apps.into_iter().map(|app| app.registration.strength).max();
    let required = request.required(policy).max(policy.strength).max(of_apps.unwrap_or(policy.strength));
    if !proofs.satisfy(required) {
        return Err(Refusal::Interaction(challenge(policy, required)));
    }
    for context in request.satisfied(policy, &proofs) {
        if !authentication.contexts.contains(&context) {
            authentication.contexts.push(context);
        }
    }
    Ok(())
}

/// Refuses a sign-in whose two factors are too old for a key to be registered, and says how to get a newer one.
pub(super) fn check_fresh(authentication: &Authentication, now: UnixTime) -> Result<(), Refusal> {
    let at = authentication.at;
    if authentication.methods.contains(&Amr::NgcMfa) && at <= now && now.since(at) <= FRESH {
        return Ok(());
    }
    let amr = json!({ "essential": true, "values": [Amr::NgcMfa.word()] });
    Err(Refusal::Interaction(json!({ "access_token": { "amr": amr } }).to_string()))
}

/// The claims with which an authorization request gets a sign-in of this strength.
pub(super) fn challenge(policy: &TenantPolicy, required: Strength) -> String {
    let all = (1..=99_u8).map(|number| format!("c{number}"));
    let enough = all.map(|context| (policy.context(&context), context));
    let least = enough.filter(|(strength, _)| *strength >= required).min_by_key(|(strength, _)| *strength);
    let claim = match least {
        Some((_, context)) => json!({ "acrs": { "essential": true, "value": context } }),
        None => json!({ "strength": { "essential": true, "value": required } }),
    };
    json!({ "access_token": claim }).to_string()
}

fn names(claims: &Map<String, Value>) -> Vec<ClaimName> {
    claims.keys().filter_map(|name| ClaimName::parse(name)).collect()
}

fn essential(claim: &Value) -> bool {
    claim.get("essential").and_then(Value::as_bool) == Some(true)
}

/// `value` and `values` of a claim.
fn values(claim: &Value) -> Vec<&str> {
    let many = claim.get("values").and_then(Value::as_array).into_iter().flatten();
    claim.get("value").into_iter().chain(many).filter_map(Value::as_str).collect()
}
