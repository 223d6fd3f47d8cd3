//! A certification authority of our own, for BLOBs that nobody should accept.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use serde_json::json;

use super::*;

/// 2026-01-15.
pub(super) const NOW: UnixTime = UnixTime::from_seconds(1_768_435_200);

/// Root, intermediate and leaf; each BLOB is signed by the leaf.
pub(super) struct Mint {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
    leaf: KeyPair,
    leaf_der: Vec<u8>,
}

fn params(name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

fn authority(name: &str, serial: u64) -> CertificateParams {
    let mut params = params(name, serial);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Mint {
    pub(super) fn new() -> Self {
        Self::with(|_| {}, |_| {})
    }

    /// With changes to the certificates of the intermediate and the leaf.
    pub(super) fn with(
        of_intermediate: impl FnOnce(&mut CertificateParams),
        of_leaf: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let key = || KeyPair::generate().unwrap();
        let root = CertifiedIssuer::self_signed(authority("Test root", 1), key()).unwrap();
        let mut intermediate = authority("Test intermediate", 2);
        of_intermediate(&mut intermediate);
        let intermediate = CertifiedIssuer::signed_by(intermediate, key(), &root).unwrap();
        let mut certificate = params(chain_name(), 3);
        certificate.subject_alt_names = vec![rcgen::SanType::DnsName(chain_name().try_into().unwrap())];
        certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        of_leaf(&mut certificate);
        let leaf = key();
        let leaf_der = certificate.signed_by(&leaf, &intermediate).unwrap().der().to_vec();
        Self { root, intermediate, leaf, leaf_der }
    }

    pub(super) fn trust(&self) -> Trust {
        Trust::new(&self.root.pem()).unwrap()
    }

    pub(super) fn header(&self) -> serde_json::Value {
        let x5c = [&self.leaf_der[..], self.intermediate.der()].map(|der| STANDARD.encode(der));
        json!({"alg": "ES256", "typ": "JWT", "x5c": x5c})
    }

    pub(super) fn sign(&self, header: &serde_json::Value, payload: &str) -> String {
        let signed = format!("{}.{}", encode(header.to_string().as_bytes()), encode(payload.as_bytes()));
        let pkcs8 = self.leaf.serialize_der();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).unwrap();
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(signature.as_ref()))
    }

    pub(super) fn blob(&self, payload: &serde_json::Value) -> String {
        self.sign(&self.header(), &payload.to_string())
    }

    /// The lists of root and intermediate, with these serial numbers revoked, current until `year`.
    pub(super) fn revocation_lists(
        &self,
        by_root: &[u64],
        by_intermediate: &[u64],
        year: i32,
    ) -> Vec<Vec<u8>> {
        [(&self.root, by_root), (&self.intermediate, by_intermediate)]
            .map(|(issuer, serials)| {
                let revoked = serials.iter().map(|serial| RevokedCertParams {
                    serial_number: SerialNumber::from(*serial),
                    revocation_time: date_time_ymd(2025, 4, 1),
                    reason_code: None,
                    invalidity_date: None,
                });
                let list = CertificateRevocationListParams {
                    this_update: date_time_ymd(2025, 5, 1),
                    next_update: date_time_ymd(year, 6, 1),
                    crl_number: SerialNumber::from(1),
                    issuing_distribution_point: None,
                    revoked_certs: revoked.collect(),
                    key_identifier_method: KeyIdMethod::Sha256,
                };
                list.signed_by(issuer).unwrap().der().to_vec()
            })
            .to_vec()
    }
}

pub(super) fn chain_name() -> &'static str {
    "mds.fidoalliance.org"
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn entry(aaguid: u128, statuses: &[&str]) -> serde_json::Value {
    let aaguid = Uuid::from_u128(aaguid).to_string();
    let reports: Vec<_> =
        statuses.iter().map(|status| json!({"status": status, "effectiveDate": "2025-01-01"})).collect();
    json!({
        "aaguid": aaguid,
        "metadataStatement": {"description": "A key", "aaguid": aaguid, "attestationRootCertificates": ["AAAA"], "new": 1},
        "statusReports": reports,
        "timeOfLastStatusChange": "2025-01-01",
        "somethingNew": {},
    })
}

pub(super) fn payload(entries: &[serde_json::Value]) -> serde_json::Value {
    json!({"legalHeader": "", "no": 40, "nextUpdate": "2026-02-01", "entries": entries})
}
