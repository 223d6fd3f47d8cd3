//! An authenticator app that is being added: the page shows a secret, and a code of the app shows that it has it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::credentials::{open_totp, seal_totp};
use super::problem::{Failed, Problem};
use crate::domain::UserId;
use crate::provider::Provider;
use crate::storage::{self, StoredTotp};
use crate::totp::{Algorithm, Answer, TotpSecret};

/// The secret between the page and the code, sealed as it will be stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NewApp {
    id: Uuid,
    sealed: Vec<u8>,
}

impl NewApp {
    /// A new secret.
    pub(super) fn draw(provider: &Provider) -> Self {
        let id = provider.guid();
        let secret = provider.draw(|rng| TotpSecret::random(Algorithm::Sha1, rng));
        Self { id, sealed: seal_totp(provider, id, &secret) }
    }

    /// The secret, for the page.
    pub(super) fn secret(&self, provider: &Provider) -> Result<TotpSecret, storage::Error> {
        open_totp(provider, self.id, &self.sealed).ok_or(storage::Error::Damaged)
    }

    /// The app as it is stored, once a code of it was typed. The code's step is used up.
    pub(super) fn proved(
        &self,
        provider: &Provider,
        (user, name): (UserId, &str),
        typed: &str,
    ) -> Result<StoredTotp, Failed> {
        let now = provider.now();
        let step = match self.secret(provider)?.verify(typed, None, now) {
            Answer::Accepted(step) => step,
            Answer::Replayed | Answer::Wrong => return Err(Problem::Code.into()),
        };
        Ok(StoredTotp {
            id: self.id,
            user,
            name: name.to_owned(),
            sealed: self.sealed.clone(),
            last_step: i64::try_from(step.number()).map_err(|_| storage::Error::Damaged)?,
            created_at: now,
            last_used_at: None,
        })
    }
}
