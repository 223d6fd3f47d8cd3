//! The keys of the PIN reset service. All tenants use the same ones, so administrators of the first tenant change them.

use super::{Actor, Administrator, Refused};
use crate::clock::UnixTime;
use crate::hex;
use crate::pin_reset::Protocol;
use crate::pin_reset::keys::{self, State};

/// The keys, and what certified them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetKeys {
    /// The SHA-256 of the PIN reset anchor's certificate, hexadecimal: what devices pinned when they joined.
    pub anchor: String,
    /// The keys, the newest first.
    pub keys: Vec<ResetKey>,
    /// Whether this administrator may change them.
    pub changeable: bool,
}

/// A key, without its private half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetKey {
    /// Its name in envelopes.
    pub kid: String,
    /// The protocol it is for.
    pub protocol: Protocol,
    /// Where its private half is used: `software`, `tpm` or `pkcs11`.
    pub place: String,
    /// When it was made.
    pub created_at: UnixTime,
    /// What it is used for now.
    pub state: State,
    /// When it last released something to a device of this tenant.
    pub last_release: Option<UnixTime>,
}

impl Administrator<'_> {
    /// The keys of the PIN reset service.
    ///
    /// # Errors
    /// When the database does not answer, or a first key cannot be made.
    pub async fn reset_keys(&self) -> Result<ResetKeys, Refused> {
        let releases = self.provider.database.reset_events().last_by_key(self.tenant).await?;
        let last = |kid: &str| releases.iter().find(|(known, _)| known == kid).map(|(_, at)| *at);
        let all = keys::states(self.provider).await?.into_iter();
        let keys = all.map(|(key, state)| ResetKey {
            last_release: last(&key.kid),
            kid: key.kid,
            protocol: key.protocol,
            place: key.place,
            created_at: key.created_at,
            state,
        });
        Ok(ResetKeys {
            anchor: hex::digits(&keys::anchor_fingerprint(self.provider).await?),
            keys: keys.collect(),
            changeable: self.looks_after_tenants().await?,
        })
    }

    /// Gives devices new keys from now on: their names. What was made for older ones is opened still.
    ///
    /// # Errors
    /// When this one may not, or the keys in use are in a place that this process does not reach. The operator, who chooses the
    /// place, may leave one.
    pub async fn rotate_reset_keys(&self) -> Result<Vec<String>, Refused> {
        self.may_change_reset_keys().await?;
        if self.actor != Actor::Operator {
            keys::reached(self.provider).await?;
        }
        let new: Vec<String> = keys::rotate(self.provider).await?.into_iter().map(|key| key.kid).collect();
        self.record("pin_reset.keys_rotated", self.tenant, [("kids", new.join(" "))]).await?;
        Ok(new)
    }

    /// Destroys the private half of a key: what was made for it never opens again.
    ///
    /// # Errors
    /// When this one may not, there is no such live key, devices are given it, or this process does not reach it.
    pub async fn retire_reset_key(&self, kid: &str) -> Result<(), Refused> {
        self.may_change_reset_keys().await?;
        keys::retire(self.provider, kid).await?;
        self.record("pin_reset.key_retired", self.tenant, [("kid", kid.to_owned())]).await
    }

    async fn may_change_reset_keys(&self) -> Result<(), Refused> {
        if self.looks_after_tenants().await? { Ok(()) } else { Err(Refused::NotHome) }
    }
}
