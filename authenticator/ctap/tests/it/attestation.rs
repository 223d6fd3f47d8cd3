//! Which attestation statement who gets (CTAP 2.3 §6.1.2 steps 9 and 17, §7.1; WebAuthn L3 §8), on an emulated TPM.

use ciborium::Value;
use latchkey_container::CompartmentId;
use latchkey_ctap::{Organisation, Policy};
use latchkey_protocol::attestation::AttestationStatement;
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::make_credential::{Request as Registration, Response};
use latchkey_protocol::{Algorithm, CredentialParameter, Request, Status, get_info};
use latchkey_tests::swtpm::Swtpm;
use latchkey_tpm::{DeviceOptions, DeviceTpm};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::config::{enable_enterprise_attestation, info};
use crate::device::{Device, rng, status};
use crate::platform::{self, HASH, RP, attested, prove_registration, registration};

/// What stands for the certificate: the engine passes it on, and relying parties read it.
const CERTIFICATE: &[u8] = b"a certificate of the attestation key";

/// A device of an organisation that lists [`RP`].
pub struct Joined {
    pub device: Device,
    compartment: CompartmentId,
    policy: Policy,
    pub attestation_key: VerifyingKey,
    _swtpm: Swtpm,
    _folder: TempDir,
}

impl Joined {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let swtpm = Swtpm::start(&folder.path().join("tpm"));
        let tpm = DeviceTpm::open(&DeviceOptions::new(swtpm.tcti())).unwrap();
        let mut device = Device::with_pin_on(Box::new(tpm));
        let compartment = device.container().add_compartment(b"facts", &mut rng()).unwrap();
        let keys = device.container().make_device_keys(compartment, &mut rng()).unwrap();
        let attestation_key = verifying_key(&keys.attestation_key.unwrap());
        let mut joined = Self {
            device,
            compartment,
            policy: Policy::default(),
            attestation_key,
            _swtpm: swtpm,
            _folder: folder,
        };
        joined.follow(&[RP]);
        joined
    }

    fn follow(&mut self, relying_parties: &[&str]) {
        self.follow_certified(relying_parties, CERTIFICATE);
    }

    pub fn follow_certified(&mut self, relying_parties: &[&str], certificate: &[u8]) {
        let organisation = Organisation {
            compartment: self.compartment,
            certificates: vec![certificate.to_vec()],
            relying_parties: relying_parties.iter().map(|&one| one.to_owned()).collect(),
        };
        self.decide(|policy| policy.organisations = vec![organisation]);
    }

    /// Changes what is decided.
    pub fn decide(&mut self, change: impl FnOnce(&mut Policy)) {
        change(&mut self.policy);
        self.device.engine().follow(self.policy.clone());
    }

    pub fn register(&mut self, change: impl FnOnce(&mut Registration)) -> Result<Response, Status> {
        let mut request = registration();
        change(&mut request);
        let token =
            platform::token(&mut self.device, Permissions::MAKE_CREDENTIAL, Some(&request.rp.id.clone()));
        prove_registration(&mut request, &token);
        let response = self.device.send(&Request::MakeCredential(request));
        match status(&response) {
            Status::OK => Ok(Response::parse(&response).unwrap()),
            refused => Err(refused),
        }
    }
}

/// The key in a `TPMT_PUBLIC` of ECC P-256 for ECDSA with SHA-256: after 24 bytes of type, attributes and parameters.
fn verifying_key(public_area: &[u8]) -> VerifyingKey {
    let (x, y) = (&public_area[public_area.len() - 66..][..32], &public_area[public_area.len() - 32..]);
    VerifyingKey::from_sec1_bytes(&[&[4], x, y].concat()).unwrap()
}

fn prefer(formats: &[&str]) -> impl FnOnce(&mut Registration) {
    let formats = formats.iter().map(|&format| format.to_owned()).collect();
    |request| request.attestation_formats_preference = formats
}

fn format(response: &Response) -> &str {
    response.att_stmt.format()
}

pub fn member<'a>(statement: &'a AttestationStatement, name: &str) -> &'a Value {
    let AttestationStatement::Other(_, Value::Map(members)) = statement else { panic!("{statement:?}") };
    &members.iter().find(|(found, _)| found.as_text() == Some(name)).unwrap().1
}

/// WebAuthn L3 §8.3, as a relying party verifies it; what is in the certificate aside.
fn verify_tpm(response: &Response, attestation_key: &VerifyingKey) {
    let statement = &response.att_stmt;
    let bytes = |name| member(statement, name).as_bytes().unwrap();
    assert_eq!(member(statement, "ver"), &Value::from("2.0"));
    assert_eq!(member(statement, "alg"), &Value::from(Algorithm::ES256.0));
    assert_eq!(member(statement, "x5c"), &Value::Array(vec![Value::Bytes(CERTIFICATE.to_vec())]));
    let cert_info = bytes("certInfo");
    attestation_key.verify(cert_info, &Signature::from_der(bytes("sig")).unwrap()).unwrap();
    assert_eq!(cert_info[..6], [0xFF, b'T', b'C', b'G', 0x80, 0x17], "TPM_GENERATED, TPM_ST_ATTEST_CERTIFY");
    let skipped = usize::from(u16::from_be_bytes([cert_info[6], cert_info[7]]));
    let extra_data = &cert_info[8 + skipped + 2..][..32];
    let signed = Sha256::new().chain_update(&response.auth_data).chain_update(HASH).finalize();
    assert_eq!(extra_data, &signed[..]);
    // After clock and firmware version: the Name, with its length.
    let name = &cert_info[8 + skipped + 2 + 32 + 17 + 8 + 2..][..34];
    assert_eq!(name, [&[0x00, 0x0B][..], &Sha256::digest(bytes("pubArea"))].concat());
}

#[test]
fn each_algorithm_of_the_tpm_is_certified_by_the_attestation_key_and_a_sealed_one_never() {
    let mut joined = Joined::start();
    let info = get_info::Response::parse(&joined.device.send(&Request::GetInfo)).unwrap();
    assert_eq!(info.attestation_formats, ["packed", "tpm"], "\"none\" is never listed (§6.4)");
    for parameter in info.algorithms {
        let algorithm = parameter.alg;
        let response = joined.register(|request| {
            request.pub_key_cred_params = vec![CredentialParameter::public_key(algorithm)];
            prefer(&["tpm"])(request);
        });
        let response = response.unwrap();
        assert_eq!(attested(&response).public_key.algorithm(), Some(algorithm));
        if algorithm == Algorithm::EDDSA {
            assert_eq!(format(&response), "packed", "it has never been in a TPM");
        } else {
            verify_tpm(&response, &joined.attestation_key);
        }
        assert_eq!(response.enterprise_attestation, None);
    }
}

#[test]
fn the_preference_counts_only_for_relying_parties_on_a_list() {
    let mut joined = Joined::start();
    for (listed, preference, expected) in [
        (&[RP][..], &["tpm"][..], "tpm"),
        (&[RP], &["tpm", "packed"], "tpm"),
        (&[RP], &["packed", "tpm"], "packed"),
        (&[RP], &["apple", "tpm"], "tpm"),
        (&[RP], &["none", "tpm"], "none"),
        (&[RP], &[], "packed"),
        (&["other.example"], &["tpm"], "packed"),
        (&["other.example"], &["tpm", "none"], "none"),
        // A list is no pattern.
        (&["example"], &["tpm"], "packed"),
        (&["*.example"], &["tpm"], "packed"),
        (&["login.site.example"], &["tpm"], "packed"),
        (&[], &["tpm"], "packed"),
    ] {
        joined.follow(listed);
        let response = joined.register(prefer(preference)).unwrap();
        assert_eq!(format(&response), expected, "{listed:?} {preference:?}");
    }
}

#[test]
fn enterprise_attestation_is_for_those_who_may_have_it() {
    let mut joined = Joined::start();
    let ask = |wanted: u64| move |request: &mut Registration| request.enterprise_attestation = Some(wanted);
    // Step 9: the device can, and it is not switched on.
    for wanted in 0..=3 {
        assert_eq!(joined.register(ask(wanted)).unwrap_err(), Status::INVALID_PARAMETER);
    }
    let switch = |joined: &mut Joined| info(&mut joined.device).options.get("ep").copied();
    assert_eq!(switch(&mut joined), Some(false));
    assert_eq!(enable_enterprise_attestation(&mut joined.device), Status::OK, "§6.11.1");
    assert_eq!(switch(&mut joined), Some(true));
    for (wanted, listed, refused, named) in [
        (1, &[RP][..], None, true),
        (1, &["other.example"], None, false),
        (1, &[], None, false),
        (2, &[RP], None, true),
        (2, &["other.example"], None, true),
        (0, &[RP], Some(Status::INVALID_OPTION), false),
        (3, &[RP], Some(Status::INVALID_OPTION), false),
    ] {
        joined.follow(listed);
        let response = match joined.register(ask(wanted)) {
            Ok(response) => response,
            Err(status) => {
                assert_eq!(Some(status), refused, "{wanted} {listed:?}");
                continue;
            }
        };
        assert_eq!(refused, None, "{wanted} {listed:?}");
        assert_eq!(response.enterprise_attestation, named.then_some(true), "{wanted} {listed:?}");
        if named {
            verify_tpm(&response, &joined.attestation_key);
        } else {
            assert_eq!(format(&response), "packed", "{wanted} {listed:?}");
        }
    }
    // A key that no TPM has gets what it would have got without asking.
    let sealed = joined.register(|request| {
        request.pub_key_cred_params = vec![CredentialParameter::public_key(Algorithm::EDDSA)];
        ask(2)(request);
    });
    let sealed = sealed.unwrap();
    assert_eq!((format(&sealed), sealed.enterprise_attestation), ("packed", None));
    // Nobody vouches for the device any more.
    joined.device.engine().follow(Policy::default());
    assert_eq!(joined.register(ask(2)).unwrap_err(), Status::INVALID_PARAMETER);
    assert_eq!(enable_enterprise_attestation(&mut joined.device), Status::INVALID_PARAMETER);
    assert_eq!(switch(&mut joined), None);
}

#[test]
fn without_a_tpm_nobody_is_vouched_for() {
    let mut device = Device::with_pin();
    let compartment = device.container().add_compartment(b"facts", &mut rng()).unwrap();
    device.container().make_device_keys(compartment, &mut rng()).unwrap();
    let certificates = vec![CERTIFICATE.to_vec()];
    let organisation = Organisation { compartment, certificates, relying_parties: vec![RP.to_owned()] };
    device.engine().follow(Policy { organisations: vec![organisation], ..Policy::default() });
    let info = get_info::Response::parse(&device.send(&Request::GetInfo)).unwrap();
    assert_eq!(info.attestation_formats, ["packed"]);
    let mut request = registration();
    prefer(&["tpm"])(&mut request);
    assert_eq!(format(&platform::register(&mut device, request)), "packed");
}
