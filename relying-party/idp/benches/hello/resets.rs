//! A morning on which everybody forgot the PIN: many devices ask the PIN reset service at once.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_idp::domain::{Amr, Authentication, Authority, first_party};
use latchkey_idp::oauth::authorize::{AuthorizeAnswer, AuthorizeRequest, issue_code};
use latchkey_idp::oauth::{Fields, Protocol};
use latchkey_idp::pin_reset::{Owner, Purpose, RESOURCE, point};
use latchkey_idp::provider::Provider;
use latchkey_idp::storage::SignIn;
use latchkey_tests::http::{form, parameter};
use latchkey_tests::usage::{busy, peak_mib};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::json;
use uuid::Uuid;

use crate::device::{Device, nonce};
use crate::lines::Lines;
use crate::protector::{Given, Protector};
use crate::provider;
use crate::rig::{Office, Rig};

/// So many devices.
const DEVICES: usize = 200;
const CONTAINER: &str = "00112233445566778899aabbccddeeff";
const LOOPBACK: &str = "http://127.0.0.1:49152/";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A user before the second try, signed in with two factors.
struct Locked {
    rig: Rig,
    device: Device,
    protector: Protector,
    bearer: String,
    audience: String,
    rng: ChaCha20Rng,
}

/// Measures how long they wait, and what it costs.
pub fn measure(lines: &Lines) {
    let office = Office::open(DEVICES);
    let key_file = office.place.key_file();
    let provider = office.wait(provider::open(&office.place.url, &office.database, &key_file));
    let locked: Vec<_> = (0..DEVICES)
        .map(|number| office.wait(Locked::out((&provider, &office.place.url), office.person(number), number)))
        .collect();
    let pid = office.idp.process.pid();
    let before = busy(pid);
    let (times, all) = at_once(&office, locked);
    let used = busy(pid).saturating_sub(before);
    let each = u32::try_from(times.len()).expect("few");
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    lines.figure("200 PIN resets at once, all answered after", millis(all), "ms");
    lines.figure("200 PIN resets at once, p50", millis(times[times.len() / 2]), "ms");
    lines.figure("200 PIN resets at once, the last one", millis(times[times.len() - 1]), "ms");
    lines.figure("200 PIN resets at once, CPU for each", millis(used / each), "ms");
    lines.figure("200 PIN resets at once, resident memory, at most", peak_mib(pid), "MiB");
}

/// How long each took, sorted, and how long all took.
fn at_once(office: &Office, locked: Vec<Locked>) -> (Vec<Duration>, Duration) {
    let (start, handle) = (Barrier::new(locked.len() + 1), office.handle());
    std::thread::scope(|scope| {
        let devices: Vec<_> = locked
            .into_iter()
            .map(|mut device| {
                let (start, handle) = (&start, &handle);
                scope.spawn(move || {
                    device.rig.reconnect();
                    start.wait();
                    let begin = Instant::now();
                    handle.block_on(device.reset());
                    begin.elapsed()
                })
            })
            .collect();
        start.wait();
        let begin = Instant::now();
        let mut times: Vec<_> = devices.into_iter().map(|device| device.join().expect("it resets")).collect();
        let all = begin.elapsed();
        times.sort();
        (times, all)
    })
}

impl Locked {
    async fn out((provider, url): (&Provider, &str), rig: Rig, number: usize) -> Self {
        let device = Device::register(&rig, "desk").await;
        let mut rng = ChaCha20Rng::seed_from_u64(number.try_into().expect("few"));
        let container = CONTAINER.parse().expect("a container's name");
        let owner = Owner { tenant: rig.tenant, user: rig.user.id, device: device.id, container };
        let key = rig.get(&format!("/getencryptionkey/v1?tid={}", rig.tenant)).await.ok();
        let part =
            |name: &str| URL_SAFE_NO_PAD.decode(key["jwk"][name].as_str().expect("a part")).expect("it");
        let public = point::parse(&[&[4], &part("x")[..], &part("y")].concat()).expect("a point");
        let kid = key["kid"].as_str().expect("a name");
        let times = (1, rig.now().seconds());
        let protector = Protector::make((&owner, kid), Given::Hpke(public), times, &mut rng);
        let bearer = format!("Bearer {}", token(provider, &rig).await);
        let audience = format!("{url}/unprotectsecret/v1");
        Self { rig, device, protector, bearer, audience, rng }
    }

    /// Asks for the secret, and gets the one that was protected.
    async fn reset(&mut self) {
        let asking = self.protector.ask(Purpose::Recover, &mut self.rng);
        let (nonce, envelope) = (nonce(&self.rig).await, &self.protector.envelope);
        let aud = &self.audience;
        let payload = asking.payload(&nonce, envelope, (aud, self.rig.now().seconds()));
        let x5c = [STANDARD.encode(&self.device.certificate)];
        let header = json!({ "alg": "RS256", "typ": "pin-reset+jwt", "x5c": x5c });
        let jws = self.device.signed_under(&header, &payload);
        let body = json!({ "protectedSecret": envelope, "request": jws }).to_string();
        let request = Request::post("/unprotectsecret/v1").header("authorization", &self.bearer);
        let answer = self.rig.send(request.body(Body::from(body)).expect("a request")).await.ok();
        let sealed = URL_SAFE_NO_PAD.decode(answer["secret"].as_str().expect("a secret")).expect("base64url");
        let secret = self.protector.open(&asking, &jws, &sealed);
        assert_eq!(secret, Some(self.protector.secrets[0]), "the secret of this very device");
    }
}

/// An access token for the service, of a sign-in with two factors just now.
async fn token(provider: &Provider, rig: &Rig) -> String {
    let client = first_party::PIN_RESET_CLIENT.to_string();
    let scope = format!("{RESOURCE}/.default");
    let query = form(&[
        ("client_id", &client),
        ("response_type", "code"),
        ("redirect_uri", LOOPBACK),
        ("scope", &scope),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let fields = Fields::parse(query.as_bytes()).expect("a form");
    let authority = Authority::Tenant(rig.tenant);
    let request =
        AuthorizeRequest::parse(provider, authority, Protocol::V2, &fields).await.expect("a request");
    let methods = vec![Amr::Fido, Amr::Mfa, Amr::NgcMfa];
    let authentication = Authentication {
        user: rig.user.id,
        session: None,
        at: rig.now(),
        methods,
        device: None,
        contexts: Vec::new(),
    };
    let answer =
        issue_code(provider, &request, &rig.user, authentication, &noted(rig)).await.expect("a code");
    let AuthorizeAnswer::Redirect(location) = answer else { panic!("{answer:?}") };
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &client),
        ("code", &parameter(&location, "code").expect("a code")),
        ("redirect_uri", LOOPBACK),
        ("code_verifier", VERIFIER),
    ];
    let answer = rig.post(&format!("/{}/oauth2/v2.0/token", rig.tenant), &fields).await.ok();
    answer["access_token"].as_str().expect("a token").to_owned()
}

fn noted(rig: &Rig) -> SignIn {
    SignIn {
        id: Uuid::new_v4(),
        correlation: Uuid::new_v4(),
        at: rig.now(),
        tenant: Some(rig.tenant),
        user: Some(rig.user.id),
        upn: rig.user.upn.clone(),
        client: None,
        address: "127.0.0.1".to_owned(),
        agent: "bench".to_owned(),
        methods: "fido mfa".to_owned(),
        error: 0,
    }
}
