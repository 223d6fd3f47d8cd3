//! A forgotten PIN: the service opens the PIN reset protector for who signed in by another way.

use super::{FlowError, Site};
use crate::http::Http;
use crate::keyring::Request;
use crate::secret::Secret;
use crate::wire::recovery::SealedSecret;

/// By what right the service is asked.
#[derive(Debug, Clone, Copy)]
pub enum Right<'a> {
    /// The user signed in, freshly and by a method other than the forgotten PIN.
    SignIn(&'a Secret),
    /// The help desk's code, which clears the count of tries and opens nothing.
    HelpDesk(&'a Secret),
}

impl Site<'_> {
    /// Checks what can be known before anybody signs in. Where the policy so far says no it is read anew, because an
    /// administrator may just have allowed it.
    ///
    /// # Errors
    /// [`FlowError::OnlyDestructive`], [`FlowError::ResetForbidden`]; whatever reading the policy met.
    pub async fn expect_pin_reset(&mut self) -> Result<(), FlowError> {
        if self.check_pin_reset().is_err() {
            self.refresh().await?;
        }
        self.check_pin_reset()
    }

    fn check_pin_reset(&self) -> Result<(), FlowError> {
        if !self.policy().enable_pin_recovery {
            let why = "your organisation has not switched on the PIN reset that keeps them";
            return Err(FlowError::OnlyDestructive(why));
        }
        if self.view.facts.reset_service().is_ok_and(|service| !service.allowed) {
            return Err(FlowError::ResetForbidden);
        }
        if !self.view.recovery.present {
            let why = "the PIN reset protector was not made yet: it is made when you next use your PIN";
            return Err(FlowError::OnlyDestructive(why));
        }
        Ok(())
    }

    /// Fetches what opens the protector, sealed for the request that the keyring has just built.
    ///
    /// # Errors
    /// [`FlowError`]; nothing has changed then.
    pub async fn unprotect_secret(&mut self, right: Right<'_>) -> Result<SealedSecret, FlowError> {
        let service = self.reset_service()?;
        let url = service.origin().at("/unprotectsecret/v1");
        let nonce = self.token_nonce().await?;
        let (at, audience) = (self.name(), url.to_string());
        let rearm = matches!(right, Right::HelpDesk(_));
        let body = self.build(Request::BuildRecovery { at, nonce, audience, rearm })?;
        let answer = match right {
            Right::SignIn(token) => service.post_json(&url, Some(token.expose()), &body).await?,
            Right::HelpDesk(code) => service.post_json_as(&url, "Helpdesk", code.expose(), &body).await?,
        };
        Ok(answer.read()?)
    }

    /// The PIN reset service, which may run apart from the provider. The provider's CA vouches for both.
    pub(super) fn reset_service(&self) -> Result<Http, FlowError> {
        let origin = self.view.facts.reset_service()?.origin.clone();
        Ok(Http::new(origin, self.view.facts.provider.ca.as_deref().map(str::as_bytes))?)
    }
}
