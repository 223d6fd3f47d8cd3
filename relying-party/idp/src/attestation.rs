//! Which authenticators a tenant accepts, decided on attestation that was *verified* and on nothing else.
//!
//! An AAGUID in authenticator data is a claim: with `none` or self attestation anybody writes any AAGUID there. It
//! becomes a fact when the attestation chain leads to an anchor that was configured for this very AAGUID. So the
//! only way to an AAGUID here is [`Verified`], and the only way to that is an [`AttestedPasskey`] and its anchors.
//!
//! A tenant that needs no attestation uses the other ceremony of `webauthn-rs` (`start_passkey_registration`), and
//! nothing is then known about the authenticator.

mod anchor;
mod outcome;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use webauthn_rs::prelude::{
    AttestationCaList, AttestationCaListBuilder, AttestationMetadata, AttestedPasskey,
};

use crate::mds::{Authenticator, Blob};

pub use anchor::{Anchor, AnchorError};
pub use outcome::{Outcome, OutcomeError};

/// An attestation format that names the authenticator's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// WebAuthn L3 §8.2.
    Packed,
    /// WebAuthn L3 §8.3.
    Tpm,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Packed, Self::Tpm];

    /// Its identifier (RFC 8809 §2.1).
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Packed => "packed",
            Self::Tpm => "tpm",
        }
    }
}

/// What the FIDO metadata are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataRule {
    /// An authenticator that the metadata say is compromised is refused; one that they do not know is not.
    #[default]
    RefuseCompromised,
    /// Only authenticators that the metadata know.
    RequireKnown,
}

/// A tenant's policy for passkeys. The default needs no attestation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttestationPolicy {
    /// Whether the authenticator must prove its model. The other rules imply it.
    pub required: bool,
    /// The accepted models; `None` for any.
    pub aaguids: Option<BTreeSet<Uuid>>,
    /// The accepted formats; `None` for any.
    pub formats: Option<BTreeSet<Format>>,
    /// What the metadata must say.
    pub metadata: MetadataRule,
}

/// Why an authenticator is not accepted. The texts are for the person who registers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationRefused {
    /// Nothing proves its model.
    #[error("your organization needs a security key that proves its model, and this one does not")]
    NotVerified,
    /// The proof leads elsewhere, or was made for another model.
    #[error("the proof of this security key's model is not trusted by your organization")]
    NotTrusted,
    /// Another format.
    #[error("this security key proves its model in a way that your organization does not accept")]
    Format(Format),
    /// Another model.
    #[error("your organization does not accept this model of security key: use one from its list")]
    Model(Uuid),
    /// The metadata say that it is compromised.
    #[error("this model of security key is known to be unsafe ({status}): use another one")]
    Compromised {
        /// The model.
        aaguid: Uuid,
        /// The status.
        status: String,
    },
    /// The metadata do not know it, or what they say cannot be read.
    #[error("nothing is known about this model of security key: use another one")]
    Unknown(Uuid),
}

/// Why no registration can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorsError {
    /// Every registration would be refused.
    #[error(
        "no certificate is configured for the accepted models: load FIDO metadata, or add the maker's certificate"
    )]
    Nothing,
    /// A certificate that the operator gave.
    #[error("the certificate for model {0} is not readable: it must be DER")]
    Certificate(Uuid),
}

/// A model that was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    aaguid: Uuid,
    format: Format,
}

impl Verified {
    /// The model of a registered passkey, proved against `anchors` now. Called with the anchors of the registration it
    /// confirms what `webauthn-rs` found; called later, with others, it says whether the passkey still fits.
    ///
    /// # Errors
    /// When nothing proves the model, or no anchor for it does.
    pub fn of(passkey: &AttestedPasskey, anchors: &AttestationCaList) -> Result<Self, AttestationRefused> {
        let anchor = passkey.verify_attestation(anchors).map_err(|_| AttestationRefused::NotTrusted)?;
        let (aaguid, format) = match passkey.attestation().metadata {
            AttestationMetadata::Packed { aaguid } => (aaguid, Format::Packed),
            AttestationMetadata::Tpm { aaguid, .. } => (aaguid, Format::Tpm),
            // These formats say nothing about the model that could be checked.
            AttestationMetadata::None
            | AttestationMetadata::AndroidKey { .. }
            | AttestationMetadata::AndroidSafetyNet { .. } => return Err(AttestationRefused::NotVerified),
        };
        // `verify_attestation` looks at the chain only. A maker's root for one model must not vouch for another.
        if !anchor.aaguids().contains_key(&aaguid) {
            return Err(AttestationRefused::NotTrusted);
        }
        Ok(Self { aaguid, format })
    }

    /// The model.
    #[must_use]
    pub const fn aaguid(&self) -> Uuid {
        self.aaguid
    }

    /// How it was proved.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }
}

impl AttestationPolicy {
    /// Whether the ceremony must ask for attestation.
    #[must_use]
    pub fn needs_attestation(&self) -> bool {
        let by_metadata = match self.metadata {
            MetadataRule::RefuseCompromised => false,
            MetadataRule::RequireKnown => true,
        };
        self.required || self.aaguids.is_some() || self.formats.is_some() || by_metadata
    }

    /// The anchors for a registration: those of the metadata and the operator's own, for accepted models only.
    ///
    /// # Errors
    /// When there are none, or one of the operator's cannot be read.
    pub fn anchors(&self, blob: Option<&Blob>, own: &[Anchor]) -> Result<AttestationCaList, AnchorsError> {
        let mut list = AttestationCaListBuilder::new();
        for anchor in own.iter().filter(|anchor| self.model(anchor.aaguid, blob).is_ok()) {
            list.insert_device_der(
                &anchor.certificate,
                anchor.aaguid,
                anchor.description.clone(),
                BTreeMap::new(),
            )
            .map_err(|_| AnchorsError::Certificate(anchor.aaguid))?;
        }
        let known = blob.into_iter().flat_map(Blob::authenticators);
        for (aaguid, authenticator) in known.filter(|(aaguid, _)| self.model(*aaguid, blob).is_ok()) {
            insert(&mut list, aaguid, authenticator);
        }
        let list = list.build();
        if list.is_empty() { Err(AnchorsError::Nothing) } else { Ok(list) }
    }

    /// Decides on a registration. `verified` is `None` when the ceremony did not ask for attestation.
    ///
    /// # Errors
    /// When the authenticator is not accepted.
    pub fn accept(&self, verified: Option<&Verified>, blob: Option<&Blob>) -> Result<(), AttestationRefused> {
        let Some(verified) = verified else {
            return if self.needs_attestation() { Err(AttestationRefused::NotVerified) } else { Ok(()) };
        };
        if self.formats.as_ref().is_some_and(|formats| !formats.contains(&verified.format)) {
            return Err(AttestationRefused::Format(verified.format));
        }
        self.model(verified.aaguid, blob)
    }

    /// Refuses an authenticator that says of itself that it is a model known to be unsafe. Nobody gains by lying so, and a
    /// policy without attestation learns nothing else about the model.
    ///
    /// # Errors
    /// When the metadata say so.
    pub fn refuse_compromised(claimed: Uuid, blob: Option<&Blob>) -> Result<(), AttestationRefused> {
        match blob.and_then(|blob| blob.authenticator(claimed)).and_then(Authenticator::refused_status) {
            Some(status) => {
                Err(AttestationRefused::Compromised { aaguid: claimed, status: status.as_str().to_owned() })
            }
            None => Ok(()),
        }
    }

    fn model(&self, aaguid: Uuid, blob: Option<&Blob>) -> Result<(), AttestationRefused> {
        if self.aaguids.as_ref().is_some_and(|aaguids| !aaguids.contains(&aaguid)) {
            return Err(AttestationRefused::Model(aaguid));
        }
        match (blob.and_then(|blob| blob.authenticator(aaguid)), self.metadata) {
            (Some(authenticator), _) => safe(aaguid, authenticator),
            (None, MetadataRule::RefuseCompromised) => Ok(()),
            (None, MetadataRule::RequireKnown) => Err(AttestationRefused::Unknown(aaguid)),
        }
    }
}

/// An entry that cannot be read may say anything, also that the model is compromised.
fn safe(aaguid: Uuid, authenticator: &Authenticator) -> Result<(), AttestationRefused> {
    match authenticator.refused_status() {
        Some(status) => Err(AttestationRefused::Compromised { aaguid, status: status.as_str().to_owned() }),
        None if authenticator.is_readable() => Ok(()),
        None => Err(AttestationRefused::Unknown(aaguid)),
    }
}

/// A certificate that cannot be read loses only itself, as a bad entry does.
fn insert(list: &mut AttestationCaListBuilder, aaguid: Uuid, authenticator: &Authenticator) {
    for root in authenticator.attestation_roots() {
        let description = authenticator.description().to_owned();
        if list.insert_device_der(root, aaguid, description, BTreeMap::new()).is_err() {
            tracing::warn!(%aaguid, "an attestation root in the FIDO metadata is not readable");
        }
    }
}

#[cfg(test)]
mod tests;
