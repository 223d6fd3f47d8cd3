//! What an identity provider computes: structures of TPM 2.0 Part 2 taken apart, and `MakeCredential` (Part 1 §24)
//! without a TPM.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::RsaPublicKeyComponents;
use hmac::{Hmac, KeyInit, Mac};
use latchkey_container::tpm::CredentialChallenge;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

const ALG_RSA: u16 = 0x0001;
const ALG_NULL: u16 = 0x0010;
const ALG_ECDSA: u16 = 0x0018;
const ALG_SHA256: u16 = 0x000B;
const ALG_AES: u16 = 0x0006;
const ECC_NIST_P256: u16 = 0x0003;
/// `TPM_GENERATED_VALUE`: what the TPM writes in front of what it signs with a restricted key.
const MAGIC: u32 = 0xFF54_4347;
/// `TPM_ST_ATTEST_CERTIFY`.
const ST_CERTIFY: u16 = 0x8017;

/// Reads big-endian fields from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes(2).try_into().expect("two bytes"))
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.bytes(4).try_into().expect("four bytes"))
    }

    fn sized(&mut self) -> &'a [u8] {
        let size = self.u16();
        self.bytes(usize::from(size))
    }

    fn end(&self) {
        assert!(self.0.is_empty(), "{} bytes too many", self.0.len());
    }
}

/// A `TPMT_PUBLIC` of an RSA or ECC key.
pub struct PublicArea {
    pub attributes: u32,
    pub policy: Vec<u8>,
    rsa: bool,
    unique: [Vec<u8>; 2],
}

impl PublicArea {
    pub fn parse(area: &[u8]) -> Self {
        let mut reader = Reader(area);
        let rsa = reader.u16() == ALG_RSA;
        assert_eq!(reader.u16(), ALG_SHA256, "the Name's hash");
        let attributes = reader.u32();
        let policy = reader.sized().to_vec();
        let symmetric = reader.u16();
        assert!([ALG_NULL, ALG_AES].contains(&symmetric));
        if symmetric == ALG_AES {
            reader.bytes(4); // key bits, mode
        }
        if reader.u16() != ALG_NULL {
            reader.bytes(2); // the scheme's hash
        }
        let unique = if rsa {
            assert_eq!((reader.u16(), reader.u32()), (2048, 0), "bits, default exponent");
            [reader.sized().to_vec(), Vec::new()]
        } else {
            assert_eq!((reader.u16(), reader.u16()), (ECC_NIST_P256, ALG_NULL), "curve, KDF");
            [reader.sized().to_vec(), reader.sized().to_vec()]
        };
        reader.end();
        Self { attributes, policy, rsa, unique }
    }

    pub fn rsa_modulus(&self) -> &[u8] {
        assert!(self.rsa);
        &self.unique[0]
    }

    pub fn p256(&self) -> VerifyingKey {
        assert!(!self.rsa);
        let [x, y] =
            self.unique.clone().map(|coordinate| <[u8; 32]>::try_from(coordinate).expect("32 bytes"));
        let point = p256::Sec1Point::from_affine_coordinates(&x.into(), &y.into(), false);
        VerifyingKey::from_sec1_point(&point).expect("on the curve")
    }
}

/// The Name of a public area (TPM 2.0 Part 1 §16).
pub fn name(public_area: &[u8]) -> Vec<u8> {
    [&ALG_SHA256.to_be_bytes()[..], &Sha256::digest(public_area)].concat()
}

/// The `extraData` of a `TPMS_ATTEST`.
pub fn attested_qualifying(attest: &[u8]) -> Vec<u8> {
    certify_info(attest).0
}

/// The Name of the key that a `TPMS_ATTEST` is about.
pub fn attested_name(attest: &[u8]) -> Vec<u8> {
    certify_info(attest).1
}

fn certify_info(attest: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut reader = Reader(attest);
    assert_eq!(reader.u32(), MAGIC, "written by the TPM itself");
    assert_eq!(reader.u16(), ST_CERTIFY);
    reader.sized(); // the signer's qualified Name
    let extra = reader.sized().to_vec();
    reader.bytes(17 + 8); // clock and firmware
    let name = reader.sized().to_vec();
    reader.sized(); // the qualified Name
    reader.end();
    (extra, name)
}

/// A `TPMT_SIGNATURE` of ECDSA with SHA-256.
pub fn ecdsa_signature(signature: &[u8]) -> Signature {
    let mut reader = Reader(signature);
    assert_eq!((reader.u16(), reader.u16()), (ALG_ECDSA, ALG_SHA256));
    let [r, s] = [reader.sized(), reader.sized()].map(padded);
    reader.end();
    Signature::from_scalars(r, s).expect("two scalars")
}

fn padded(number: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out[32 - number.len()..].copy_from_slice(number);
    out
}

/// TPM 2.0 Part 1 §24: `credential` for the TPM with this RSA endorsement key, if it also holds the object `name`.
pub fn make_credential(endorsement: &[u8], name: &[u8], credential: &[u8]) -> CredentialChallenge {
    let seed = [0x5E; 32];
    let modulus = PublicArea::parse(endorsement).rsa_modulus().to_vec();
    let key: PublicEncryptingKey =
        RsaPublicKeyComponents { n: modulus, e: vec![1, 0, 1] }.try_into().expect("an RSA key");
    let key = OaepPublicEncryptingKey::new(key).expect("an RSA key");
    let mut secret = vec![0; key.ciphertext_size()];
    key.encrypt(&OAEP_SHA256_MGF1SHA256, &seed, &mut secret, Some(b"IDENTITY\0")).expect("encrypted");

    let mut identity = sized(credential);
    let cipher = UnboundCipherKey::new(&AES_128, &kdfa(&seed, "STORAGE", name, 128)).expect("16 bytes");
    EncryptingKey::cfb128(cipher)
        .and_then(|cipher| {
            cipher.less_safe_encrypt(&mut identity, EncryptionContext::Iv128(FixedLength::from([0; 16])))
        })
        .expect("encrypted");
    let integrity = hmac(&kdfa(&seed, "INTEGRITY", &[], 256), &[&identity, name]);
    let blob = [sized(&integrity), identity].concat();
    CredentialChallenge { credential_blob: sized(&blob), secret: sized(&secret) }
}

/// `KDFa` with SHA-256 (TPM 2.0 Part 1 §11.4.10.2) for at most 256 bits.
fn kdfa(key: &[u8], label: &str, context: &[u8], bits: u32) -> Vec<u8> {
    let parts: [&[u8]; 5] = [&1_u32.to_be_bytes(), label.as_bytes(), &[0], context, &bits.to_be_bytes()];
    let mut derived = hmac(key, &parts);
    derived.truncate(usize::try_from(bits / 8).expect("few"));
    derived
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

fn sized(content: &[u8]) -> Vec<u8> {
    let size = u16::try_from(content.len()).expect("short");
    [&size.to_be_bytes()[..], content].concat()
}
