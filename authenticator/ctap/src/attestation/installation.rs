//! One certificate for all passkeys of this installation (WebAuthn L3 §8.2), for clients and relying parties that take no
//! self attestation. Its key is made at the first use, in the container, and ends with a reset.
//!
//! Nobody stands above the certificate: it proves that two passkeys are of one installation, and not of which model.

use std::str::FromStr;

use latchkey_container::{Error as ContainerError, InstallationKey};
use latchkey_protocol::Algorithm;
use latchkey_protocol::attestation::{AttestationStatement, PackedStatement};
use x509_cert::builder;
use x509_cert::der::asn1::OctetString;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;

use crate::aaguid;
use crate::certificate::{SelfIssued, Unsigned};
use crate::engine::Authenticator;
use crate::keys::sec1_point;
use crate::status::Failure;
use crate::step::Ambient;

/// As §8.2.1 has it. No company makes this authenticator, so the country is one that ISO 3166-1 leaves to its users.
const SUBJECT: &str = "CN=Latchkey installation,OU=Authenticator Attestation,O=Latchkey,C=XX";
/// `id-fido-gen-ce-aaguid` (§8.2.1).
const AAGUID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.45724.1.1.4");

impl Authenticator {
    /// Signs a message as this installation, which gets its key and its certificate now if it has none.
    pub(super) fn vouched_for(
        &mut self,
        message: &[&[u8]; 2],
        ambient: &mut Ambient<'_>,
    ) -> Result<AttestationStatement, Failure> {
        let key = match self.container.installation_key()? {
            Some(key) => key,
            None => self.make_installation_key(ambient)?,
        };
        let statement = PackedStatement {
            alg: Algorithm::ES256,
            sig: self.container.installation_sign(&key, message)?.bytes,
            x5c: vec![key.certificate().to_vec()],
        };
        Ok(statement.into())
    }

    fn make_installation_key(&mut self, ambient: &mut Ambient<'_>) -> Result<InstallationKey, Failure> {
        let key = self.container.create_installation_key(ambient.rng)?;
        let damaged = ContainerError::Damaged { what: "new key of this installation" };
        let point = sec1_point(key.public()).ok_or(damaged)?;
        let subject = subject(aaguid::of(self.container.class()))?;
        let certificate = Unsigned::new(subject, &point, ambient.now, ambient.rng)?;
        let signature = self.container.sign_certificate(&key, &certificate.message)?;
        let certificate = certificate.signed(&signature.bytes)?;
        Ok(self.container.keep_installation_key(key, certificate, ambient.rng)?)
    }
}

fn subject(aaguid: [u8; 16]) -> builder::Result<SelfIssued> {
    let name = Name::from_str(SUBJECT)?;
    let constraints = BasicConstraints { ca: false, path_len_constraint: None };
    let constraints = (true, &constraints).to_extension(&name, &[])?;
    // An extension's value is an OCTET STRING, and the AAGUID is one within it.
    let model = (AAGUID, false, &OctetString::new(aaguid)?).to_extension(&name, &[])?;
    let extensions: Vec<Extension> = vec![constraints, model];
    Ok(SelfIssued { name, extensions })
}
