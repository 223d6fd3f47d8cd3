use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_container::UnixTime;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use super::Chain;
use crate::wire::WireError;

/// 2026-06-01.
const NOW: UnixTime = UnixTime(1_780_272_000);

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

fn authority(is_ca: bool) -> Authority {
    let key = KeyPair::generate().expect("a key");
    let mut params = params("anchor");
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let der = params.self_signed(&key).expect("a certificate").der().to_vec();
    Authority { issuer: Issuer::new(params, key), der }
}

fn leaf(authority: &Authority) -> (KeyPair, Vec<u8>) {
    let key = KeyPair::generate().expect("a key");
    let der = params("service").signed_by(&key, &authority.issuer).expect("a certificate").der().to_vec();
    (key, der)
}

fn verify(chain: &[&[u8]], anchor: &[u8], now: UnixTime) -> Result<[u8; 65], WireError> {
    let x5c: Vec<String> = chain.iter().map(|der| BASE64_STANDARD.encode(der)).collect();
    Chain::read(&x5c)?.verify(anchor, now)
}

fn is_unverified(chain: &[&[u8]], anchor: &[u8], now: UnixTime) -> bool {
    matches!(verify(chain, anchor, now), Err(WireError::Unverified(_)))
}

#[test]
fn a_chain_to_the_pinned_anchor_gives_its_key() {
    let ours = authority(true);
    let (key, certificate) = leaf(&ours);
    for chain in [vec![&certificate[..]], vec![&certificate[..], &ours.der[..]]] {
        let point = verify(&chain, &ours.der, NOW).expect("the chain is good");
        assert_eq!(point, key.public_key_raw());
    }
}

#[test]
fn a_chain_to_another_authority_is_refused() {
    let (ours, theirs) = (authority(true), authority(true));
    let (_, certificate) = leaf(&theirs);
    for chain in [vec![&certificate[..]], vec![&certificate[..], &theirs.der[..]], vec![&ours.der[..]]] {
        assert!(is_unverified(&chain, &ours.der, NOW), "the same name is not the same key");
    }
}

#[test]
fn an_expired_chain_and_one_through_no_authority_are_refused() {
    let ours = authority(true);
    let (_, certificate) = leaf(&ours);
    assert!(is_unverified(&[&certificate], &ours.der, UnixTime(1_900_000_000)));
    assert!(is_unverified(&[&certificate], &ours.der, UnixTime(1_700_000_000)));
    let none = authority(false);
    let (_, certificate) = leaf(&none);
    assert!(is_unverified(&[&certificate], &none.der, NOW));
}

#[test]
fn what_is_no_chain_is_malformed() {
    let ours = authority(true);
    assert!(matches!(verify(&[], &ours.der, NOW), Err(WireError::Malformed(_))));
    assert!(matches!(verify(&[&[1, 2, 3]], &ours.der, NOW), Err(WireError::Malformed(_))));
}
