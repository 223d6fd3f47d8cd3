//! What administrators decide about the authenticator beyond its profile.

use latchkey_container::CompartmentId;

/// The decisions. The default is what an authenticator does of which nobody has decided anything: it vouches for itself
/// alone, and offers what every client knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The organisations that vouch for this device.
    pub organisations: Vec<Organisation>,
    /// Whether ML-DSA-44 is offered. Some clients refuse an authenticator that names an algorithm they do not know.
    pub ml_dsa_44: bool,
    /// Whether one certificate vouches for all passkeys of this installation. Some clients take no self attestation.
    pub attestation_certificate: bool,
}

/// An organisation that this device has joined, and that has certified its attestation key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// The compartment whose attestation key signs.
    pub compartment: CompartmentId,
    /// The certificate of that key and those between it and the organisation's root, each signed by the next one, in
    /// DER. The root itself is for relying parties to know.
    pub certificates: Vec<Vec<u8>>,
    /// RP IDs of the relying parties that may learn which device this is.
    pub relying_parties: Vec<String>,
}

impl Policy {
    /// The first organisation whose list has this relying party. RP IDs are compared as they are: a list is no pattern.
    pub(crate) fn lists(&self, rp_id: &str) -> Option<&Organisation> {
        self.organisations.iter().find(|one| one.relying_parties.iter().any(|listed| listed == rp_id))
    }
}
