//! Both protocols against files that the device's side is checked against too: `tests/vectors/pin_reset`. After a wanted change:
//! `UPDATE_VECTORS=1 cargo nextest run -p latchkey-idp vectors`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_idp::domain::{DeviceId, TenantId, UserId};
use latchkey_idp::pin_reset::blind::Master;
use latchkey_idp::pin_reset::hpke::{Sealed, seal};
use latchkey_idp::pin_reset::{Envelope, Owner, Purpose, point};
use p256::SecretKey;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::protector::{Asking, Given, PURPOSES, Protector, text};

const AUDIENCE: &str = "https://id.example.org/unprotectsecret/v1";
const CREATED: i64 = 1_750_000_000;

fn file(protocol: &str) -> String {
    format!("{}/../../tests/vectors/pin_reset/{protocol}.json", env!("CARGO_MANIFEST_DIR"))
}

fn owner() -> Owner {
    Owner {
        tenant: TenantId::new(Uuid::from_u128(0x11)),
        user: UserId::new(Uuid::from_u128(0x22)),
        device: DeviceId::new(Uuid::from_u128(0xabcd)),
        container: "00112233445566778899aabbccddeeff".parse().unwrap(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A request in the form of a JWS. Its signature is for other tests: here only its bytes count.
fn jws(payload: &Value) -> String {
    let header = json!({ "alg": "RS256", "typ": "pin-reset+jwt", "x5c": [STANDARD.encode("a certificate")] });
    let parts = [header.to_string(), payload.to_string(), "a signature".to_owned()];
    parts.map(|part| text(part.as_bytes())).join(".")
}

/// One request and its answer, whose plaintext the service makes with `serve`.
fn exchange(
    protector: &Protector,
    purpose: Purpose,
    serve: impl Fn(&Envelope, &Asking, &mut ChaCha20Rng) -> Vec<u8>,
    rng: &mut ChaCha20Rng,
) -> Value {
    let asking = protector.ask(purpose, rng);
    let payload = asking.payload("a-nonce", &protector.envelope, (AUDIENCE, CREATED + 60));
    let (jws, envelope) = (jws(&payload), Envelope::parse(&protector.envelope).unwrap());
    let plaintext = serve(&envelope, &asking, rng);
    let hash = Sha256::digest(&jws);
    let words = (&b"latchkey pin reset answer 1"[..], &hash[..]);
    let answer = seal(&asking.ephemeral.public_key(), words, &plaintext, rng);
    let secret = protector.open(&asking, &jws, &answer).expect("the device opens it");
    assert_eq!(secret, protector.secrets[usize::from(purpose == Purpose::Administer)]);
    let mut exchange = json!({
        "purpose": purpose, "responsePrivate": hex(&asking.ephemeral.to_bytes()), "payload": payload, "jws": jws,
        "requestHash": hex(&hash), "answer": text(&answer), "plaintext": hex(&plaintext), "secret": hex(&secret),
    });
    if let Some((r, blinded)) = &asking.blinding {
        exchange["blinding"] = hex(&r.to_bytes()).into();
        exchange["blinded"] = text(&point::bytes(blinded)).into();
    }
    exchange
}

fn common(protector: &Protector) -> Value {
    let Owner { tenant, user, device, container } = &protector.owner;
    let bindings = PURPOSES.map(|purpose| protector.binding(purpose));
    let secrets = protector.secrets.map(|secret| hex(&secret));
    json!({
        "protocol": protector.protocol(), "kid": protector.kid, "tid": tenant, "oid": user, "deviceId": device,
        "containerId": container, "protectorVersion": protector.version, "created": protector.created,
        "binding": { "recover": bindings[0], "administer": bindings[1] },
        "secrets": { "recover": secrets[0], "administer": secrets[1] },
        "protectedSecret": protector.envelope,
    })
}

fn hpke() -> Value {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let private = SecretKey::from_slice(&[0x42; 32]).unwrap();
    let public = private.public_key();
    let protector = Protector::make((&owner(), "vector-hpke"), Given::Hpke(public), (7, CREATED), &mut rng);
    let serve = |envelope: &Envelope, asking: &Asking, _: &mut ChaCha20Rng| {
        let sealed = Sealed::parse(envelope.part(asking.purpose)).unwrap();
        let shared = point::agree(&private, sealed.encapsulated());
        let binding = envelope.binding(asking.purpose);
        sealed.open(&public, &shared, (b"latchkey pin reset 1", binding.as_bytes())).unwrap().to_vec()
    };
    let mut vector = common(&protector);
    vector["service"] = json!({ "private": hex(&private.to_bytes()), "key": text(&point::bytes(&public)) });
    vector["exchanges"] =
        PURPOSES.map(|purpose| exchange(&protector, purpose, serve, &mut rng)).to_vec().into();
    vector
}

fn blind() -> Value {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let (master, kid) = (Master::new(&[0x42; 32]), "vector-blind");
    let words = PURPOSES.map(|purpose| owner().scalar_words(purpose, kid));
    let points = words.each_ref().map(|words| master.scalar(words).public());
    let protector = Protector::make((&owner(), kid), Given::Blind(points), (7, CREATED), &mut rng);
    let serve = |envelope: &Envelope, asking: &Asking, rng: &mut ChaCha20Rng| {
        let scalar = master.scalar(&envelope.owner.scalar_words(asking.purpose, &envelope.kid));
        scalar.evaluate(&asking.blinding.as_ref().unwrap().1, rng).bytes()
    };
    let mut vector = common(&protector);
    let scalars = protector.scalars.as_ref().unwrap().each_ref().map(|x| hex(&x.to_bytes()));
    vector["scalars"] = json!({ "recover": scalars[0], "administer": scalars[1] });
    let points = points.map(|each| text(&point::bytes(&each)));
    vector["service"] = json!({
        "master": hex(&[0x42; 32]), "scalarWords": { "recover": words[0], "administer": words[1] },
        "recover": points[0], "administer": points[1], "signedWords": owner().signed_words(kid),
        "signingKey": text(master.signing_key().verifying_key().to_sec1_point(false).as_bytes()),
    });
    vector["exchanges"] =
        PURPOSES.map(|purpose| exchange(&protector, purpose, serve, &mut rng)).to_vec().into();
    vector
}

#[test]
fn both_sides_agree_on_the_vectors() {
    for (protocol, made) in [("hpke-p256", hpke()), ("blind-p256", blind())] {
        let path = file(protocol);
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            std::fs::write(&path, format!("{made:#}\n")).unwrap();
        }
        let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(made, kept, "{protocol}");
        // Whatever the randomness was, the service opens what the file has.
        let envelope = Envelope::parse(kept["protectedSecret"].as_str().unwrap()).unwrap();
        assert_eq!(envelope.binding(Purpose::Recover), kept["binding"]["recover"].as_str().unwrap());
        assert!(URL_SAFE_NO_PAD.decode(kept["exchanges"][0]["answer"].as_str().unwrap()).is_ok());
    }
}

#[test]
fn an_envelope_that_was_changed_does_not_open() {
    let private = SecretKey::from_slice(&[0x42; 32]).unwrap();
    let public = private.public_key();
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let made = Protector::make((&owner(), "k"), Given::Hpke(public), (7, CREATED), &mut rng);
    let opens = |envelope: &str, purpose, part| {
        let envelope = Envelope::parse(envelope).unwrap();
        let sealed = Sealed::parse(envelope.part(part)).unwrap();
        let shared = point::agree(&private, sealed.encapsulated());
        let binding = envelope.binding(purpose);
        sealed.open(&public, &shared, (b"latchkey pin reset 1", binding.as_bytes())).is_ok()
    };
    let (recover, administer) = (Purpose::Recover, Purpose::Administer);
    assert!(opens(&made.envelope, recover, recover) && opens(&made.envelope, administer, administer));
    assert!(!opens(&made.envelope, recover, administer) && !opens(&made.envelope, administer, recover));
    let guid = "00000000-0000-0000-0000-0000000000ff";
    for (member, value) in [
        ("kid", json!("l")),
        ("tid", json!(guid)),
        ("oid", json!(guid)),
        ("deviceId", json!(guid)),
        ("containerId", json!("ff112233445566778899aabbccddeeff")),
        ("protectorVersion", json!(8)),
        ("created", json!(CREATED + 1)),
        ("protocol", json!("blind-p256")),
    ] {
        let changed = made.changed(|envelope| envelope[member] = value.clone());
        assert!(!opens(&changed, recover, recover), "{member}");
    }
}
