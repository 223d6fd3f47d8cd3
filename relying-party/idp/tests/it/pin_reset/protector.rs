//! A device's side of both protocols, played: what it keeps, what it asks, and what it makes of the answer. HPKE is the service's
//! own code, which the RFC's vector holds; everything else is written here a second time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use latchkey_idp::pin_reset::hpke::{Sealed, seal};
use latchkey_idp::pin_reset::{Owner, Purpose, point};
use p256::elliptic_curve::{Generate as _, PrimeField as _, ops::Reduce};
use p256::{FieldBytes, NonZeroScalar, ProjectivePoint, PublicKey, Scalar, SecretKey};
use rand_chacha::ChaCha20Rng;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub const PURPOSES: [Purpose; 2] = [Purpose::Recover, Purpose::Administer];

/// What the service gave: a key to encrypt to, or the points of both purposes.
pub enum Given {
    Hpke(PublicKey),
    Blind([PublicKey; 2]),
}

/// What a device keeps, and, for the test, the secrets that it forgets.
pub struct Protector {
    pub owner: Owner,
    pub kid: String,
    pub version: u64,
    pub created: i64,
    pub given: Given,
    /// `K_recover` and `K_administer`.
    pub secrets: [[u8; 32]; 2],
    /// `x` of both purposes (`blind-p256`).
    pub scalars: Option<[NonZeroScalar; 2]>,
    pub envelope: String,
}

/// A question under way: what only the device knows of it.
pub struct Asking {
    pub purpose: Purpose,
    pub ephemeral: SecretKey,
    /// `r` and `r·X` (`blind-p256`).
    pub blinding: Option<(NonZeroScalar, PublicKey)>,
}

const fn index(purpose: Purpose) -> usize {
    match purpose {
        Purpose::Recover => 0,
        Purpose::Administer => 1,
    }
}

pub fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn public(encoded: &Value) -> PublicKey {
    point::parse(&URL_SAFE_NO_PAD.decode(encoded.as_str().unwrap()).unwrap()).unwrap()
}

fn times(point: &PublicKey, scalar: &Scalar) -> PublicKey {
    PublicKey::from_affine((point.to_projective() * scalar).to_affine()).unwrap()
}

impl Protector {
    pub fn make(
        (owner, kid): (&Owner, &str),
        given: Given,
        (version, created): (u64, i64),
        rng: &mut ChaCha20Rng,
    ) -> Self {
        let scalars = match given {
            Given::Hpke(_) => None,
            Given::Blind(_) => Some(PURPOSES.map(|_| NonZeroScalar::generate_from_rng(rng))),
        };
        let (owner, kid) = (owner.clone(), kid.to_owned());
        let mut protector = Self {
            owner,
            kid,
            version,
            created,
            given,
            secrets: [[0; 32]; 2],
            scalars,
            envelope: String::new(),
        };
        let parts = PURPOSES.map(|purpose| protector.protect(purpose, rng));
        let [recover, administer] = parts.each_ref().map(|(part, _)| text(part));
        protector.secrets = parts.map(|(_, secret)| secret);
        let Owner { tenant, user, device, container } = &protector.owner;
        let envelope = json!({
            "v": 1, "protocol": protector.protocol(), "kid": protector.kid, "tid": tenant, "oid": user, "deviceId": device,
            "containerId": container, "protectorVersion": version, "created": created,
            "recover": recover, "administer": administer,
        });
        protector.envelope = text(envelope.to_string().as_bytes());
        protector
    }

    /// The envelope with some members changed, as an attacker would send it.
    pub fn changed(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut envelope: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&self.envelope).unwrap()).unwrap();
        change(&mut envelope);
        text(envelope.to_string().as_bytes())
    }

    pub const fn protocol(&self) -> &'static str {
        match self.given {
            Given::Hpke(_) => "hpke-p256",
            Given::Blind(_) => "blind-p256",
        }
    }

    pub fn binding(&self, purpose: Purpose) -> String {
        let Owner { tenant, user, device, container } = &self.owner;
        [
            "latchkey pin reset 1",
            purpose.name(),
            self.protocol(),
            &self.kid,
            &tenant.to_string(),
            &user.to_string(),
            &device.to_string(),
            &container.to_string(),
            &self.version.to_string(),
            &self.created.to_string(),
            "",
        ]
        .join("\n")
    }

    /// The part of the envelope for one purpose, and the secret behind it.
    fn protect(&self, purpose: Purpose, rng: &mut ChaCha20Rng) -> (Vec<u8>, [u8; 32]) {
        match (&self.given, &self.scalars) {
            (Given::Hpke(key), _) => {
                let secret = <[u8; 32]>::generate_from_rng(rng);
                let words = (&b"latchkey pin reset 1"[..], self.binding(purpose));
                (seal(key, (words.0, words.1.as_bytes()), &secret, rng), secret)
            }
            (Given::Blind(points), Some(scalars)) => {
                let x = &scalars[index(purpose)];
                let key = self.key(purpose, &times(&points[index(purpose)], x));
                (point::bytes(&PublicKey::from_secret_scalar(x)).to_vec(), key)
            }
            (Given::Blind(_), None) => unreachable!("a blind protector has scalars"),
        }
    }

    /// The key of `blind-p256` from the point that nobody but the device knows.
    fn key(&self, purpose: Purpose, point: &PublicKey) -> [u8; 32] {
        let mut key = [0; 32];
        let binding = self.binding(purpose);
        Hkdf::<Sha256>::new(None, &point::bytes(point)[1..33]).expand(binding.as_bytes(), &mut key).unwrap();
        key
    }

    pub fn ask(&self, purpose: Purpose, rng: &mut ChaCha20Rng) -> Asking {
        let blinding = self.scalars.as_ref().map(|scalars| {
            let r = NonZeroScalar::generate_from_rng(rng);
            (r, times(&PublicKey::from_secret_scalar(&scalars[index(purpose)]), &r))
        });
        Asking { purpose, ephemeral: SecretKey::generate_from_rng(rng), blinding }
    }

    /// The secret out of the answer to the request `jws`, or nothing if the answer is not right.
    pub fn open(&self, asking: &Asking, jws: &str, answer: &[u8]) -> Option<[u8; 32]> {
        let plaintext = asking.open(jws, answer)?;
        let (Given::Blind(pinned), Some((r, blinded))) = (&self.given, &asking.blinding) else {
            return plaintext.as_slice().try_into().ok();
        };
        let (evaluated, proof) = plaintext.split_at_checked(65)?;
        let evaluated = point::parse(evaluated)?;
        proved(&pinned[index(asking.purpose)], blinded, &evaluated, proof)?;
        Some(self.key(asking.purpose, &times(&evaluated, &r.invert().unwrap())))
    }
}

impl Asking {
    /// What was sealed to the ephemeral key for this very request.
    pub fn open(&self, jws: &str, answer: &[u8]) -> Option<Vec<u8>> {
        let sealed = Sealed::parse(answer)?;
        let shared = point::agree(&self.ephemeral, sealed.encapsulated());
        let words = (&b"latchkey pin reset answer 1"[..], Sha256::digest(jws));
        let opened = sealed.open(&self.ephemeral.public_key(), &shared, (words.0, &words.1)).ok()?;
        Some(opened.to_vec())
    }

    /// What the device signs.
    pub fn payload(&self, nonce: &str, envelope: &str, (aud, iat): (&str, i64)) -> Value {
        let mut payload = json!({
            "nonce": nonce, "purpose": self.purpose, "envelope": text(&Sha256::digest(envelope)),
            "key": text(&point::bytes(&self.ephemeral.public_key())), "aud": aud, "iat": iat,
        });
        if let Some((_, blinded)) = &self.blinding {
            payload["blinded"] = text(&point::bytes(blinded)).into();
        }
        payload
    }
}

/// The proof that `evaluated` is `blinded` times the scalar behind `pinned`.
fn proved(pinned: &PublicKey, blinded: &PublicKey, evaluated: &PublicKey, proof: &[u8]) -> Option<()> {
    let scalar = |bytes: &[u8]| Scalar::from_repr(<[u8; 32]>::try_from(bytes).ok()?.into()).into_option();
    let (c, z) = proof.split_at_checked(32)?;
    let (c, z) = (scalar(c)?, scalar(z)?);
    let sum = |base: ProjectivePoint, image: &PublicKey| {
        PublicKey::from_affine((base * z + image.to_projective() * c).to_affine()).ok()
    };
    let generator = PublicKey::from_affine(ProjectivePoint::GENERATOR.to_affine()).ok()?;
    let (a1, a2) = (sum(generator.to_projective(), pinned)?, sum(blinded.to_projective(), evaluated)?);
    let mut hash = Sha256::new_with_prefix(b"latchkey dleq 1");
    for each in [&generator, pinned, blinded, evaluated, &a1, &a2] {
        hash.update(point::bytes(each));
    }
    let expected = <Scalar as Reduce<FieldBytes>>::reduce(&hash.finalize());
    (expected == c).then_some(())
}
