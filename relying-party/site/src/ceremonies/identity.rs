//! Sign-in at the identity provider, as this site binds it to a visitor: state, nonce and PKCE verifier belong to one
//! session, and an answer serves once.

use openidconnect::url::Url;

use crate::clock::UnixTime;
use crate::identity_provider::{IdentityProvider, ProviderAnswer, Sealed};
use crate::refusal::Refusal;
use crate::site::Site;
use crate::storage::{Session, SessionToken, SignedInIdentity, Taken};

impl Site {
    /// Begins a sign-in; returns where the visitor goes.
    pub(crate) async fn begin_identity_sign_in(
        &self,
        session: &Session,
        now: UnixTime,
    ) -> Result<Url, Refusal> {
        let provider = self.provider()?;
        let (state, sealed) =
            (self.new_secret(), Sealed { nonce: self.new_secret(), verifier: self.new_secret() });
        let url = provider.sign_in_url(state.clone(), &sealed, now).await?;
        self.database.identities().ask(&state, &session.id, &sealed, now).await?;
        Ok(url)
    }

    /// Finishes one. A token comes back only for the account whose ID token fits this session's own request. An
    /// account is named by issuer and subject; it is never joined to another by name or address.
    pub(crate) async fn finish_identity_sign_in(
        &self,
        session: &Session,
        state: &str,
        answer: ProviderAnswer,
        now: UnixTime,
    ) -> Result<SessionToken, Refusal> {
        let provider = self.provider()?;
        let sealed = match self.database.identities().take(state, &session.id, now).await? {
            Taken::Ready(sealed) => sealed,
            Taken::Expired => return Err(Refusal::ChallengeExpired),
            Taken::Unknown => return Err(Refusal::IdentityAnswerUnknown),
        };
        let proven = provider.prove(answer, sealed, now).await?;
        let token = self.new_session_token();
        self.database.identities().sign_in(self.new_user_id(), &proven, &session.id, &token, now).await?;
        Ok(token)
    }

    /// Ends the visitor's session here, and says where they can end the provider's. When the provider cannot say where,
    /// they are signed out here all the same.
    pub(crate) async fn sign_out_everywhere(
        &self,
        session: &Session,
        identity: &SignedInIdentity,
        now: UnixTime,
    ) -> Result<Option<Url>, Refusal> {
        self.database.sessions().end(&session.id).await?;
        match self.provider()?.sign_out_url(&identity.id_token, now).await {
            Ok(url) => Ok(url),
            Err(error) => {
                tracing::warn!(%error, "nobody can be sent to sign out");
                Ok(None)
            }
        }
    }

    /// The provider says that one of its sessions is over (OIDC Front-Channel Logout 1.0 §2). Whoever knows the ID of a
    /// session could end it here before; a wrong or unknown one ends nothing.
    pub(crate) async fn end_provider_session(
        &self,
        issuer: &str,
        provider_session: &str,
    ) -> Result<(), Refusal> {
        if issuer == self.provider()?.issuer() {
            self.database.identities().end_provider_session(issuer, provider_session).await?;
        }
        Ok(())
    }

    fn provider(&self) -> Result<&IdentityProvider, Refusal> {
        self.identity_provider.as_ref().ok_or(Refusal::NotFound)
    }
}
