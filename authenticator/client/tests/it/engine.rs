//! The client against the real engine, over the software provider: what one side encodes, the other reads.

use std::time::Duration;

use latchkey_client::{
    Account, Attachment, Authenticator, Caller, ErrorName, TransactError, create, is_uvpaa, request,
};
use latchkey_container::{Container, CreateOptions, Pin, PinHash, Profile, StretchCost, UnixTime};
use latchkey_ctap::{Ambient, Answer, ChannelId, Step, Want};
use latchkey_protocol::attestation::AttestationObject;
use latchkey_protocol::authenticator_data::{AuthenticatorData, Flags};
use latchkey_tpm::SoftwareTpm;
use p256::ecdsa::signature::Verifier;
use p256::pkcs8::DecodePublicKey;
use rand_chacha::ChaCha20Rng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::scripted::{bytes, id_text, rng};

const SITE: Caller<'static> = Caller { origin: "http://localhost:8080", cross_origin: false };
pub const PIN: &str = "123456";

/// What the person at the keyboard does when the authenticator asks.
#[derive(Debug, Clone, Copy)]
enum User {
    Knows,
    MistypesFirst,
    Refuses,
}

pub struct Engine {
    machine: latchkey_ctap::Authenticator,
    rng: ChaCha20Rng,
    user: User,
    pub prompts: Vec<String>,
    _dir: TempDir,
}

impl Engine {
    pub fn new(pin: Option<&str>) -> Self {
        let dir = TempDir::new().unwrap();
        let mut rng = rng();
        let tpm = SoftwareTpm::open(&dir.path().join("tpm"), Box::new(self::rng())).unwrap();
        let options = CreateOptions {
            stretch: StretchCost { memory_kib: 1024, passes: 1 },
            require_tpm: false,
            profile: Profile::Hello,
        };
        let mut container =
            Container::create(&dir.path().join("container"), Box::new(tpm), &options, UnixTime(1), &mut rng)
                .unwrap();
        if let Some(pin) = pin {
            let minimum = container.minimum_pin_length();
            container.set_pin(&Pin::typed(pin, minimum).unwrap(), UnixTime(1), &mut rng).unwrap();
            container.lock();
        }
        let ambient = Ambient { uptime: Duration::ZERO, now: UnixTime(1), rng: &mut rng };
        let machine = latchkey_ctap::Authenticator::power_up(container, ambient);
        Self { machine, rng, user: User::Knows, prompts: Vec::new(), _dir: dir }
    }

    fn answer(&mut self, want: Want) -> Answer {
        match (self.user, want) {
            (User::Refuses, _) => Answer::Denied,
            (_, Want::Approval | Want::Insistence) => Answer::Approved,
            (User::Knows, Want::Pin) => Answer::Pin(PinHash::typed(PIN)),
            (User::MistypesFirst, Want::Pin) => {
                self.user = User::Knows;
                Answer::Pin(PinHash::typed("654321"))
            }
        }
    }
}

impl Authenticator for Engine {
    fn transact(&mut self, request: &[u8]) -> Result<Vec<u8>, TransactError> {
        let uptime = Duration::from_mins(1);
        let ambient = Ambient { uptime, now: UnixTime(2), rng: &mut self.rng };
        let mut step = self.machine.handle(ChannelId(1), request, ambient);
        loop {
            match step {
                Step::Respond(response) => return Ok(response),
                Step::Capture(..) => panic!("nobody enrols a finger here"),
                Step::Ask(prompt, suspended) => {
                    self.prompts.push(prompt.to_string());
                    let answer = self.answer(prompt.want);
                    let ambient = Ambient { uptime, now: UnixTime(2), rng: &mut self.rng };
                    step = self.machine.resume(suspended, answer, ambient);
                }
            }
        }
    }

    fn attachment(&self) -> Attachment {
        Attachment::Platform
    }
}

pub fn registration(user: u8) -> Value {
    json!({
        "rp": { "id": "localhost", "name": "Demo" },
        "user": { "id": id_text(user), "name": format!("user{user}"), "displayName": "" },
        "challenge": "AAECAwQFBgcICQoLDA0ODw",
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }, { "type": "public-key", "alg": -257 }],
        "authenticatorSelection": { "residentKey": "required", "userVerification": "required" },
        "attestation": "direct",
        "extensions": { "credProps": true, "prf": {}, "credentialProtectionPolicy": "userVerificationRequired" },
    })
}

pub fn signing_in() -> Value {
    json!({ "rpId": "localhost", "challenge": "Dw4NDAsKCQgHBgUEAwIBAA", "userVerification": "required" })
}

pub fn make(engine: &mut dyn Authenticator, options: &Value) -> Result<Value, ErrorName> {
    create(&options.to_string(), SITE, engine, &mut rng())
        .map(|response| serde_json::from_str(&response).unwrap())
        .map_err(|error| error.name)
}

pub fn sign(
    engine: &mut dyn Authenticator,
    options: &Value,
    choice: Option<usize>,
) -> Result<Value, ErrorName> {
    let mut chooser = |_: &str, _: &[Account]| choice;
    request(&options.to_string(), SITE, engine, &mut chooser, &mut rng())
        .map(|response| serde_json::from_str(&response).unwrap())
        .map_err(|error| error.name)
}

/// Checks an assertion as a relying party does, with the key that registration reported.
fn verify(registered: &Value, signed: &Value) {
    let key =
        p256::ecdsa::VerifyingKey::from_public_key_der(&bytes(&registered["response"]["publicKey"])).unwrap();
    let client_data_hash = Sha256::digest(bytes(&signed["response"]["clientDataJSON"]));
    let message = [bytes(&signed["response"]["authenticatorData"]), client_data_hash.to_vec()].concat();
    let signature = p256::ecdsa::Signature::from_der(&bytes(&signed["response"]["signature"])).unwrap();
    key.verify(&message, &signature).unwrap();
}

#[test]
fn a_passkey_is_made_and_signs_in() {
    let mut engine = Engine::new(Some(PIN));
    assert!(is_uvpaa(&mut engine));
    let registered = make(&mut engine, &registration(0)).unwrap();
    assert_eq!(
        engine.prompts,
        ["Register a passkey at localhost as user0"],
        "one gesture, and it says for what"
    );
    assert_eq!(
        registered["clientExtensionResults"],
        json!({ "credProps": { "rk": true }, "prf": { "enabled": true } })
    );
    let object = AttestationObject::parse(&bytes(&registered["response"]["attestationObject"])).unwrap();
    assert_eq!(object.att_stmt.format(), "packed");
    let data = AuthenticatorData::parse(&object.auth_data).unwrap();
    assert!(data.flags.contains(Flags::UP | Flags::UV | Flags::AT));

    let signed = sign(&mut engine, &signing_in(), None).unwrap();
    assert_eq!(engine.prompts.len(), 2, "one gesture a ceremony: {:?}", engine.prompts);
    assert_eq!(signed["id"], registered["id"]);
    assert_eq!(signed["response"]["userHandle"], id_text(0));
    verify(&registered, &signed);
}

#[test]
fn an_allowed_passkey_that_is_not_discoverable_signs_too() {
    let mut engine = Engine::new(Some(PIN));
    let mut options = registration(0);
    options["authenticatorSelection"] = json!({ "residentKey": "discouraged" });
    let registered = make(&mut engine, &options).unwrap();
    assert_eq!(sign(&mut engine, &signing_in(), None), Err(ErrorName::NotAllowedError));
    let mut options = signing_in();
    options["allowCredentials"] = json!([{ "type": "public-key", "id": registered["id"] }]);
    verify(&registered, &sign(&mut engine, &options, None).unwrap());
}

#[test]
fn an_excluded_passkey_is_not_made_again() {
    let mut engine = Engine::new(Some(PIN));
    let registered = make(&mut engine, &registration(0)).unwrap();
    let mut options = registration(1);
    options["excludeCredentials"] = json!([{ "type": "public-key", "id": registered["id"] }]);
    assert_eq!(make(&mut engine, &options), Err(ErrorName::InvalidStateError));
    engine.prompts.clear();
    // Also behind a list that is too long for one request, which is looked through in silence first.
    let mut long: Vec<Value> = (0..200).map(|n| json!({ "type": "public-key", "id": id_text(n) })).collect();
    long.push(json!({ "type": "public-key", "id": registered["id"] }));
    options["excludeCredentials"] = json!(long);
    assert_eq!(make(&mut engine, &options), Err(ErrorName::InvalidStateError));
    assert_eq!(engine.prompts.len(), 1, "one gesture for the look-ups and the request: {:?}", engine.prompts);
    let mut options = signing_in();
    options["allowCredentials"] = json!(long);
    verify(&registered, &sign(&mut engine, &options, None).unwrap());
}

#[test]
fn one_of_several_accounts_is_chosen() {
    let mut engine = Engine::new(Some(PIN));
    let made: Vec<Value> = (0..3).map(|user| make(&mut engine, &registration(user)).unwrap()).collect();
    // The newest comes first (CTAP 2.3 §6.2.2).
    for (choice, user) in [(0, 2), (1, 1), (2, 0)] {
        let signed = sign(&mut engine, &signing_in(), Some(choice)).unwrap();
        assert_eq!(signed["id"], made[user]["id"]);
        verify(&made[user], &signed);
    }
    assert_eq!(sign(&mut engine, &signing_in(), None), Err(ErrorName::NotAllowedError));
}

#[test]
fn a_prf_gives_the_same_output_for_the_same_input() {
    let mut engine = Engine::new(Some(PIN));
    let registered = make(&mut engine, &registration(0)).unwrap();
    let evaluate = |engine: &mut Engine, prf: Value, allow: bool| {
        let mut options = signing_in();
        options["extensions"] = json!({ "prf": prf });
        if allow {
            options["allowCredentials"] = json!([
                { "type": "public-key", "id": id_text(1) },
                { "type": "public-key", "id": registered["id"] },
            ]);
        }
        let mut signed = sign(engine, &options, None).unwrap();
        verify(&registered, &signed);
        signed["clientExtensionResults"]["prf"]["results"].take()
    };
    let both = evaluate(&mut engine, json!({ "eval": { "first": "AQ", "second": "Ag" } }), false);
    assert_eq!(bytes(&both["first"]).len(), 32);
    assert_ne!(both["first"], both["second"]);
    let one = evaluate(&mut engine, json!({ "eval": { "first": "Ag" } }), true);
    assert_eq!(one, json!({ "first": both["second"] }));
    let id = registered["id"].as_str().unwrap();
    let by = json!({ "eval": { "first": "Bw" }, "evalByCredential": { id: { "first": "AQ" } } });
    assert_eq!(evaluate(&mut engine, by, true), json!({ "first": both["first"] }));
    // A wrong PIN in between may change the authenticator's key-agreement key.
    engine.user = User::MistypesFirst;
    assert_eq!(evaluate(&mut engine, json!({ "eval": { "first": "AQ" } }), false)["first"], both["first"]);
}

#[test]
fn what_the_user_does_is_what_the_page_learns() {
    let mut engine = Engine::new(Some(PIN));
    engine.user = User::MistypesFirst;
    assert!(make(&mut engine, &registration(0)).is_ok());
    engine.user = User::Refuses;
    assert_eq!(make(&mut engine, &registration(1)), Err(ErrorName::NotAllowedError));
    assert_eq!(sign(&mut engine, &signing_in(), None), Err(ErrorName::NotAllowedError));
}

#[test]
fn without_a_pin_there_is_no_passkey() {
    let mut engine = Engine::new(None);
    assert!(!is_uvpaa(&mut engine));
    assert_eq!(make(&mut engine, &registration(0)), Err(ErrorName::ConstraintError));
    let error =
        request(&signing_in().to_string(), SITE, &mut engine, &mut |_: &str, _: &[Account]| None, &mut rng());
    let error = error.unwrap_err();
    assert_eq!(error.name, ErrorName::NotAllowedError);
    assert!(error.message.contains("latchkey pin set"), "{error}");
}

#[test]
fn another_algorithm_and_none_that_is_known() {
    let mut engine = Engine::new(Some(PIN));
    let mut options = registration(0);
    options["pubKeyCredParams"] = json!([{ "type": "public-key", "alg": -257 }]);
    let registered = make(&mut engine, &options).unwrap();
    assert_eq!(registered["response"]["publicKeyAlgorithm"], -257);
    assert!(bytes(&registered["response"]["publicKey"]).len() > 256);
    options["pubKeyCredParams"] = json!([{ "type": "public-key", "alg": -12345 }]);
    assert_eq!(make(&mut engine, &options), Err(ErrorName::NotSupportedError));
}
