//! One sign-in at one request: what it knows, and what comes next.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::consent;
use super::interrupts::{Held, Interrupt};
use super::problem::Stop;
use super::reply::Browser;
use super::set_up::Step;
use super::state::{Goal, State, Way};
use crate::domain::{Amr, Authority, Opaque, OpaqueHash, SecondFactor, Tenant, TenantId, User};
use crate::oauth::authorize::{AuthorizeRefusal, AuthorizeRequest};
use crate::oauth::{Fields, Protocol, Refusal, Requested, resolve};
use crate::provider::Provider;
use crate::strength::{Method, Proofs, Strength};

/// A sign-in under way.
pub(super) struct Flow<'a> {
    pub(super) provider: &'a Provider,
    pub(super) browser: &'a Browser,
    /// The cookie that it is bound to.
    pub(super) binding: Opaque,
    /// Its name.
    pub(super) ctx: Opaque,
    pub(super) request: AuthorizeRequest,
    pub(super) state: State,
    /// The user of the browser's session, who was read for this very request.
    pub(super) signed_in: Option<User>,
}

/// What comes next.
pub(super) enum Next {
    PickAccount,
    UserName,
    Password,
    AccessPass,
    Code,
    Passkey,
    Interrupt(Interrupt),
    DeviceCode,
    DeviceConfirm,
    SetUp(Step),
    Consent(Box<Requested>),
    Stay,
    Finish(Box<User>),
}

/// Reads the authorization request again, with everything that is checked about it.
pub(super) async fn read_request(provider: &Provider, state: &State) -> Result<AuthorizeRequest, Stop> {
    match &state.goal {
        Goal::Client => {}
        Goal::Own(entry) => return Ok(entry.request(provider)),
        Goal::Welcome(welcome) => return Ok(welcome.entry().request(provider)),
        Goal::Device(device) => return device.request(provider).await,
    }
    let fields = Fields::parse(state.request.as_bytes()).map_err(Stop::Page)?;
    let protocol = if state.v1 { Protocol::V1 } else { Protocol::V2 };
    let authority = Authority::parse(&state.authority);
    AuthorizeRequest::parse(provider, authority, protocol, &fields).await.map_err(|refusal| match refusal {
        AuthorizeRefusal::Page(refusal) => Stop::Page(refusal),
        AuthorizeRefusal::Client(return_to, refusal) => Stop::Client(Box::new(return_to), refusal),
    })
}

impl Flow<'_> {
    /// The names under which storage knows it.
    pub(super) fn names(&self) -> (OpaqueHash, OpaqueHash) {
        (self.ctx.hash(), self.binding.hash())
    }

    /// A refusal for the client; where none waits for an answer in this browser, for the person.
    pub(super) fn to_client(&self, refusal: Refusal) -> Stop {
        match self.state.goal {
            Goal::Client => Stop::Client(Box::new(self.request.return_to.clone()), refusal),
            Goal::Own(_) | Goal::Welcome(_) | Goal::Device(_) => Stop::Page(refusal),
        }
    }

    /// Whether a user of this tenant may answer the request.
    pub(super) fn admits(&self, tenant: TenantId) -> bool {
        self.request.tenant.as_ref().is_none_or(|only| only.id == tenant)
            && self.request.client.known_to(tenant)
    }

    /// The user with the name that was typed, if there is one who may answer. Everyone else is nobody, in every word.
    pub(super) async fn named(&self) -> Result<Option<User>, Stop> {
        let Some(name) = &self.state.user_name else { return Ok(None) };
        let found = self.provider.database.users().by_upn(name).await?;
        Ok(found.map(|(user, _)| user).filter(|user| self.admits(user.tenant)))
    }

    /// Which tenant's counters and log a name belongs to.
    pub(super) async fn tenant_of_name(&self) -> Result<TenantId, Stop> {
        if let Some(tenant) = &self.request.tenant {
            return Ok(tenant.id);
        }
        if let Some(user) = self.named().await? {
            return Ok(user.tenant);
        }
        let domain = self.state.user_name.as_deref().and_then(|name| name.rsplit_once('@'));
        let tenant = match domain.map(|(_, domain)| Authority::parse(domain)) {
            Some(domain) => self.provider.tenant(&domain).await?,
            None => None,
        };
        Ok(tenant.map_or(TenantId::new(uuid::Uuid::nil()), |tenant| tenant.id))
    }

    /// The user who proved something, as they are now.
    async fn proven(&self) -> Result<User, Stop> {
        let id = self.state.user.ok_or(Stop::Lost)?;
        let user = match &self.signed_in {
            Some(user) if user.id == id => user.clone(),
            Some(_) | None => self.provider.database.users().find(id).await?.ok_or(Stop::Lost)?,
        };
        if !user.enabled {
            return Err(self.to_client(Refusal::UserDisabled));
        }
        // The client asked for one user, and hears about no other (OIDC Core §3.1.2.1, `id_token_hint`).
        if self.request.expected.is_some_and(|expected| expected != user.id) {
            return Err(self.to_client(Refusal::NoSession));
        }
        // Nothing proved before a revocation counts after it.
        let stands = self.state.proofs.latest().is_some_and(|at| at >= user.sessions_valid_from);
        if !self.admits(user.tenant) || !stands {
            return Err(Stop::Lost);
        }
        Ok(user)
    }

    /// What comes next.
    pub(super) async fn next(&self) -> Result<Next, Stop> {
        if self.lacks_user_code() {
            return Ok(Next::DeviceCode);
        }
        if let Some(next) = self.first_way() {
            return Ok(next);
        }
        if self.state.pick {
            return Ok(Next::PickAccount);
        }
        if !self.state.proved() {
            return Ok(self.first_factor());
        }
        let user = self.proven().await?;
        let held = self.held(&user).await?;
        let missing = self.further_factor(&user, held).await?;
        // With all the proofs that the account has, and before it gets others.
        if matches!(missing, None | Some(Next::Interrupt(_)))
            && let Some(change) = self.password_to_change(held)
        {
            return Ok(Next::Interrupt(change));
        }
        if let Some(next) = missing {
            return Ok(next);
        }
        self.assigned(&user).await?;
        let stay = self.state.fresh && self.state.stay.is_none();
        if let Some(next) = self.device_to_confirm(stay) {
            return Ok(next);
        }
        if let Some(requested) = consent::missing(self, &user).await? {
            return Ok(Next::Consent(Box::new(requested)));
        }
        if let Some(offer) = self.offer(&user, held).await? {
            return Ok(Next::Interrupt(offer));
        }
        if stay {
            return Ok(Next::Stay);
        }
        Ok(self.another_way().unwrap_or_else(|| Next::Finish(Box::new(user))))
    }

    fn first_factor(&self) -> Next {
        match (self.state.way, &self.state.user_name) {
            (Way::Passkey, _) => Next::Passkey,
            (_, None) => Next::UserName,
            (Way::Usual, Some(_)) => Next::Password,
            (Way::AccessPass, Some(_)) => Next::AccessPass,
        }
    }

    /// What is missing when the proofs so far are not enough for the request or the account.
    async fn further_factor(&self, user: &User, held: Held) -> Result<Option<Next>, Stop> {
        let now = self.provider.now();
        let proofs = &self.state.proofs;
        let required = self.required(user, held).await?;
        let fresh = !self.request.fresh_mfa || proofs.is_fresh(now);
        if proofs.satisfy(required) && fresh {
            return Ok(None);
        }
        let code_helps =
            held.codes && required <= Strength::Multifactor && proofs.amr(now).contains(&Amr::Pwd);
        let passkey_helps = held.passkeys && self.provider.webauthn.is_some();
        match (code_helps, passkey_helps) {
            (true, true) if self.state.way == Way::Passkey => Ok(Some(Next::Passkey)),
            (true, _) => Ok(Some(Next::Code)),
            (false, true) => Ok(Some(Next::Passkey)),
            (false, false) => self.required_enrolment(user, required, held).await.map(Some),
        }
    }

    /// How strong the sign-in must be: as the tenant, both applications and the request want it. Who has an authenticator app
    /// is asked for its code wherever the password was used, and whoever adds a way to sign in for what they have.
    async fn required(&self, user: &User, held: Held) -> Result<Strength, Stop> {
        let policy = &self.tenant_of(user).await?.policy;
        let request = &self.request;
        let api = resolve(self.provider, user.tenant, &request.scopes, request.resource.as_deref()).await;
        // An API that is not there is reported with the consent.
        let of_api = api.map_or(Strength::SingleFactor, |api| api.resource.registration.strength);
        let asked = request.claims.required(policy).max(policy.strength).max(of_api);
        let asked = asked.max(request.client.registration.strength);
        let by_password = self.state.proofs.at(Method::Password).is_some();
        let second = by_password && policy.second_factor == SecondFactor::Required;
        let multifactor = held.codes || second || self.adds_beside(held) || request.fresh_mfa;
        Ok(if multifactor { asked.max(Strength::Multifactor) } else { asked })
    }

    /// The authentication contexts that tokens of this sign-in name.
    pub(super) async fn satisfied_contexts(&self, user: &User, proofs: &Proofs) -> Result<Vec<String>, Stop> {
        Ok(self.request.claims.satisfied(&self.tenant_of(user).await?.policy, proofs))
    }

    /// The user's tenant, with its policies.
    pub(super) async fn tenant_of(&self, user: &User) -> Result<Arc<Tenant>, Stop> {
        let tenant = self.provider.tenant(&Authority::Tenant(user.tenant)).await?;
        tenant.ok_or(Stop::Page(Refusal::Tenant))
    }

    async fn assigned(&self, user: &User) -> Result<(), Stop> {
        let client = &self.request.client;
        if !client.registration.assignment_required {
            return Ok(());
        }
        let principal = user.id.to_string();
        let roles = self.provider.database.apps().roles(user.tenant, client.id, &principal).await?;
        roles.map(drop).ok_or_else(|| self.to_client(Refusal::NotAssigned))
    }
}

/// A credential ID that is nobody's and always the same for a name: what an allow list holds where there is nothing.
pub(super) fn decoy(provider: &Provider, name: &str) -> String {
    let mut hash = Sha256::new();
    hash.update("latchkey decoy 1");
    hash.update(&*provider.pairwise_key);
    hash.update(name.trim().to_lowercase());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}
