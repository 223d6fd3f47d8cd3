//! Signing in with the enterprise key, and the tokens that follow.

use super::{FlowError, Site};
use crate::http::HttpError;
use crate::keyring::{AccessToken, PrtAttempt, Refusal, Request};
use crate::wire::prt::JWT_BEARER;

/// What an application wants a token for.
#[derive(Debug, Clone)]
pub struct Target {
    /// The application's client ID.
    pub client: String,
    /// The resource: an App ID URI or a client ID.
    pub resource: Option<String>,
    /// Scopes, separated by spaces.
    pub scope: String,
}

impl Site<'_> {
    /// Checks what can be known before anybody types a PIN.
    ///
    /// # Errors
    /// [`Refusal::NotProvisioned`].
    pub fn check_sign_in(&self) -> Result<(), FlowError> {
        if self.view.key.is_none() { Err(Refusal::NotProvisioned.into()) } else { Ok(()) }
    }

    /// Signs in: the container must be open. The primary refresh token stays in it.
    ///
    /// # Errors
    /// [`FlowError`]; an older token stays.
    pub async fn sign_in(&mut self) -> Result<(), FlowError> {
        let outcome = self.try_to_sign_in().await;
        self.note(outcome)
    }

    async fn try_to_sign_in(&mut self) -> Result<(), FlowError> {
        // One nonce for each signature: they are good once.
        let (user_nonce, device_nonce) = (self.token_nonce().await?, self.token_nonce().await?);
        let at = self.name();
        let signed = self.build_signed(Request::BuildSignIn { at, user_nonce, device_nonce })?;
        let answer = self.send_signed(&signed).await?;
        let at = self.name();
        self.tell(Request::FinishSignIn { at, answer })
    }

    /// An access token. A primary refresh token that is due is renewed first.
    ///
    /// # Errors
    /// [`FlowError`].
    pub async fn token(&mut self, target: &Target, is_due: bool) -> Result<AccessToken, FlowError> {
        if is_due {
            self.renew().await?;
        }
        let nonce = self.token_nonce().await?;
        let Target { client, resource, scope } = target.clone();
        let at = self.name();
        let signed = self.build_signed(Request::BuildToken { at, nonce, client, resource, scope })?;
        self.redeem(&signed).await?.ok_or_else(|| Refusal::Answer.into())
    }

    /// A new primary refresh token in the place of the one there is.
    ///
    /// # Errors
    /// [`FlowError`]; the one there is stays.
    pub async fn renew(&mut self) -> Result<(), FlowError> {
        let outcome = self.try_to_renew().await;
        self.note(outcome)
    }

    async fn try_to_renew(&mut self) -> Result<(), FlowError> {
        let nonce = self.token_nonce().await?;
        let at = self.name();
        let signed = self.build_signed(Request::BuildRenewal { at, nonce })?;
        drop(self.redeem(&signed).await?);
        Ok(())
    }

    /// The credential that a browser shows the provider's pages, for the nonce that they gave.
    ///
    /// # Errors
    /// [`FlowError`].
    pub fn credential(&mut self, nonce: String) -> Result<String, FlowError> {
        let at = self.name();
        self.build_signed(Request::BuildCredential { at, nonce })
    }

    /// The same with a nonce of its own; a primary refresh token that is due is renewed first, if the provider lets it.
    ///
    /// # Errors
    /// [`FlowError`].
    pub async fn fresh_credential(&mut self, is_due: bool) -> Result<String, FlowError> {
        if is_due {
            // The token there is stays good for days.
            drop(self.renew().await);
        }
        let nonce = self.token_nonce().await?;
        self.credential(nonce)
    }

    /// Forgets the tokens here, and what a gesture opened.
    ///
    /// # Errors
    /// [`FlowError`].
    pub fn sign_out(&mut self) -> Result<(), FlowError> {
        let at = self.name();
        self.tell(Request::SignOut { at })
    }

    /// Keeps why there is no newer token, for the status report. That this fails changes nothing about the outcome.
    fn note(&mut self, outcome: Result<(), FlowError>) -> Result<(), FlowError> {
        if let Err(FlowError::Http(error)) = &outcome {
            let attempt = attempt(error, self.token_endpoint().to_string());
            let at = self.name();
            drop(self.tell(Request::NoteAttempt { at, attempt }));
        }
        outcome
    }

    async fn redeem(&mut self, signed: &str) -> Result<Option<AccessToken>, FlowError> {
        let answer = self.send_signed(signed).await?;
        let at = self.name();
        Ok(self.keyring.call(Request::FinishToken { at, answer })?.token()?)
    }

    async fn send_signed(&self, signed: &str) -> Result<crate::Secret, FlowError> {
        let fields = [
            ("windows_api_version", "2.2"),
            // Answers that nobody can alter, in place of what version 2.2 is used to.
            ("latchkey_answer", "gcm"),
            ("grant_type", JWT_BEARER),
            ("request", signed),
            ("client_info", "1"),
        ];
        Ok(self.http.post_form(&self.token_endpoint(), &fields).await?.text()?)
    }
}

/// What is kept of a failure; the keyring adds the time.
fn attempt(error: &HttpError, endpoint: String) -> PrtAttempt {
    let nothing = PrtAttempt {
        at: 0,
        endpoint,
        status: None,
        error: String::new(),
        description: error.to_string(),
        correlation: None,
    };
    match error {
        HttpError::Refused(refused) => PrtAttempt {
            status: Some(refused.status),
            error: refused.error.clone(),
            description: refused.description.clone(),
            correlation: refused.trace_id.clone(),
            ..nothing
        },
        HttpError::Unreachable { .. }
        | HttpError::Ca
        | HttpError::Elsewhere { .. }
        | HttpError::Answer(_) => nothing,
    }
}
