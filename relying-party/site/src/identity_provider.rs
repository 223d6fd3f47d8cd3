//! Sign-in at an identity provider: OIDC authorization code flow with PKCE, over the `openidconnect` crate.
//!
//! All that this site knows of the provider is its issuer URL; the rest comes from its metadata.

mod transport;
mod wire;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use openidconnect::core::{CoreAuthenticationFlow, CoreJwsSigningAlgorithm, CoreUserInfoClaims};
use openidconnect::url::Url;
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, CsrfToken, LogoutRequest, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, RedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, SubjectIdentifier, TokenResponse as _,
};
use tokio::sync::Mutex;

use crate::clock::UnixTime;
use crate::names::UserName;
use crate::settings::{IdentityProviderSettings, Settings, SettingsError};
use transport::Transport;
use wire::{Client, Metadata, MoreMetadata, ProviderIdToken, Tokens};

/// Where the provider sends a visitor back to; registered there as redirect URI.
pub(crate) const ANSWER_PATH: &str = "/identity/answer";
/// Where the provider sends a visitor after a sign-out; registered there likewise.
pub(crate) const SIGNED_OUT_PATH: &str = "/identity/signed-out";

/// Metadata and keys are read again after this time, and at once when a token names a key that is not known.
const FRESH: Duration = Duration::from_mins(10);
/// Tokens are signed with a key of the provider's key set: not with the client secret, and never with nothing.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 3] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
];

/// The provider, as this site talks to it.
pub(crate) struct IdentityProvider {
    settings: IdentityProviderSettings,
    redirect_uri: RedirectUrl,
    signed_out_uri: PostLogoutRedirectUrl,
    transport: Transport,
    known: Mutex<Option<Arc<Known>>>,
}

/// What the provider says of itself.
struct Known {
    client: Client,
    more: MoreMetadata,
    read_at: UnixTime,
}

/// What the answer to a request must fit; it stays on the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Comes back inside the ID token.
    pub(crate) nonce: String,
    /// The PKCE code verifier (RFC 7636 §4.1).
    pub(crate) verifier: String,
}

/// What came back to [`ANSWER_PATH`].
#[derive(Debug)]
pub(crate) struct ProviderAnswer {
    /// The `iss` parameter (RFC 9207 §2).
    pub(crate) issuer: Option<String>,
    /// A code, or the `error` of a refusal (RFC 6749 §4.1.2).
    pub(crate) code: Result<String, String>,
}

/// Who signed in, after every check.
pub(crate) struct Proven {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) name: String,
    pub(crate) user_name: Option<String>,
    /// The session at the provider.
    pub(crate) session: Option<String>,
    pub(crate) id_token: String,
}

/// Why nobody was signed in. The texts are for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    #[error("the identity provider does not answer: {0}")]
    Unreachable(String),
    #[error("the answer came from another issuer")]
    MixUp,
    #[error("the visitor did not sign in")]
    Declined,
    #[error("the identity provider refused: {0}")]
    Refused(String),
    #[error("the identity provider's answer does not hold: {0}")]
    NotProven(String),
}

impl IdentityProvider {
    pub(crate) fn new(settings: IdentityProviderSettings, site: &Settings) -> Result<Self, SettingsError> {
        let at = |path: &str| format!("{}{path}", site.origin());
        let unusable = |_| SettingsError::NotAnOrigin(site.origin().to_owned());
        Ok(Self {
            redirect_uri: RedirectUrl::new(at(ANSWER_PATH)).map_err(unusable)?,
            signed_out_uri: PostLogoutRedirectUrl::new(at(SIGNED_OUT_PATH)).map_err(unusable)?,
            transport: Transport::new(&settings)?,
            settings,
            known: Mutex::new(None),
        })
    }

    pub(crate) fn issuer(&self) -> &str {
        self.settings.issuer.as_str()
    }

    /// Where to send the visitor to sign in.
    pub(crate) async fn sign_in_url(
        &self,
        state: String,
        sealed: &Sealed,
        now: UnixTime,
    ) -> Result<Url, IdentityError> {
        let known = self.known(now).await?;
        let nonce = sealed.nonce.clone();
        let challenge =
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(sealed.verifier.clone()));
        let (url, _, _) = known
            .client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        Ok(url)
    }

    /// Turns an answer into a person, or says why not.
    pub(crate) async fn prove(
        &self,
        answer: ProviderAnswer,
        sealed: Sealed,
        now: UnixTime,
    ) -> Result<Proven, IdentityError> {
        let known = self.known(now).await?;
        self.check_sender(&known, answer.issuer.as_deref())?;
        let code = answer.code.map_err(|error| declined_or_refused(&error))?;
        let tokens = self.exchange(&known, code, sealed.verifier).await?;
        let id_token = tokens.id_token().ok_or_else(|| unproven(&"there is no ID token"))?;
        let known = self.known_with_key_of(id_token, known, now).await?;
        let subject = check(&known.client, id_token, &tokens, &Nonce::new(sealed.nonce), now)?;
        let person = self.person(&known, tokens.access_token(), &subject.0).await?;
        let user_name = person.preferred_username().and_then(|name| shown(name));
        let name = person.name().and_then(|names| names.get(None)).and_then(|name| shown(name));
        Ok(Proven {
            issuer: self.issuer().to_owned(),
            subject: subject.0.to_string(),
            name: name.or_else(|| user_name.clone()).unwrap_or_else(|| "Unnamed account".to_owned()),
            user_name,
            session: subject.1,
            id_token: id_token.to_string(),
        })
    }

    /// Where to send the visitor to sign out of the provider too; `None` when it has no such place.
    pub(crate) async fn sign_out_url(
        &self,
        id_token: &str,
        now: UnixTime,
    ) -> Result<Option<Url>, IdentityError> {
        let known = self.known(now).await?;
        let Some(endpoint) = known.more.end_session_endpoint.clone() else { return Ok(None) };
        let hint: ProviderIdToken = id_token.parse().map_err(|error| unproven(&error))?;
        let request = LogoutRequest::from(endpoint)
            .set_id_token_hint(&hint)
            .set_client_id(self.settings.client_id.clone())
            .set_post_logout_redirect_uri(self.signed_out_uri.clone());
        Ok(Some(request.http_get_url()))
    }

    /// A client of several providers must know which one answers (RFC 9207 §2.4); so does a client whose visitor was
    /// sent an answer of somebody else's.
    fn check_sender(&self, known: &Known, issuer: Option<&str>) -> Result<(), IdentityError> {
        match issuer {
            Some(issuer) if issuer == self.issuer() => Ok(()),
            None if !known.more.authorization_response_iss_parameter_supported => Ok(()),
            Some(_) | None => Err(IdentityError::MixUp),
        }
    }

    async fn exchange(&self, known: &Known, code: String, verifier: String) -> Result<Tokens, IdentityError> {
        let request =
            known.client.exchange_code(AuthorizationCode::new(code)).map_err(|error| unproven(&error))?;
        let answer =
            request.set_pkce_verifier(PkceCodeVerifier::new(verifier)).request_async(&self.transport).await;
        answer.map_err(|error| match error {
            RequestTokenError::Request(error) => unreachable(&error),
            // Its description may be long and is not ours: the code of the error is enough.
            RequestTokenError::ServerResponse(error) => IdentityError::Refused(error.error().to_string()),
            RequestTokenError::Parse(error, _) => unproven(&error),
            RequestTokenError::Other(error) => IdentityError::NotProven(error),
        })
    }

    /// The claims of the user info endpoint, which must be about the ID token's subject (OIDC Core §5.3.2).
    async fn person(
        &self,
        known: &Known,
        access_token: &AccessToken,
        subject: &SubjectIdentifier,
    ) -> Result<CoreUserInfoClaims, IdentityError> {
        let request = known
            .client
            .user_info(access_token.clone(), Some(subject.clone()))
            .map_err(|error| unproven(&error))?;
        request.request_async(&self.transport).await.map_err(|error| unproven(&error))
    }

    /// What the provider says of itself, read again when it is old.
    async fn known(&self, now: UnixTime) -> Result<Arc<Known>, IdentityError> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| now.since(known.read_at) < FRESH) {
            return Ok(Arc::clone(known));
        }
        let read = self.read(now).await?;
        Ok(Arc::clone(known.insert(read)))
    }

    /// The same, read once more if it lacks the key of this token: the provider may have changed its keys.
    async fn known_with_key_of(
        &self,
        id_token: &ProviderIdToken,
        known: Arc<Known>,
        now: UnixTime,
    ) -> Result<Arc<Known>, IdentityError> {
        let lacks_key = matches!(
            id_token.signing_key(&known.client.id_token_verifier()),
            Err(SignatureVerificationError::NoMatchingKey)
        );
        if !lacks_key {
            return Ok(known);
        }
        let read = self.read(now).await?;
        Ok(Arc::clone(self.known.lock().await.insert(read)))
    }

    async fn read(&self, now: UnixTime) -> Result<Arc<Known>, IdentityError> {
        let IdentityProviderSettings { issuer, client_id, client_secret, .. } = &self.settings;
        let metadata = Metadata::discover_async(issuer.clone(), &self.transport)
            .await
            .map_err(|error| unreachable(&error))?;
        let more = metadata.additional_metadata().clone();
        let client = Client::from_provider_metadata(metadata, client_id.clone(), client_secret.clone())
            .set_redirect_uri(self.redirect_uri.clone());
        Ok(Arc::new(Known { client, more, read_at: now }))
    }
}

/// Checks the ID token (OIDC Core §3.1.3.7) and that the access token came with it (§3.1.3.8). Returns its subject and
/// its session at the provider.
fn check(
    client: &Client,
    id_token: &ProviderIdToken,
    tokens: &Tokens,
    nonce: &Nonce,
    now: UnixTime,
) -> Result<(SubjectIdentifier, Option<String>), IdentityError> {
    let time = chrono::DateTime::from_timestamp(now.seconds(), 0).unwrap_or(chrono::DateTime::UNIX_EPOCH);
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || time);
    let claims = id_token.claims(&verifier, nonce).map_err(|error| IdentityError::NotProven(told(&error)))?;
    if let Some(promised) = claims.access_token_hash() {
        let algorithm = id_token.signing_alg().map_err(|error| unproven(&error))?;
        let key = id_token.signing_key(&verifier).map_err(|error| unproven(&error))?;
        let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)
            .map_err(|error| unproven(&error))?;
        if actual != *promised {
            return Err(unproven(&"the access token is another one"));
        }
    }
    Ok((claims.subject().clone(), claims.additional_claims().sid.clone()))
}

/// A text of the provider's, if it can be shown.
fn shown(text: &str) -> Option<String> {
    UserName::parse(text).ok().map(|name| name.as_str().to_owned())
}

/// `access_denied` is the visitor's own no; everything else is between the site and the provider.
fn declined_or_refused(error: &str) -> IdentityError {
    if error == "access_denied" { IdentityError::Declined } else { IdentityError::Refused(printable(error)) }
}

/// An error code as the log may have it: RFC 6749 §4.1.2.1 allows printable ASCII.
fn printable(code: &str) -> String {
    code.chars().filter(char::is_ascii_graphic).take(64).collect()
}

fn unreachable(error: &dyn Error) -> IdentityError {
    IdentityError::Unreachable(told(error))
}

fn unproven(error: &dyn ToString) -> IdentityError {
    IdentityError::NotProven(error.to_string())
}

/// An error and what it came from.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
