//! Registration: a new user with a first passkey, or a further passkey of a user (WebAuthn L3 §7.1).

use std::time::Duration;

use serde_json::{Value, json};
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential, Uuid};

use super::{MOST_PASSKEYS, options_json, set};
use crate::aaguid;
use crate::clock::UnixTime;
use crate::names::{PasskeyName, UserName};
use crate::refusal::{Reason, Refusal};
use crate::response::{NewCredential, check_registration};
use crate::site::Site;
use crate::storage::{Ceremony, NewPasskey, Pending, Session, SessionToken, SignedInUser};

/// A passkey can be added or deleted this long after a sign-in; later the user confirms with a passkey first, so that
/// a browser left open is not enough to take the account over.
const CONFIRMED_FOR: Duration = Duration::from_mins(10);

impl Site {
    /// Options for a new user's first passkey.
    pub(crate) async fn begin_registration(
        &self,
        session: &Session,
        user_name: &str,
        now: UnixTime,
    ) -> Result<Value, Refusal> {
        let user_name = UserName::parse(user_name)?;
        self.limiter.user_name(user_name.key(), now)?;
        if self.database.users().find(&user_name.key()).await?.is_some() {
            return Err(Refusal::NameTaken);
        }
        self.begin(session, Ceremony::Register, self.new_user_id(), &user_name, Vec::new(), now).await
    }

    /// Verifies a new user's first passkey, makes the account and signs the user in.
    pub(crate) async fn finish_registration(
        &self,
        session: &Session,
        response: &RegisterPublicKeyCredential,
        now: UnixTime,
    ) -> Result<SessionToken, Refusal> {
        let (pending, claimed) = self.take(session, Ceremony::Register, response, now).await?;
        let user = pending.user.ok_or(Refusal::Internal("a registration without user"))?;
        let user_name = UserName::parse(pending.user_name.as_deref().unwrap_or_default())?;
        let passkey = self.verify_registration(response, &pending, &claimed, None, 1)?;
        let token = self.new_session_token();
        self.database.users().register(user, &user_name, &passkey, &session.id, &token, now).await?;
        Ok(token)
    }

    /// Options for a further passkey of `user`.
    pub(crate) async fn begin_addition(
        &self,
        session: &Session,
        user: &SignedInUser,
        now: UnixTime,
    ) -> Result<Value, Refusal> {
        confirmed(user, now)?;
        let present = self.database.passkeys().of(user.id).await?;
        if present.len() >= MOST_PASSKEYS {
            return Err(Refusal::TooManyPasskeys);
        }
        let user_name = UserName::parse(&user.name)?;
        let exclude = present.iter().map(|stored| stored.passkey.cred_id().clone()).collect();
        self.begin(session, Ceremony::Add, user.id, &user_name, exclude, now).await
    }

    /// Verifies a further passkey of `user` and keeps it.
    pub(crate) async fn finish_addition(
        &self,
        session: &Session,
        user: &SignedInUser,
        response: &RegisterPublicKeyCredential,
        passkey_name: Option<&str>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let passkey_name =
            passkey_name.filter(|name| !name.trim().is_empty()).map(PasskeyName::parse).transpose()?;
        let (pending, claimed) = self.take(session, Ceremony::Add, response, now).await?;
        confirmed(user, now)?;
        if pending.user != Some(user.id) {
            return Err(Refusal::ChallengeUnknown);
        }
        let present = self.database.passkeys().of(user.id).await?.len();
        if present >= MOST_PASSKEYS {
            return Err(Refusal::TooManyPasskeys);
        }
        let passkey = self.verify_registration(response, &pending, &claimed, passkey_name, present + 1)?;
        Ok(self.database.passkeys().add(user.id, &passkey, now).await?)
    }

    async fn begin(
        &self,
        session: &Session,
        ceremony: Ceremony,
        user: Uuid,
        user_name: &UserName,
        exclude: Vec<webauthn_rs::prelude::CredentialID>,
        now: UnixTime,
    ) -> Result<Value, Refusal> {
        let name = user_name.as_str();
        let (options, state) = self
            .webauthn
            .start_passkey_registration(user, name, name, Some(exclude))
            .map_err(|_| Refusal::Internal("registration options"))?;
        let pending = Pending {
            user: Some(user),
            user_name: Some(name.to_owned()),
            state: serde_json::to_string(&state).map_err(|_| Refusal::Internal("registration state"))?,
        };
        let challenge = &options.public_key.challenge;
        self.database.challenges().issue(challenge, &session.id, ceremony, &pending, now).await?;
        let mut json = options_json(&options.public_key)?;
        // The sign-in button asks for no name, so the passkey has to be discoverable. A hint: whether the
        // authenticator obeyed cannot be verified here, and signing in by name works either way.
        set(
            &mut json,
            "authenticatorSelection",
            json!({"residentKey": "required", "requireResidentKey": true, "userVerification": "required"}),
        );
        set(
            &mut json,
            "extensions",
            json!({
                "credProps": true,
                "credentialProtectionPolicy": "userVerificationRequired",
                "enforceCredentialProtectionPolicy": false,
            }),
        );
        Ok(json)
    }

    async fn take(
        &self,
        session: &Session,
        ceremony: Ceremony,
        response: &RegisterPublicKeyCredential,
        now: UnixTime,
    ) -> Result<(Pending, NewCredential), Refusal> {
        let claimed = check_registration(response, &self.settings)?;
        let pending = self.take_challenge(&claimed.challenge, session, ceremony, now).await?;
        Ok((pending, claimed))
    }

    /// The only way to a [`NewPasskey`]: what comes back has been verified against the stored state.
    fn verify_registration(
        &self,
        response: &RegisterPublicKeyCredential,
        pending: &Pending,
        claimed: &NewCredential,
        passkey_name: Option<PasskeyName>,
        number: usize,
    ) -> Result<NewPasskey, Refusal> {
        let state: PasskeyRegistration =
            serde_json::from_str(&pending.state).map_err(|_| Refusal::Internal("registration state"))?;
        let passkey = self.webauthn.finish_passkey_registration(response, &state).map_err(|error| {
            tracing::info!(%error, "a registration was refused");
            Refusal::RegistrationRefused((&error).into())
        })?;
        if passkey.cred_id().as_slice() != claimed.credential_id {
            return Err(Refusal::RegistrationRefused(Reason::other_credential()));
        }
        let name = match passkey_name {
            Some(name) => name,
            None => default_name(claimed.aaguid, number)?,
        };
        Ok(NewPasskey {
            passkey,
            name,
            aaguid: claimed.aaguid,
            signature_count: claimed.signature_count,
            backup_eligible: claimed.backup_eligible,
            backed_up: claimed.backed_up,
        })
    }
}

/// Refuses when the last sign-in is too long ago for a change to the account.
pub(crate) fn confirmed(user: &SignedInUser, now: UnixTime) -> Result<(), Refusal> {
    if now.since(user.authenticated_at) > CONFIRMED_FOR { Err(Refusal::ConfirmFirst) } else { Ok(()) }
}

fn default_name(aaguid: [u8; 16], number: usize) -> Result<PasskeyName, Refusal> {
    let name = match (aaguid::product(aaguid), number) {
        (Some(product), 1) => product.to_owned(),
        (Some(product), _) => format!("{product} {number}"),
        (None, _) => format!("Passkey {number}"),
    };
    Ok(PasskeyName::parse(&name)?)
}
