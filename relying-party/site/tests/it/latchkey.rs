//! The same journey with our own client and authenticator, container and software TPM included.

use std::collections::VecDeque;
use std::time::Duration;

use latchkey_client::{Attachment, Caller, TransactError};
use latchkey_container::{Container, CreateOptions, Pin, PinHash, Profile, StretchCost, UnixTime};
use latchkey_ctap::{Ambient, Answer, Authenticator, ChannelId, Step};
use latchkey_tpm::SoftwareTpm;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{ORIGIN, Rig};

const PIN: &str = "123456";

/// An authenticator whose user types the PIN, or what the test says instead.
struct Latchkey {
    engine: Authenticator,
    rng: ChaCha20Rng,
    answers: VecDeque<Answer>,
    _directory: TempDir,
}

impl Latchkey {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let tpm = SoftwareTpm::open(directory.path(), Box::new(ChaCha20Rng::seed_from_u64(2))).unwrap();
        let stretch = StretchCost { memory_kib: 8, passes: 1 };
        let options = CreateOptions { stretch, require_tpm: false, profile: Profile::Hello };
        let path = directory.path().join("container");
        let mut container = Container::create(&path, Box::new(tpm), &options, UnixTime(1), &mut rng).unwrap();
        drop(container.set_pin(&Pin::parse(PIN.as_bytes(), 6).unwrap(), UnixTime(1), &mut rng).unwrap());
        let ambient = Ambient { uptime: Duration::ZERO, now: UnixTime(1), rng: &mut rng };
        let engine = Authenticator::power_up(container, ambient);
        Self { engine, rng, answers: VecDeque::new(), _directory: directory }
    }

    fn create(&mut self, options: &Value, origin: &str) -> Result<Value, latchkey_client::DomException> {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let caller = Caller { origin, cross_origin: false };
        let response = latchkey_client::create(&options.to_string(), caller, self, &mut rng)?;
        Ok(serde_json::from_str(&response).unwrap())
    }

    fn get(&mut self, options: &Value, origin: &str) -> Result<Value, latchkey_client::DomException> {
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let caller = Caller { origin, cross_origin: false };
        let mut chooser = |_: &str, _: &[latchkey_client::Account]| Some(0);
        let response = latchkey_client::request(&options.to_string(), caller, self, &mut chooser, &mut rng)?;
        Ok(serde_json::from_str(&response).unwrap())
    }
}

impl latchkey_client::Authenticator for Latchkey {
    fn transact(&mut self, request: &[u8]) -> Result<Vec<u8>, TransactError> {
        let uptime = Duration::from_hours(1);
        let channel = ChannelId(1);
        let ambient = Ambient { uptime, now: UnixTime(1_000), rng: &mut self.rng };
        let mut step = self.engine.handle(channel, request, ambient);
        loop {
            match step {
                Step::Respond(response) => return Ok(response),
                // There is no sensor, so a capture never comes; it would end like a question that is not answered.
                Step::Ask(_, suspended) | Step::Capture(_, suspended) => {
                    let answer = self.answers.pop_front().unwrap_or(Answer::Pin(PinHash::typed(PIN)));
                    let ambient = Ambient { uptime, now: UnixTime(1_000), rng: &mut self.rng };
                    step = self.engine.resume(suspended, answer, ambient);
                }
            }
        }
    }

    fn attachment(&self) -> Attachment {
        Attachment::Platform
    }
}

#[tokio::test]
async fn register_and_sign_in() {
    let rig = Rig::start().await;
    let mut latchkey = Latchkey::new();
    let mut browser = rig.browser();
    browser.get("/register").await;
    let options = browser.call("/api/register/options", &json!({"username": "alice"})).await.expect_ok();
    let credential = latchkey.create(&options["publicKey"], ORIGIN).unwrap();
    browser.call("/api/register/finish", &json!({ "credential": credential })).await.expect_ok();
    assert!(browser.get("/account").await.body.contains("Latchkey (software)"));

    for name in [None, Some("alice"), None] {
        let mut browser = rig.browser();
        browser.get("/").await;
        let options = browser.sign_in_options(name).await;
        let credential = latchkey.get(&options, ORIGIN).unwrap();
        browser.call("/api/sign-in/finish", &json!({ "credential": credential })).await.expect_ok();
        assert!(browser.signed_in().await);
    }

    // The device is on the account already, and says so.
    browser.get("/account").await;
    let options = browser.call("/api/passkeys/options", &json!({})).await.expect_ok();
    let refused = latchkey.create(&options["publicKey"], ORIGIN).unwrap_err();
    assert_eq!(refused.name.as_str(), "InvalidStateError");
}

#[tokio::test]
async fn another_website_gets_nothing_and_its_answer_is_worth_nothing() {
    let rig = Rig::start().await;
    let mut latchkey = Latchkey::new();
    let mut browser = rig.browser();
    browser.get("/register").await;
    let options = browser.call("/api/register/options", &json!({"username": "alice"})).await.expect_ok();
    let refused = latchkey.create(&options["publicKey"], "https://evil.example").unwrap_err();
    assert_eq!(refused.name.as_str(), "SecurityError");
    // Another port of the same host shares the RP ID; the site tells the origins apart.
    let credential = latchkey.create(&options["publicKey"], "http://localhost:9999").unwrap();
    let answer = browser.call("/api/register/finish", &json!({ "credential": credential })).await;
    answer.expect_refused(400, "wrong-origin");
}
