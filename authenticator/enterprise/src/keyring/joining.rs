//! Joining a tenant. Every step can be done again: the keys are made once, the certificate is taken only for them, and
//! only then the facts say that the device is joined.

use std::cell::RefCell;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_container::{CompartmentId, Container, Error as ContainerError, TpmError};
use rcgen::{CertificateParams, DnType, PublicKeyData, SignatureAlgorithm, SigningKey, SubjectPublicKeyInfo};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::Refusal;
use super::execute::{Desk, Place};
use super::facts::{Device, Facts, Provider, User};
use super::message::{Answer, CompartmentName};
use crate::wire::WireError;
use crate::wire::registration::{
    AttestationChallenge, AttestationRequest, Joined, Machine, SUBJECT, attestation_data, join_body,
    qualifying,
};
use crate::wire::rsa_key::RsaKey;

pub(super) fn begin(desk: &mut Desk<'_>, provider: Provider, user: User) -> Result<Answer, Refusal> {
    let facts = Facts {
        provider,
        user,
        device: None,
        policy: None,
        reset_anchor: None,
        reset_key_until: None,
        key: None,
        prt: None,
        prt_attempt: None,
    };
    let id = match interrupted(desk, &facts)? {
        Some(id) => {
            desk.container.set_facts(id, &facts.bytes()?, desk.rng)?;
            id
        }
        None => desk.container.add_compartment(&facts.bytes()?, desk.rng)?,
    };
    let keys = desk.container.make_device_keys(id, desk.rng)?;
    let endorsement = desk.container.endorsement()?;
    let attestation = endorsement
        .zip(keys.attestation_key)
        .map(|(endorsement, key)| AttestationRequest::new(&endorsement, &key));
    Ok(Answer::JoinBegun { at: CompartmentName(id.hex()), attestation })
}

/// The compartment of an earlier try at the same tenant, whose keys the provider may know already.
fn interrupted(desk: &mut Desk<'_>, wanted: &Facts) -> Result<Option<CompartmentId>, Refusal> {
    for found in desk.container.compartments()? {
        let facts = Facts::read(&found.facts)?;
        let same =
            facts.provider.url == wanted.provider.url && facts.provider.tenant == wanted.provider.tenant;
        match (same, facts.device) {
            (true, Some(_)) => return Err(Refusal::AlreadyJoined),
            (true, None) => return Ok(Some(found.id)),
            (false, _) => {}
        }
    }
    Ok(None)
}

pub(super) fn build(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    challenge: Option<&AttestationChallenge>,
    machine: &Machine,
) -> Result<Answer, Refusal> {
    let place = desk.place(at)?;
    let keys = desk.container.make_device_keys(place.id, desk.rng)?;
    let transport = RsaKey::of(&keys.transport).ok_or(Refusal::Facts)?;
    let request =
        certificate_request(desk.container, place.id, &RsaKey::of(&keys.device).ok_or(Refusal::Facts)?)?;
    let attestation = challenge.map(|challenge| attest(desk, place.id, challenge)).transpose()?;
    let (_, domain) = place.facts.user.upn.split_once('@').unwrap_or_default();
    Ok(Answer::Body(join_body(&request, &transport, attestation.as_deref(), machine, domain)))
}

fn attest(
    desk: &mut Desk<'_>,
    id: CompartmentId,
    challenge: &AttestationChallenge,
) -> Result<String, Refusal> {
    let activated = desk.container.activate_credential(id, &challenge.credential()?)?;
    let device = desk.container.certify_device_key(id, &qualifying("device", &challenge.challenge))?;
    let transport =
        desk.container.certify_transport_key(id, &qualifying("transport", &challenge.challenge))?;
    Ok(attestation_data(&challenge.challenge, &activated, &device, &transport))
}

pub(super) fn finish(desk: &mut Desk<'_>, at: &CompartmentName, joined: Joined) -> Result<Answer, Refusal> {
    let mut place = desk.place(at)?;
    let certificate = joined.certificate()?;
    require_ours(desk, &place, &joined, &certificate)?;
    let attestation = joined.attestation_certificate()?;
    place.facts.device = Some(Device {
        id: joined.device_id.to_ascii_lowercase(),
        certificate: BASE64_STANDARD.encode(certificate),
        attestation_certificate: attestation.map(|der| BASE64_STANDARD.encode(der)),
        joined: desk.now.0,
    });
    place.facts.take_policy(joined.policy)?;
    desk.keep(&place)
}

/// A certificate for another key, tenant or user would make this device act for somebody else.
fn require_ours(
    desk: &mut Desk<'_>,
    place: &Place,
    joined: &Joined,
    certificate: &[u8],
) -> Result<(), Refusal> {
    let keys = desk.container.make_device_keys(place.id, desk.rng)?;
    let ours = RsaKey::of(&keys.device).and_then(|key| key.info());
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| WireError::Malformed("a device certificate"))?;
    let foreign = |what| Err(Refusal::ForeignCertificate(what));
    if ours.as_deref() != Some(certificate.public_key().raw) {
        return foreign("another key");
    }
    if !joined.tenant_id.eq_ignore_ascii_case(&place.facts.provider.tenant) {
        return foreign("another tenant");
    }
    if !joined.user().eq_ignore_ascii_case(&place.facts.user.upn) {
        return foreign("another user");
    }
    Ok(())
}

/// PKCS#10, signed by the device key in the container (proof of possession).
fn certificate_request(
    container: &mut Container,
    id: CompartmentId,
    key: &RsaKey,
) -> Result<Vec<u8>, Refusal> {
    let info =
        key.info().and_then(|info| SubjectPublicKeyInfo::from_der(&info).ok()).ok_or(Refusal::Facts)?;
    let signer = RemoteSigner { container: RefCell::new(container), id, info, refused: RefCell::new(None) };
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, SUBJECT);
    match params.serialize_request(&signer) {
        Ok(request) => Ok(request.der().to_vec()),
        Err(error) => Err(match signer.refused.take() {
            Some(refused) => refused.into(),
            None => ContainerError::from(TpmError::Unexpected(error.to_string())).into(),
        }),
    }
}

/// The device key as rcgen's signer. What the container says is kept, because rcgen's error has no room for it.
struct RemoteSigner<'a> {
    container: RefCell<&'a mut Container>,
    id: CompartmentId,
    info: SubjectPublicKeyInfo,
    refused: RefCell<Option<ContainerError>>,
}

impl PublicKeyData for RemoteSigner<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.info.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl SigningKey for RemoteSigner<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signed = self.container.borrow_mut().device_sign(self.id, &[message]);
        signed.map(|signature| signature.bytes).map_err(|error| {
            *self.refused.borrow_mut() = Some(error);
            rcgen::Error::RemoteKeyError
        })
    }
}
