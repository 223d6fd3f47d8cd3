//! Sign-in with a passkey, with or without a user name (WebAuthn L3 §7.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential, Uuid, WebauthnError};

use super::{options_json, set};
use crate::clock::UnixTime;
use crate::names::UserName;
use crate::refusal::{Reason, Refusal};
use crate::response::check_assertion;
use crate::site::Site;
use crate::storage::{Ceremony, Pending, Session, SessionToken, StoredPasskey, Use};

impl Site {
    /// Options for a sign-in: for the passkeys of `user_name`, or for any passkey of this site without one.
    pub(crate) async fn begin_sign_in(
        &self,
        session: &Session,
        user_name: Option<&str>,
        now: UnixTime,
    ) -> Result<Value, Refusal> {
        let (user, allowed) = match user_name {
            None => (None, Vec::new()),
            Some(name) => {
                let (user, allowed) = self.passkeys_to_offer(name, now).await?;
                (Some(user), allowed)
            }
        };
        // One kind of state for both: the allow list is ours, and finishing looks the passkey up again.
        let (options, state) = self
            .webauthn
            .start_discoverable_authentication()
            .map_err(|_| Refusal::Internal("sign-in options"))?;
        let pending = Pending {
            user,
            user_name: None,
            state: serde_json::to_string(&state).map_err(|_| Refusal::Internal("sign-in state"))?,
        };
        let challenge = &options.public_key.challenge;
        self.database.challenges().issue(challenge, &session.id, Ceremony::SignIn, &pending, now).await?;
        let mut json = options_json(&options.public_key)?;
        set(&mut json, "allowCredentials", allow_list(&allowed));
        set(&mut json, "extensions", json!({}));
        Ok(json)
    }

    /// Verifies a sign-in. A token comes back only for the user whose passkey made the response.
    pub(crate) async fn finish_sign_in(
        &self,
        session: &Session,
        response: &PublicKeyCredential,
        now: UnixTime,
    ) -> Result<SessionToken, Refusal> {
        let claims = check_assertion(response, &self.settings)?;
        let pending = self.take_challenge(&claims.challenge, session, Ceremony::SignIn, now).await?;
        // From here on every refusal but the last is the same, so that nobody learns which credential ID of an
        // allow list is a pretended one.
        let stored = self
            .database
            .passkeys()
            .find(&response.raw_id)
            .await?
            .filter(|stored| owner_matches(stored, &pending, response))
            .ok_or_else(|| Refusal::PasskeyNotAccepted(Reason::other_credential()))?;
        let user = stored.user;
        self.verify_sign_in(response, &pending, stored, now).await?;
        let token = self.new_session_token();
        self.database.sessions().rotate(&session.id, user, &token, now).await?;
        Ok(token)
    }

    async fn verify_sign_in(
        &self,
        response: &PublicKeyCredential,
        pending: &Pending,
        stored: StoredPasskey,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let state: DiscoverableAuthentication =
            serde_json::from_str(&pending.state).map_err(|_| Refusal::Internal("sign-in state"))?;
        let StoredPasskey { id, mut passkey, .. } = stored;
        let result = self.webauthn.finish_discoverable_authentication_v2(response, state, &passkey);
        let went_up = match result {
            Ok(result) => {
                passkey.update_credential(&result);
                let used =
                    Use { passkey, signature_count: result.counter(), backed_up: result.backup_state() };
                self.database.passkeys().record_use(id, &used, now).await?
            }
            Err(WebauthnError::CredentialPossibleCompromise) => false,
            Err(error) => {
                tracing::info!(%error, "a sign-in was refused");
                return Err(Refusal::PasskeyNotAccepted((&error).into()));
            }
        };
        if went_up {
            return Ok(());
        }
        tracing::warn!(passkey = id, "a signature counter went back: a copy of the passkey may exist");
        self.database.passkeys().mark_counter_went_back(id, now).await?;
        Err(Refusal::CounterWentBack)
    }

    /// The credential IDs to offer for a user name. A name without account gets one as well, always the same.
    async fn passkeys_to_offer(&self, name: &str, now: UnixTime) -> Result<(Uuid, Vec<Vec<u8>>), Refusal> {
        let key = UserName::parse(name)?.key();
        self.limiter.user_name(key.clone(), now)?;
        if let Some(user) = self.database.users().find(&key).await? {
            let stored = self.database.passkeys().of(user).await?;
            let ids = stored.iter().map(|stored| stored.passkey.cred_id().as_slice().to_vec()).collect();
            return Ok((user, ids));
        }
        Ok((self.key.pretended_user(&key), vec![self.key.pretended_credential_id(&key).to_vec()]))
    }
}

/// The user is the one that the challenge was made for, if any, and the one whom the authenticator names. A response
/// to a challenge without user name must name one (WebAuthn L3 §7.2 step 6).
fn owner_matches(stored: &StoredPasskey, pending: &Pending, response: &PublicKeyCredential) -> bool {
    let asked_for = pending.user.is_none_or(|user| user == stored.user);
    let named = match response.get_user_unique_id() {
        Some(handle) => handle == stored.user.as_bytes(),
        None => pending.user.is_some(),
    };
    asked_for && named
}

/// Without transports: a pretended credential has none that could be told from a real one's.
fn allow_list(ids: &[Vec<u8>]) -> Value {
    ids.iter().map(|id| json!({"type": "public-key", "id": URL_SAFE_NO_PAD.encode(id)})).collect()
}
