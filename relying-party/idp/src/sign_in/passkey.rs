//! Passkeys: the authentication ceremony (WebAuthn L3 §7.2), with and without a user name.

use std::time::Duration;

use serde_json::{Value, json};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};

use super::flow::{Flow, decoy};
use super::problem::{Failed, Problem, Stop};
use super::state::Ceremony;
use crate::audit_chain::Event;
use crate::client_data::ClientData;
use crate::domain::{OpaqueHash, User};
use crate::oauth::Refusal;
use crate::settings::Settings;
use crate::storage::{NewPasskey, Purpose, StoredPasskey};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Flags of authenticator data that more bytes come with: a credential, extensions.
const MORE: u8 = 0x40 | 0x80;
/// How long a challenge lives.
pub(super) const LIFETIME: Duration = Duration::from_mins(5);

/// The relying party of these settings. `None`: no browser would make passkeys for such an address (a bare IP).
#[must_use]
pub fn relying_party(settings: &Settings) -> Option<Webauthn> {
    let own =
        settings.origins().iter().find_map(|origin| WebauthnBuilder::new(settings.rp_id(), origin).ok())?;
    let all = settings.origins().iter().fold(own, WebauthnBuilder::append_allowed_origin);
    all.rp_name("Latchkey ID").build().ok()
}

impl Flow<'_> {
    /// Options with a fresh challenge for the next page. With a user name they list its passkeys, or a pretended one.
    pub(super) async fn begin_passkey(&mut self, listed: bool) -> Result<Option<String>, Stop> {
        let Some(webauthn) = &self.provider.webauthn else { return Ok(None) };
        let failed = |_| Stop::Page(Refusal::Busy);
        let (options, state) = webauthn.start_discoverable_authentication().map_err(failed)?;
        let mut options =
            serde_json::to_value(&options.public_key).map_err(|error| Stop::Page(error.into()))?;
        // A text, whose bytes are the challenge: brokers are handed the text (wire reference, section 1.7).
        let challenge = self.provider.opaque().expose().to_owned();
        let encoded = URL_SAFE_NO_PAD.encode(&challenge);
        let allowed = if listed { self.allowed().await? } else { Vec::new() };
        if let Some(options) = options.as_object_mut() {
            options.insert("allowCredentials".to_owned(), described(&allowed));
            options.insert("extensions".to_owned(), json!({}));
            options.insert("challenge".to_owned(), encoded.clone().into());
        }
        let mut state = serde_json::to_value(&state).map_err(|error| Stop::Page(error.into()))?;
        let drawn = state.pointer_mut("/ast/challenge").ok_or(Stop::Page(Refusal::Busy))?;
        *drawn = encoded.into();
        self.state.ceremony = Some(Ceremony { state, challenge, allowed, at: self.provider.now() });
        Ok(Some(options.to_string()))
    }

    async fn allowed(&self) -> Result<Vec<String>, Stop> {
        let Some(name) = &self.state.user_name else { return Ok(Vec::new()) };
        let mut ids = Vec::new();
        if let Some(user) = self.named().await? {
            let stored = self.provider.database.passkeys().of_user(user.id).await?;
            ids.extend(stored.iter().map(|stored| URL_SAFE_NO_PAD.encode(&stored.passkey.credential_id)));
        }
        if ids.is_empty() {
            ids.push(decoy(self.provider, name));
        }
        Ok(ids)
    }

    /// Checks a browser's answer: the user whose passkey it is. Every refusal is the same.
    pub(super) async fn check_passkey(&mut self, credential: &str) -> Result<User, Failed> {
        let ceremony = self.state.ceremony.take().ok_or(Problem::Passkey)?;
        let now = self.provider.now();
        if now.since(ceremony.at) > LIFETIME {
            return Err(Problem::Passkey.into());
        }
        // The state was taken with the step; a copy of it elsewhere is still good for nothing.
        let once = OpaqueHash::of(&ceremony.state.to_string());
        let nonces = self.provider.database.nonces();
        if !nonces.first_time(&once, Purpose::Ceremony, now.plus(LIFETIME)).await? {
            return Err(Problem::Passkey.into());
        }
        let response: PublicKeyCredential = serde_json::from_str(credential).map_err(|_| Problem::Passkey)?;
        if !is_strict(&self.provider.settings, &response) {
            return Err(Problem::Passkey.into());
        }
        let stored = self.provider.database.passkeys().by_credential_id(&response.raw_id).await?;
        let stored = stored.ok_or(Problem::Passkey)?;
        let user = self.provider.database.users().find(stored.passkey.user).await?.ok_or(Problem::Passkey)?;
        if !self.owner_matches(&user, &response) || !self.admits(user.tenant) {
            return Err(Problem::Passkey.into());
        }
        self.verify(&response, ceremony, stored).await?;
        if user.enabled { Ok(user) } else { Err(Problem::Disabled.into()) }
    }

    /// The passkey is the one of whoever proved something before, and of the user whom the authenticator names. Without a
    /// list it must name one (WebAuthn L3 §7.2 step 6).
    fn owner_matches(&self, user: &User, response: &PublicKeyCredential) -> bool {
        let same = self.state.user.is_none_or(|before| before == user.id);
        let typed = self.state.user_name.as_ref();
        let expected = typed.is_some_and(|name| name.trim().to_lowercase() == user.upn.to_lowercase());
        let named = match response.get_user_unique_id() {
            Some(handle) => handle == user.id.guid().as_bytes().as_slice(),
            None => expected,
        };
        same && named
    }

    async fn verify(
        &self,
        response: &PublicKeyCredential,
        ceremony: Ceremony,
        stored: StoredPasskey,
    ) -> Result<(), Failed> {
        let webauthn = self.provider.webauthn.as_ref().ok_or(Problem::Passkey)?;
        let state: DiscoverableAuthentication =
            serde_json::from_value(ceremony.state).map_err(|_| Problem::Passkey)?;
        let record = stored.passkey;
        let mut passkey: Passkey =
            serde_json::from_str(&record.record).map_err(|_| crate::storage::Error::Damaged)?;
        let result = match webauthn.finish_discoverable_authentication_v2(response, state, &passkey) {
            Ok(result) => result,
            Err(WebauthnError::CredentialPossibleCompromise) => {
                self.suspect(&record).await?;
                return Err(Problem::Passkey.into());
            }
            Err(error) => {
                tracing::info!(%error, "a passkey was refused");
                return Err(Problem::Passkey.into());
            }
        };
        if !result.user_verified() {
            return Err(Problem::Passkey.into());
        }
        passkey.update_credential(&result);
        let kept = serde_json::to_string(&passkey).map_err(|_| crate::storage::Error::Damaged)?;
        let passkeys = self.provider.database.passkeys();
        let seen = (result.counter(), result.backup_state());
        let grown = passkeys.used(record.id, &kept, seen, self.provider.now()).await?;
        if !grown {
            // Another sign-in was faster, with the same count.
            self.suspect(&record).await?;
            return Err(Problem::Passkey.into());
        }
        Ok(())
    }

    /// A signature counter went back: a copy of the passkey may exist (WebAuthn L3 §6.1.1). Administrators see it.
    async fn suspect(&self, record: &NewPasskey) -> Result<(), crate::storage::Error> {
        tracing::warn!(id = %record.id, "a signature counter went back: a copy of the passkey may exist");
        let now = self.provider.now();
        self.provider.database.passkeys().suspect(record.id, now).await?;
        let user = record.user.to_string();
        let tenant = self.provider.database.users().find(record.user).await?.map(|user| user.tenant.guid());
        let event = Event {
            at: now,
            tenant,
            actor: user.clone(),
            action: "passkey.suspected".to_owned(),
            target: user,
            detail: [("passkey".to_owned(), record.id.to_string())].into(),
        };
        self.provider.audit(&event).await
    }
}

/// What webauthn-rs leaves to its caller: `id` and `rawId` name one credential (conformance R1), the page was ours, and
/// nothing hides behind the counter where the flags say that nothing follows (WebAuthn L3 §6.1).
fn is_strict(settings: &Settings, answer: &PublicKeyCredential) -> bool {
    let data: &[u8] = answer.response.authenticator_data.as_ref();
    let flags = data.get(32).copied().unwrap_or_default();
    let client_data = ClientData::parse(answer.response.client_data_json.as_ref());
    answer.id == URL_SAFE_NO_PAD.encode(&answer.raw_id)
        && client_data.is_some_and(|client_data| client_data.made_here(settings))
        && (flags & MORE != 0 || data.len() == 37)
}

fn described(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({ "type": "public-key", "id": id })).collect()
}
