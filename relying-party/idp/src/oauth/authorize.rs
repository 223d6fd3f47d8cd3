//! The authorization request: read, checked, and answered with a code once someone has signed in (RFC 6749 §4.1.1,
//! OIDC Core §3.1.2). Who signs in, and how, is not decided here.

mod answer;

use std::sync::Arc;
use std::time::Duration;

use super::claims::ClaimsRequest;
use super::discovery::issuer;
use super::error::Refusal;
use super::fields::Fields;
use super::hint::hinted_user;
use super::token::Protocol;
use crate::domain::{
    App, AppKind, Authentication, Authority, ClaimName, RedirectKind, Scopes, Tenant, TokenVersion, User,
    UserId,
};
use crate::provider::Provider;
pub use answer::{AuthorizeAnswer, ResponseMode, issue_code};

/// The longest text that we hand back.
const LONGEST_STATE: usize = 4096;
const LONGEST_NONCE: usize = 512;
/// A whole request: it is kept while somebody signs in.
pub(crate) const LONGEST_REQUEST: usize = 16 * 1024;

/// An authorization request that is as it should be.
#[derive(Clone, Debug)]
pub struct AuthorizeRequest {
    /// The client.
    pub client: Arc<App>,
    /// Which shape ID tokens have where it came to.
    pub version: TokenVersion,
    /// For whom it is.
    pub authority: Authority,
    /// The one tenant whose users may answer, if the request names one.
    pub tenant: Option<Arc<Tenant>>,
    /// Where the answer goes.
    pub return_to: ReturnTo,
    /// What the client wants.
    pub scopes: Scopes,
    /// The resource of a v1.0 request.
    pub resource: Option<String>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// The PKCE challenge, S256.
    pub challenge: Option<String>,
    /// What the page must do, or must not.
    pub prompt: Prompt,
    /// How old a sign-in may be.
    pub max_age: Option<Duration>,
    /// Who will probably sign in.
    pub login_hint: Option<String>,
    /// In which tenant.
    pub domain_hint: Option<String>,
    /// Who must be the one that is signed in (`id_token_hint`).
    pub expected: Option<UserId>,
    /// What `claims` ask for.
    pub claims: ClaimsRequest,
    /// The thumbprint of the key that must redeem the code (`dpop_jkt`, RFC 9449 §10).
    pub key: Option<String>,
    /// Whether the client wants proof fresh enough to register a key (`amr_values=ngcmfa`).
    pub fresh_mfa: bool,
}

/// Where an answer goes: a registered redirect URI, which was compared before this value was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo {
    redirect_uri: String,
    kind: RedirectKind,
    mode: ResponseMode,
    state: Option<String>,
    /// Who answers a client (RFC 9207), as the metadata of the request's authority names it.
    issuer: Option<String>,
}

/// `prompt` (OIDC Core §3.1.2.1; `select_account` and `admin_consent` besides).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prompt {
    /// Nothing in particular.
    #[default]
    Unset,
    /// No page may be shown.
    None,
    /// The user proves anew who they are.
    Login,
    /// The user is asked for consent, given before or not.
    Consent,
    /// The user chooses an account.
    SelectAccount,
}

/// Why an authorization request is not carried out, and who hears it.
#[derive(Debug)]
pub enum AuthorizeRefusal {
    /// The person, on a page of ours: there is no redirect URI that may be trusted.
    Page(Refusal),
    /// The client, at its redirect URI.
    Client(ReturnTo, Refusal),
}

impl AuthorizeRequest {
    /// Reads and checks a request. Until client and redirect URI are known to belong together nothing is redirected
    /// (RFC 6749 §4.1.2.1).
    ///
    /// # Errors
    /// When something is wrong with it.
    pub async fn parse(
        provider: &Provider,
        authority: Authority,
        protocol: Protocol,
        fields: &Fields,
    ) -> Result<Self, AuthorizeRefusal> {
        let (client, tenant, return_to) = trusted(provider, &authority, protocol.token_version(), fields)
            .await
            .map_err(AuthorizeRefusal::Page)?;
        let expected = fields.optional("id_token_hint").and_then(|hint| hinted_user(provider, &client, hint));
        let read = expected.and_then(|expected| {
            let request = rest(client, tenant, authority, protocol, return_to.clone(), fields)?;
            Ok(Self { expected, ..request })
        });
        match read {
            Ok(request) => Ok(request),
            Err(refusal) => Err(AuthorizeRefusal::Client(return_to, refusal)),
        }
    }

    /// A request that no client made: it ends at `path` on this host, or on a page, and never with a code.
    pub(crate) fn of_ours(
        client: Arc<App>,
        tenant: Option<Arc<Tenant>>,
        path: &str,
        (scopes, resource): (Scopes, Option<String>),
        max_age: Option<Duration>,
    ) -> Self {
        let authority = tenant.as_ref().map_or(Authority::Common, |tenant| Authority::Tenant(tenant.id));
        let return_to = ReturnTo {
            redirect_uri: path.to_owned(),
            kind: RedirectKind::Web,
            mode: ResponseMode::Query,
            state: None,
            issuer: None,
        };
        Self {
            client,
            version: TokenVersion::V2,
            authority,
            tenant,
            return_to,
            scopes,
            resource,
            nonce: None,
            challenge: None,
            prompt: Prompt::Unset,
            max_age,
            login_hint: None,
            domain_hint: None,
            expected: None,
            claims: ClaimsRequest::default(),
            key: None,
            fresh_mfa: false,
        }
    }

    /// Whether this sign-in is fresh enough and of a user whom the request allows. What it is not enough for, the
    /// sign-in page must ask.
    #[must_use]
    pub fn satisfied_by(&self, authentication: &Authentication, user: &User, provider: &Provider) -> bool {
        let old = provider.now().since(authentication.at);
        let fresh = self.max_age.is_none_or(|most| old <= most)
            && matches!(self.prompt, Prompt::Unset | Prompt::None | Prompt::Consent);
        let right = self.tenant.as_ref().is_none_or(|tenant| tenant.id == user.tenant)
            && self.client.known_to(user.tenant);
        let strong = self.claims.essential.iter().all(|context| authentication.contexts.contains(context));
        fresh && right && strong && user.enabled
    }
}

/// Client, tenant and redirect URI: what must be right before an error may be sent anywhere.
async fn trusted(
    provider: &Provider,
    authority: &Authority,
    version: TokenVersion,
    fields: &Fields,
) -> Result<(Arc<App>, Option<Arc<Tenant>>, ReturnTo), Refusal> {
    let id = fields.required("client_id")?.parse().map_err(|_| Refusal::Application)?;
    let client = provider.app(id).await?.ok_or(Refusal::Application)?;
    let tenant = match authority {
        Authority::Tenant(_) | Authority::Domain(_) => {
            Some(provider.tenant(authority).await?.ok_or(Refusal::Tenant)?)
        }
        Authority::Common | Authority::Organizations => None,
        Authority::Consumers => return Err(Refusal::Tenant),
    };
    if tenant.as_ref().is_some_and(|tenant| !client.known_to(tenant.id)) {
        return Err(Refusal::Application);
    }
    let redirect_uri = fields.required("redirect_uri")?;
    let kind = client.redirect(redirect_uri).ok_or(Refusal::RedirectUri)?;
    let state = fields.optional("state")?;
    if state.is_some_and(|state| state.len() > LONGEST_STATE) {
        return Err(Refusal::Malformed("state"));
    }
    // A mode that we do not know is reported in the default one.
    let mode = fields.optional("response_mode")?.and_then(ResponseMode::parse).unwrap_or_default();
    let return_to = ReturnTo {
        redirect_uri: redirect_uri.to_owned(),
        kind,
        mode,
        state: state.map(str::to_owned),
        issuer: Some(issuer(
            provider.settings.public_url(),
            tenant.as_ref().map(|tenant| tenant.id),
            version,
        )),
    };
    Ok((client, tenant, return_to))
}

fn rest(
    client: Arc<App>,
    tenant: Option<Arc<Tenant>>,
    authority: Authority,
    protocol: Protocol,
    return_to: ReturnTo,
    fields: &Fields,
) -> Result<AuthorizeRequest, Refusal> {
    // A request object could say something else than the query (OIDC Core §6); discovery says that we take none.
    if fields.optional("request")?.is_some() {
        return Err(Refusal::RequestObject);
    }
    if fields.optional("request_uri")?.is_some() {
        return Err(Refusal::RequestUri);
    }
    if fields.required("response_type")? != "code" {
        return Err(Refusal::ResponseType);
    }
    if fields.optional("response_mode")?.is_some_and(|mode| ResponseMode::parse(mode).is_none()) {
        return Err(Refusal::ResponseMode);
    }
    let resource = fields.optional("resource")?.map(str::to_owned);
    let scopes = match (fields.optional("scope")?, protocol) {
        (Some(scopes), _) => scopes,
        (None, Protocol::V1) => "openid",
        (None, Protocol::V2) => return Err(Refusal::Missing("scope")),
    };
    let scopes =
        Scopes::parse(scopes).map_err(|_| Refusal::Scope("it has characters that are not allowed"))?;
    let max_age = fields.optional("max_age")?.map(str::parse).transpose();
    let max_age = max_age.map_err(|_| Refusal::Malformed("max_age"))?.map(Duration::from_secs);
    let nonce = fields.optional("nonce")?;
    if nonce.is_some_and(|nonce| nonce.len() > LONGEST_NONCE) {
        return Err(Refusal::Malformed("nonce"));
    }
    let mut claims = ClaimsRequest::parse(fields.optional("claims")?)?;
    // `acr_values` asks for the class, whatever it is, as a voluntary claim (OIDC Core §3.1.2.1).
    if fields.optional("acr_values")?.is_some() && !claims.asked.id_token.contains(&ClaimName::Acr) {
        claims.asked.id_token.push(ClaimName::Acr);
    }
    let short =
        |name| Ok::<_, Refusal>(fields.optional(name)?.filter(|text| text.len() <= 256).map(str::to_owned));
    Ok(AuthorizeRequest {
        challenge: challenge(&client, return_to.kind, fields)?,
        prompt: prompt(fields.optional("prompt")?)?,
        max_age,
        login_hint: short("login_hint")?,
        domain_hint: short("domain_hint")?,
        expected: None,
        fresh_mfa: wants_fresh(fields)? || claims.fresh,
        claims,
        key: thumbprint(fields.optional("dpop_jkt")?)?,
        nonce: nonce.map(str::to_owned),
        client,
        version: protocol.token_version(),
        authority,
        tenant,
        return_to,
        scopes,
        resource,
    })
}

/// Whether the client wants proof fresh enough to register a key.
pub(super) fn wants_fresh(fields: &Fields) -> Result<bool, Refusal> {
    let words = fields.optional("amr_values")?.unwrap_or_default();
    Ok(words.split(' ').any(|word| word == "ngcmfa"))
}

/// PKCE is compulsory for whoever has no secret, and where there is a challenge it is S256 (RFC 9700 §2.1.1).
fn challenge(client: &App, kind: RedirectKind, fields: &Fields) -> Result<Option<String>, Refusal> {
    let challenge = fields.optional("code_challenge")?;
    let method = fields.optional("code_challenge_method")?;
    let Some(challenge) = challenge else {
        let without_secret = client.registration.kind == AppKind::Public || kind != RedirectKind::Web;
        let needed = (without_secret && !client.registration.pkce_optional) || method.is_some();
        return if needed { Err(Refusal::PkceRequired) } else { Ok(None) };
    };
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if method != Some("S256") {
        return Err(Refusal::PkceRequired);
    }
    if challenge.len() != 43 || !challenge.bytes().all(base64url) {
        return Err(Refusal::Malformed("code_challenge"));
    }
    Ok(Some(challenge.to_owned()))
}

/// A JWK thumbprint: a SHA-256 as base64url.
fn thumbprint(text: Option<&str>) -> Result<Option<String>, Refusal> {
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match text {
        Some(text) if text.len() != 43 || !text.bytes().all(base64url) => Err(Refusal::Malformed("dpop_jkt")),
        text => Ok(text.map(str::to_owned)),
    }
}

fn prompt(text: Option<&str>) -> Result<Prompt, Refusal> {
    let words: Vec<_> = text.unwrap_or_default().split(' ').filter(|word| !word.is_empty()).collect();
    if words.contains(&"none") && words.len() > 1 {
        return Err(Refusal::Malformed("prompt"));
    }
    let mut prompt = Prompt::Unset;
    for word in words {
        let this = match word {
            "none" => Prompt::None,
            "login" => Prompt::Login,
            "consent" | "admin_consent" => Prompt::Consent,
            "select_account" => Prompt::SelectAccount,
            _ => return Err(Refusal::Malformed("prompt")),
        };
        // `login` asks for more than the others, whatever comes beside it.
        if prompt != Prompt::Login {
            prompt = this;
        }
    }
    Ok(prompt)
}
