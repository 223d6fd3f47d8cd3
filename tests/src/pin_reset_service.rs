//! A PIN reset service in miniature: both protocols, every answer as its test wants it, honest or not.
//!
//! It is written from the wire format alone and shares no code with the device or the identity provider.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{NonZeroScalar, ProjectivePoint, PublicKey, Scalar};
use rand_core::CryptoRng;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// An uncompressed point on P-256.
pub type Point = [u8; 65];

type PrivateKey = <DhP256HkdfSha256 as Kem>::PrivateKey;

/// The service's keys.
pub struct PinResetService {
    /// Decrypts secrets, and its public half.
    encryption: (PrivateKey, Point),
    /// Multiply blinded points; they serve one device.
    recover: NonZeroScalar,
    administer: NonZeroScalar,
}

/// What the device sends.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The envelope.
    pub protected_secret: &'a str,
    /// `recover` or `administer`.
    pub purpose: &'a str,
    /// With blind-p256.
    pub blinded: Option<&'a Point>,
}

impl PinResetService {
    /// New keys.
    pub fn new(mut rng: &mut dyn CryptoRng) -> Self {
        let (private, public) = DhP256HkdfSha256::gen_keypair_with_rng(&mut rng);
        Self {
            encryption: (private, public.to_bytes().into()),
            recover: NonZeroScalar::generate_from_rng(rng),
            administer: NonZeroScalar::generate_from_rng(rng),
        }
    }

    /// One whose key of hpke-p256 is known.
    #[must_use]
    pub fn of_private_key(scalar: &[u8]) -> Self {
        let private = PrivateKey::from_bytes(scalar).expect("a private key on P-256");
        let public = DhP256HkdfSha256::sk_to_pk(&private).to_bytes().into();
        Self { encryption: (private, public), ..Self::new(&mut UnwrapErr(SysRng)) }
    }

    /// The key of hpke-p256.
    #[must_use]
    pub const fn key(&self) -> Point {
        self.encryption.1
    }

    /// The points of blind-p256 that recover and administer.
    #[must_use]
    pub fn points(&self) -> (Point, Point) {
        let point = |scalar: &NonZeroScalar| encode(&(ProjectivePoint::GENERATOR * **scalar));
        (point(&self.recover), point(&self.administer))
    }

    /// What an honest service puts into its answer: the secret, or the multiplied point and its proof.
    #[must_use]
    pub fn plaintext(&self, asked: Asked<'_>, rng: &mut dyn CryptoRng) -> Vec<u8> {
        match asked.blinded {
            None => self.secret(asked.protected_secret, asked.purpose),
            Some(blinded) => evaluate(self.scalar(asked.purpose), blinded, rng),
        }
    }

    /// The answer around a plaintext: for one ephemeral key, to one request.
    pub fn seal(
        plaintext: &[u8],
        response_key: &Point,
        request_hash: &[u8; 32],
        mut rng: &mut dyn CryptoRng,
    ) -> Vec<u8> {
        let to = <DhP256HkdfSha256 as Kem>::PublicKey::from_bytes(response_key).expect("a point");
        let (encapsulated, ciphertext) =
            hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
                &OpModeS::Base,
                &to,
                b"latchkey pin reset answer 1",
                plaintext,
                request_hash,
                &mut rng,
            )
            .expect("sealed");
        [encapsulated.to_bytes().as_slice(), &ciphertext].concat()
    }

    /// The secret of a purpose in an envelope of hpke-p256.
    #[must_use]
    pub fn secret(&self, protected_secret: &str, purpose: &str) -> Vec<u8> {
        let envelope = open(protected_secret);
        let sealed = URL_SAFE_NO_PAD.decode(text(&envelope[purpose])).expect("base64url");
        let (encapsulated, ciphertext) = sealed.split_at(65);
        let encapsulated = <DhP256HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).expect("a point");
        hpke::single_shot_open::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
            &OpModeR::Base,
            &self.encryption.0,
            &encapsulated,
            b"latchkey pin reset 1",
            ciphertext,
            binding(&envelope, purpose).as_bytes(),
        )
        .expect("the device encrypted it to this key, bound to what the envelope says")
    }

    const fn scalar(&self, purpose: &str) -> &NonZeroScalar {
        match purpose.as_bytes() {
            b"recover" => &self.recover,
            _ => &self.administer,
        }
    }
}

/// The envelope's JSON.
#[must_use]
pub fn open(protected_secret: &str) -> Value {
    let json = URL_SAFE_NO_PAD.decode(protected_secret).expect("base64url without padding");
    serde_json::from_slice(&json).expect("JSON")
}

/// What the secret of a purpose is bound to.
#[must_use]
pub fn binding(envelope: &Value, purpose: &str) -> String {
    let named =
        ["protocol", "kid", "tid", "oid", "deviceId", "containerId"].map(|name| text(&envelope[name]));
    let numbers = ["protectorVersion", "created"].map(|name| envelope[name].as_u64().expect("a number"));
    format!("latchkey pin reset 1\n{purpose}\n{}\n{}\n{}\n", named.join("\n"), numbers[0], numbers[1])
}

/// `s·Y` and the proof that `s` is the scalar of the published point.
fn evaluate(scalar: &NonZeroScalar, blinded: &Point, rng: &mut dyn CryptoRng) -> Vec<u8> {
    let generator = ProjectivePoint::GENERATOR;
    let blinded = PublicKey::from_sec1_bytes(blinded).expect("a point").to_projective();
    let commitment = NonZeroScalar::generate_from_rng(rng);
    let evaluated = blinded * **scalar;
    let mut hash = Sha256::new_with_prefix(b"latchkey dleq 1");
    let points =
        [generator, generator * **scalar, blinded, evaluated, generator * *commitment, blinded * *commitment];
    for point in points {
        hash.update(encode(&point));
    }
    let challenge = Scalar::reduce(&hash.finalize());
    let response = *commitment - challenge * **scalar;
    [encode(&evaluated).as_slice(), &challenge.to_bytes(), &response.to_bytes()].concat()
}

fn encode(point: &ProjectivePoint) -> Point {
    point.to_affine().to_sec1_point(false).as_bytes().try_into().expect("65 bytes")
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
