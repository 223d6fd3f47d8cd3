//! Who asks: a user, by a token; or a helpdesk, by the code of an approved case.

use std::time::Duration;

use uuid::Uuid;

use super::code;
use super::envelope::Purpose;
use super::events::Attempt;
use super::refusal::ResetRefusal;
use crate::domain::{Amr, Authentication, DeviceId, TenantId, UserId, first_party};
use crate::oauth::bearer::{self, Caller, Denial, Sent};
use crate::provider::Provider;

/// How old the proofs of a user may be.
const FRESH: Duration = Duration::from_mins(10);
/// The scheme under which a helpdesk's code comes.
const HELPDESK: &str = "helpdesk";

/// Whoever may ask for something of one user.
pub(super) struct Admitted {
    /// The tenant.
    pub(super) tenant: TenantId,
    /// Whose PIN it is.
    pub(super) user: UserId,
    /// On which device, if that is settled already.
    pub(super) device: Option<DeviceId>,
    /// What they may ask for.
    pub(super) purpose: Purpose,
    /// The helpdesk's case.
    case: Option<Uuid>,
}

/// Who asks, as the `Authorization` header proves it.
pub(super) async fn admit(
    provider: &Provider,
    sent: &Sent<'_>,
    attempt: &mut Attempt,
) -> Result<Admitted, ResetRefusal> {
    let authorization = sent.authorization.unwrap_or_default();
    let admitted = match authorization.split_at_checked(HELPDESK.len()) {
        Some((scheme, code)) if scheme.eq_ignore_ascii_case(HELPDESK) => {
            by_code(provider, code.trim()).await?
        }
        Some(_) | None => by_token(provider, sent, attempt).await?,
    };
    (attempt.tenant, attempt.user) = (Some(admitted.tenant), Some(admitted.user));
    attempt.case = admitted.case;
    Ok(admitted)
}

async fn by_token(
    provider: &Provider,
    sent: &Sent<'_>,
    attempt: &mut Attempt,
) -> Result<Admitted, ResetRefusal> {
    let bearer = match bearer::check_at(provider, sent, first_party::PIN_RESET).await {
        Ok(bearer) => bearer,
        Err(refusal) if refusal.row().status >= 500 => return Err(ResetRefusal::Provider(refusal)),
        Err(_) => return Err(denied(provider, sent, attempt).await),
    };
    let Caller::User(on_behalf) = &bearer.caller else { return Err(ResetRefusal::Token) };
    (attempt.tenant, attempt.user) = (Some(bearer.tenant), Some(on_behalf.user.id));
    if bearer.client != first_party::PIN_RESET_CLIENT {
        return Err(ResetRefusal::TokenClient);
    }
    let authentication = &on_behalf.grant.authentication;
    proved(provider, authentication)?;
    Ok(Admitted {
        tenant: bearer.tenant,
        user: on_behalf.user.id,
        device: authentication.device,
        purpose: Purpose::Recover,
        case: None,
    })
}

/// Why a token is worth nothing here, by name.
async fn denied(provider: &Provider, sent: &Sent<'_>, attempt: &mut Attempt) -> ResetRefusal {
    if let Some((tenant, user)) = bearer::named(provider, sent) {
        (attempt.tenant, attempt.user) = (Some(tenant), Some(UserId::new(user)));
    }
    match bearer::diagnose(provider, sent, first_party::PIN_RESET).await {
        Denial::Audience => ResetRefusal::TokenAudience,
        Denial::UserDisabled => ResetRefusal::UserDisabled,
        Denial::Revoked => ResetRefusal::TokenRevoked,
        Denial::Invalid => ResetRefusal::Token,
    }
}

/// Whether the sign-in proved two factors just now, without the key whose PIN was forgotten.
fn proved(provider: &Provider, authentication: &Authentication) -> Result<(), ResetRefusal> {
    let has = |method| authentication.methods.contains(&method);
    if has(Amr::Rsa) {
        return Err(ResetRefusal::HelloKey);
    }
    if !has(Amr::NgcMfa) {
        return Err(ResetRefusal::NoMultifactor);
    }
    if provider.now().since(authentication.at) > FRESH {
        return Err(ResetRefusal::StaleMultifactor);
    }
    Ok(())
}

async fn by_code(provider: &Provider, typed: &str) -> Result<Admitted, ResetRefusal> {
    let found = provider.database.helpdesk().by_code(&code::hash(typed), provider.now()).await?;
    let case = found.ok_or(ResetRefusal::HelpdeskCode)?;
    Ok(Admitted {
        tenant: case.tenant,
        user: case.user,
        device: Some(case.device),
        purpose: Purpose::Administer,
        case: Some(case.id),
    })
}

impl Admitted {
    /// Uses the helpdesk's code up. Of two requests at once one may go on.
    pub(super) async fn use_up(&self, provider: &Provider) -> Result<(), ResetRefusal> {
        let Some(case) = self.case else { return Ok(()) };
        if provider.database.helpdesk().use_up(case, provider.now()).await? {
            Ok(())
        } else {
            Err(ResetRefusal::HelpdeskCode)
        }
    }
}
