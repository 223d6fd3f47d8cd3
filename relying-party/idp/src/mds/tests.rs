use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use serde_json::json;

use super::*;

mod mint;

use mint::{Mint, NOW, chain_name, encode, entry, payload};

const REAL: &str = include_str!("../../tests/data/mds3-real-no23.jwt");
const EXAMPLE: &str = include_str!("../../tests/data/mds3-example-no15.jwt");
/// 2023-01-15: the real BLOB was current.
const THEN: UnixTime = UnixTime::from_seconds(1_673_740_800);
const ON_TIME: Freshness = Freshness::Within(Duration::ZERO);

fn fido() -> Trust {
    Trust::fido_alliance()
}

fn verify(text: &str, trust: &Trust) -> Result<Blob, BlobError> {
    Blob::verify(text, trust, ON_TIME, None, NOW)
}

fn path_error(outcome: Result<Blob, BlobError>) -> webpki::Error {
    let Err(BlobError::Chain(ChainError::Path(error))) = outcome else { panic!("{outcome:?}") };
    error
}

/// For tests of what is decided on metadata.
pub(super) fn blob_of(models: &[(u128, &[&str])], unreadable: &[u128]) -> Blob {
    let readable = models.iter().map(|(aaguid, statuses)| entry(*aaguid, statuses));
    let broken = unreadable.iter().map(|aaguid| json!({"aaguid": Uuid::from_u128(*aaguid).to_string()}));
    let entries: Vec<_> = readable.chain(broken).collect();
    let mint = Mint::new();
    verify(&mint.blob(&payload(&entries)), &mint.trust()).unwrap()
}

pub(super) fn minted(numbers: &[u64]) -> (UnixTime, Vec<(String, Trust)>) {
    let mint = Mint::new();
    let blob = |number: &u64| {
        let mut payload = payload(&[]);
        payload["no"] = json!(number);
        (mint.blob(&payload), mint.trust())
    };
    (NOW, numbers.iter().map(blob).collect())
}

#[test]
fn the_real_blob_of_january_2023() {
    let blob = Blob::verify(REAL, &fido(), ON_TIME, Some(22), THEN).unwrap();
    assert_eq!((blob.number(), blob.len(), blob.skipped()), (23, 93, 0));
    assert_eq!(blob.next_update().to_text(), "2023-02-02 00:00:00Z");
    let aaguid = Uuid::try_parse("9c835346-796b-4c27-8898-d6032f515cc5").unwrap();
    let key = blob.authenticator(aaguid).unwrap();
    assert_eq!(key.description(), "Cryptnox FIDO2");
    assert_eq!((key.attestation_roots().len(), key.refused_status()), (1, None));
    assert!(blob.authenticator(Uuid::nil()).is_none());
    assert!(!blob.is_empty() && blob.authenticators().count() == 93);
}

#[test]
fn the_real_blob_at_other_times() {
    // Its signer's certificate ran from 2022-05-17 to 2023-06-13.
    let year = Duration::from_hours(365 * 24);
    let late = path_error(Blob::verify(REAL, &fido(), Freshness::AnyAge, None, THEN.plus(year)));
    assert!(matches!(late, webpki::Error::CertExpired { .. }), "{late}");
    let early = path_error(Blob::verify(REAL, &fido(), Freshness::AnyAge, None, THEN.minus(year)));
    assert!(matches!(early, webpki::Error::CertNotValidYet { .. }), "{early}");
    // Its nextUpdate is 2023-02-01, to the end of that day.
    let march = UnixTime::from_seconds(1_677_628_800);
    let month = Freshness::Within(Duration::from_hours(31 * 24));
    assert!(matches!(Blob::verify(REAL, &fido(), ON_TIME, None, march), Err(BlobError::Overdue(_))));
    assert!(Blob::verify(REAL, &fido(), month, None, march).is_ok());
    assert!(Blob::verify(REAL, &fido(), Freshness::AnyAge, None, march).is_ok());
    let last_second = UnixTime::from_seconds(1_675_296_000);
    assert!(Blob::verify(REAL, &fido(), ON_TIME, None, last_second).is_ok());
    let next = last_second.plus(Duration::from_secs(1));
    assert!(matches!(Blob::verify(REAL, &fido(), ON_TIME, None, next), Err(BlobError::Overdue(_))));
}

/// The example of the FIDO specification in the copy that is in `tests/data`. Its signature is right under the
/// certificate that it carries; what the specification printed was the same signature as DER.
#[test]
fn the_example_of_the_specification() {
    let unknown = path_error(Blob::verify(EXAMPLE, &fido(), Freshness::AnyAge, None, THEN));
    assert!(matches!(unknown, webpki::Error::UnknownIssuer), "{unknown}");

    let jws = jws::Jws::parse(EXAMPLE.trim()).unwrap();
    let intermediate = STANDARD.encode(&jws.certificates[1]);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{intermediate}\n-----END CERTIFICATE-----\n");
    let named = Trust::new(&pem).unwrap().with_signer("EXAMPLE MDS3 SIGNING CERTIFICATE");
    let blob = Blob::verify(EXAMPLE, &named, Freshness::AnyAge, None, THEN).unwrap();
    assert_eq!((blob.number(), blob.len()), (15, 1));

    let unnamed = Blob::verify(EXAMPLE, &Trust::new(&pem).unwrap(), Freshness::AnyAge, None, THEN);
    assert!(matches!(unnamed, Err(BlobError::Chain(ChainError::Name(_)))), "{unnamed:?}");

    let (signed, _) = EXAMPLE.trim().rsplit_once('.').unwrap();
    let as_der = format!("{signed}.{}", encode(&der(&jws.signature)));
    let refused = Blob::verify(&as_der, &named, Freshness::AnyAge, None, THEN);
    assert!(matches!(refused, Err(BlobError::Signature)), "{refused:?}");
}

/// `Ecdsa-Sig-Value` (RFC 3279 §2.2.3) of r and s side by side.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let zero = if bytes[0] & 0x80 == 0 { &[][..] } else { &[0] };
        let length = u8::try_from(zero.len() + bytes.len()).unwrap();
        [&[2, length], zero, bytes].concat()
    };
    let body = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}

#[test]
fn a_minted_blob_verifies_and_a_changed_one_does_not() {
    let mint = Mint::new();
    let text = mint.blob(&payload(&[entry(1, &["FIDO_CERTIFIED_L1"])]));
    assert_eq!(verify(&text, &mint.trust()).unwrap().len(), 1);
    assert!(verify(&format!("{text}\n"), &mint.trust()).is_ok());

    let parts: Vec<&str> = text.split('.').collect();
    let tampered = encode(payload(&[]).to_string().as_bytes());
    let header = encode(json!({"alg": "ES256", "x5c": mint.header()["x5c"]}).to_string().as_bytes());
    for (part, with) in [(1, tampered), (0, header), (2, encode(&[0; 64])), (2, String::new())] {
        let mut changed = parts.clone();
        changed[part] = &with;
        let outcome = verify(&changed.join("."), &mint.trust());
        assert!(matches!(outcome, Err(BlobError::Signature)), "{part}: {outcome:?}");
    }
}

#[test]
fn a_chain_to_another_root_is_refused() {
    let (mint, other) = (Mint::new(), Mint::new());
    let text = mint.blob(&payload(&[]));
    for trust in [other.trust(), fido()] {
        let error = path_error(verify(&text, &trust));
        assert!(
            matches!(error, webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey),
            "{error}"
        );
    }
    // A right chain, but the leaf of another one signed.
    let forged = other.sign(&mint.header(), &payload(&[]).to_string());
    assert!(matches!(verify(&forged, &mint.trust()), Err(BlobError::Signature)));
    // Without the intermediate.
    let mut header = mint.header();
    header["x5c"].as_array_mut().unwrap().truncate(1);
    let error = path_error(verify(&mint.sign(&header, &payload(&[]).to_string()), &mint.trust()));
    assert!(matches!(error, webpki::Error::UnknownIssuer), "{error}");
}

#[test]
fn certificates_must_be_valid_and_for_the_signer() {
    let blob = |mint: &Mint| verify(&mint.blob(&payload(&[])), &mint.trust());
    let expired = Mint::with(|_| {}, |leaf| leaf.not_after = date_time_ymd(2026, 1, 1));
    assert!(matches!(path_error(blob(&expired)), webpki::Error::CertExpired { .. }));
    let expired = Mint::with(|intermediate| intermediate.not_after = date_time_ymd(2026, 1, 1), |_| {});
    assert!(matches!(path_error(blob(&expired)), webpki::Error::CertExpired { .. }));
    let no_ca = Mint::with(|intermediate| intermediate.is_ca = rcgen::IsCa::ExplicitNoCa, |_| {});
    assert!(matches!(path_error(blob(&no_ca)), webpki::Error::EndEntityUsedAsCa));
    let for_code =
        Mint::with(|_| {}, |leaf| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning]);
    assert!(matches!(path_error(blob(&for_code)), webpki::Error::RequiredEkuNotFoundContext(_)));

    // The alternative name decides; the common name does where there is none.
    let other = |name: &str| vec![rcgen::SanType::DnsName(name.try_into().unwrap())];
    let elsewhere = Mint::with(|_| {}, |leaf| leaf.subject_alt_names = other("mds.example.org"));
    assert!(matches!(blob(&elsewhere), Err(BlobError::Chain(ChainError::Name(_)))));
    let common = Mint::with(|_| {}, |leaf| leaf.subject_alt_names.clear());
    assert!(blob(&common).is_ok());
    let neither = Mint::with(
        |_| {},
        |leaf| {
            leaf.subject_alt_names.clear();
            leaf.distinguished_name.push(rcgen::DnType::CommonName, "mds.example.org");
        },
    );
    assert!(matches!(blob(&neither), Err(BlobError::Chain(ChainError::Name(_)))));
    assert_eq!(chain_name(), "mds.fidoalliance.org");
}

#[test]
fn revoked_certificates_are_refused_when_lists_are_given() {
    let mint = Mint::new();
    let text = mint.blob(&payload(&[]));
    let with = |lists: &[Vec<u8>]| verify(&text, &mint.trust().with_revocation_lists(lists).unwrap());
    assert!(with(&mint.revocation_lists(&[9], &[9], 2026)).is_ok());
    for lists in [mint.revocation_lists(&[2], &[], 2026), mint.revocation_lists(&[], &[3], 2026)] {
        assert!(matches!(path_error(with(&lists)), webpki::Error::CertRevoked));
    }
    // Lists that are old, of somebody else, or not there.
    assert!(matches!(
        path_error(with(&mint.revocation_lists(&[], &[], 2025))),
        webpki::Error::CrlExpired { .. }
    ));
    let lists = mint.revocation_lists(&[], &[], 2026);
    assert!(matches!(path_error(with(&lists[..1])), webpki::Error::UnknownRevocationStatus));
    assert!(matches!(path_error(with(&[])), webpki::Error::UnknownRevocationStatus));
    assert!(matches!(mint.trust().with_revocation_lists(&[vec![0]]), Err(TrustError::RevocationList)));
}

#[test]
fn numbers_only_rise() {
    let mint = Mint::new();
    let text = mint.blob(&payload(&[]));
    for (held, accepted) in [(None, true), (Some(39), true), (Some(40), true), (Some(41), false)] {
        let outcome = Blob::verify(&text, &mint.trust(), ON_TIME, held, NOW);
        assert_eq!(outcome.is_ok(), accepted, "{held:?}");
        assert!(accepted || matches!(outcome, Err(BlobError::Rollback { number: 40, held: 41 })));
    }
}

#[test]
fn only_two_algorithms_and_a_plain_header() {
    let mint = Mint::new();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut header = mint.header();
        change(&mut header);
        verify(&mint.sign(&header, &payload(&[]).to_string()), &mint.trust())
    };
    assert!(with(&|header| header["kid"] = json!("1")).is_ok());
    for algorithm in ["none", "None", "HS256", "ES384", "PS256", "es256", ""] {
        let outcome = with(&|header| header["alg"] = json!(algorithm));
        assert!(matches!(outcome, Err(BlobError::Algorithm)), "{algorithm}");
    }
    // The algorithm of another kind of key.
    assert!(matches!(with(&|header| header["alg"] = json!("RS256")), Err(BlobError::Signature)));
    let changes: [(&str, serde_json::Value); 8] = [
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("typ", json!("JWE")),
        ("x5c", json!([])),
        ("x5c", json!(["%"])),
        ("x5c", json!(vec!["AAAA"; 7])),
        ("x5c", json!("AAAA")),
        ("alg", json!(null)),
    ];
    for (member, value) in changes {
        let outcome = with(&|header| header[member] = value.clone());
        assert!(matches!(outcome, Err(BlobError::Form(_))), "{member} {value}: {outcome:?}");
    }
    let outcome = with(&|header| {
        let x5u = json!("https://example.org/chain.pem");
        *header = json!({"alg": "ES256", "x5u": x5u});
    });
    assert!(matches!(outcome, Err(BlobError::Form(_))), "{outcome:?}");
    assert!(matches!(
        with(&|header| header["x5c"] = json!(["AAAA"])),
        Err(BlobError::Chain(ChainError::Unreadable))
    ));
}

#[test]
fn what_is_no_blob_is_refused() {
    let mint = Mint::new();
    for text in [
        "",
        ".",
        "..",
        "a.b",
        "e30.e30.e30",
        "e30.e30.e30.e30",
        "====.e30.AA",
        REAL.split('.').next().unwrap(),
    ] {
        assert!(matches!(verify(text, &mint.trust()), Err(BlobError::Form(_))), "{text:.20}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for payload in ["", "[]", "{}", r#"{"no":-1,"nextUpdate":"2026-02-01","entries":[]}"#, &deep] {
        let outcome = verify(&mint.sign(&mint.header(), payload), &mint.trust());
        assert!(matches!(outcome, Err(BlobError::Payload)), "{payload:.40}: {outcome:?}");
    }
    assert!(matches!(Trust::new(""), Err(TrustError::Root)));
    assert!(matches!(
        Trust::new("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
        Err(TrustError::Root)
    ));
}

#[test]
fn a_bad_entry_loses_only_itself() {
    let mint = Mint::new();
    let mut no_status = entry(3, &[]);
    no_status["statusReports"] = json!([{"effectiveDate": "2025-01-01"}]);
    let mut other_inside = entry(4, &[]);
    other_inside["metadataStatement"]["aaguid"] = json!(Uuid::from_u128(5).to_string());
    let entries = [
        entry(1, &["FIDO_CERTIFIED"]),
        json!("nonsense"),
        json!({"aaguid": "nonsense"}),
        json!({"aaid": "1234#5678", "metadataStatement": {}}),
        no_status,
        other_inside,
        entry(2, &["SOMETHING_NEW"]),
    ];
    let blob = verify(&mint.blob(&payload(&entries)), &mint.trust()).unwrap();
    assert_eq!(blob.skipped(), 4);
    let known = |aaguid| blob.authenticator(Uuid::from_u128(aaguid));
    for aaguid in [1, 2] {
        assert!(
            known(aaguid).is_some_and(|key| key.is_readable() && key.refused_status().is_none()),
            "{aaguid}"
        );
    }
    assert_eq!(known(2).unwrap().statuses()[0].status.as_str(), "SOMETHING_NEW");
    // Known, but nothing is known about it.
    for aaguid in [3, 4] {
        assert!(known(aaguid).is_some_and(|key| !key.is_readable()), "{aaguid}");
    }
    assert!(known(5).is_none());
}

#[test]
fn statuses_that_refuse() {
    let mint = Mint::new();
    let bad = [
        "REVOKED",
        "USER_VERIFICATION_BYPASS",
        "ATTESTATION_KEY_COMPROMISE",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_KEY_PHYSICAL_COMPROMISE",
    ];
    for status in bad {
        let entries =
            [entry(1, &["FIDO_CERTIFIED", status, "UPDATE_AVAILABLE"]), entry(2, &["UPDATE_AVAILABLE"])];
        let blob = verify(&mint.blob(&payload(&entries)), &mint.trust()).unwrap();
        let refused = |aaguid| {
            blob.authenticator(Uuid::from_u128(aaguid)).unwrap().refused_status().map(Status::as_str)
        };
        assert_eq!((refused(1), refused(2)), (Some(status), None));
    }
    // A second entry cannot take it back.
    for entries in [[entry(1, &["REVOKED"]), entry(1, &[])], [entry(1, &[]), entry(1, &["REVOKED"])]] {
        let blob = verify(&mint.blob(&payload(&entries)), &mint.trust()).unwrap();
        assert!(blob.authenticator(Uuid::from_u128(1)).unwrap().refused_status().is_some());
    }
}
