//! A user with a device and a protector, who forgot the PIN; and what the service wrote down.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_idp::domain::{Amr, Authentication, DeviceId, Opaque, UserId, first_party};
use latchkey_idp::pin_reset::{Owner, Purpose, RESOURCE, point};
use latchkey_idp::storage::{self, LogCursor, ResetEvent, ResetEventFilter};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::device::RegisteredDevice;
use super::door::Door;
use super::protector::{Asking, Given, PURPOSES, Protector, public};
use crate::rig::{Answer, Rig, URL, VERIFIER};

pub const CONTAINER: &str = "00112233445566778899aabbccddeeff";
const LOOPBACK: &str = "http://127.0.0.1:49152/";

pub struct Scene {
    pub rig: Rig,
    pub device: RegisteredDevice,
    pub protector: Protector,
    pub rng: ChaCha20Rng,
    /// From where the requests come.
    pub address: IpAddr,
    door: Door,
}

/// A reset under way.
pub struct Reset {
    pub asking: Asking,
    pub payload: Value,
    pub envelope: String,
    pub authorization: String,
}

impl Scene {
    pub async fn hpke() -> Self {
        Self::of("hpke-p256").await
    }

    pub async fn of(protocol: &str) -> Self {
        Self::at(Rig::start().await, Door::Here, protocol).await
    }

    /// On this provider's database, with the service behind this door.
    pub async fn at(rig: Rig, door: Door, protocol: &str) -> Self {
        rig.decide(|policy| policy.enable_pin_recovery = true).await;
        let device = RegisteredDevice::register(&rig, (rig.tenant, rig.user.id)).await;
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let owner = owner(&rig, (rig.user.id, device.id));
        let protector = protect((&rig, door), &owner, protocol, &mut rng).await;
        Self { rig, device, protector, rng, address: Ipv4Addr::UNSPECIFIED.into(), door }
    }

    /// A protector of somebody's container.
    pub async fn protect(&mut self, owner: &Owner, protocol: &str) -> Protector {
        protect((&self.rig, self.door), owner, protocol, &mut self.rng).await
    }

    /// How the user signs in to reset a PIN.
    pub fn authentication(&self) -> Authentication {
        let methods = vec![Amr::Fido, Amr::Mfa, Amr::NgcMfa];
        Authentication { methods, ..self.rig.authentication() }
    }

    /// A reset that is in order, to be spoilt before it is sent.
    pub async fn reset(&mut self) -> Reset {
        let token = token(&self.rig, self.authentication()).await;
        self.reset_with(&format!("Bearer {token}"), Purpose::Recover).await
    }

    pub async fn reset_with(&mut self, authorization: &str, purpose: Purpose) -> Reset {
        let asking = self.protector.ask(purpose, &mut self.rng);
        let (nonce, envelope) = (self.nonce().await, self.protector.envelope.clone());
        let aud = format!("{URL}/unprotectsecret/v1");
        let payload = asking.payload(&nonce, &envelope, (&aud, self.rig.now().seconds()));
        Reset { asking, payload, envelope, authorization: authorization.to_owned() }
    }

    pub async fn nonce(&mut self) -> String {
        let nonce = Opaque::random(&mut self.rng);
        let until = self.rig.now().plus(Duration::from_mins(5));
        let nonces = self.rig.database.nonces();
        nonces.issue(&nonce.hash(), storage::Purpose::Broker, until).await.unwrap();
        nonce.expose().to_owned()
    }

    /// Sends what this device signs.
    pub async fn send(&self, reset: &Reset) -> Answer {
        self.post(reset, &self.device.sign(&reset.payload)).await
    }

    pub async fn post(&self, reset: &Reset, jws: &str) -> Answer {
        let body = json!({ "protectedSecret": reset.envelope, "request": jws });
        self.post_body(&reset.authorization, body.to_string()).await
    }

    pub async fn post_body(&self, authorization: &str, body: String) -> Answer {
        let peer = ConnectInfo(SocketAddr::new(self.address, 1));
        let request = Request::post("/unprotectsecret/v1").header("authorization", authorization);
        self.door.send(&self.rig, request.extension(peer).body(Body::from(body)).unwrap()).await
    }

    /// The reset of another user, in order, on a device of theirs: how it is authorized, and its body.
    pub async fn reset_of(&mut self, name: &str) -> (String, String) {
        let user = self.rig.another_user(name).await;
        let device = RegisteredDevice::register(&self.rig, (self.rig.tenant, user.id)).await;
        let owner = owner(&self.rig, (user.id, device.id));
        let theirs = self.protect(&owner, "hpke-p256").await;
        let own = std::mem::replace(&mut self.protector, theirs);
        let authentication = Authentication { user: user.id, ..self.authentication() };
        let token = token(&self.rig, authentication).await;
        let reset = self.reset_with(&format!("Bearer {token}"), Purpose::Recover).await;
        self.protector = own;
        let body = json!({ "protectedSecret": reset.envelope, "request": device.sign(&reset.payload) });
        (reset.authorization, body.to_string())
    }

    /// The reset goes through: the secret that the device has then.
    #[track_caller]
    pub fn opened(&self, reset: &Reset, answer: Answer) -> [u8; 32] {
        let answer = answer.ok();
        let sealed = URL_SAFE_NO_PAD.decode(answer["secret"].as_str().unwrap()).unwrap();
        let jws = self.device.sign(&reset.payload);
        self.protector.open(&reset.asking, &jws, &sealed).expect("the answer opens, and its proof holds")
    }

    /// What was sent is refused by this name, and the audit log and the tenant's PIN resets say so.
    pub async fn refused(&self, answer: &Answer, status: u16, code: &str) {
        let entry = self.denied(answer, status, code).await;
        let trace: Uuid = answer.body["trace_id"].as_str().unwrap().parse().unwrap();
        let event = self.all_events().await.into_iter().find(|event| event.trace == trace);
        let event = event.unwrap_or_else(|| panic!("{code} is not among the tenant's PIN resets"));
        assert_eq!((event.code.as_str(), event.user.is_some()), (code, true));
        assert_eq!(entry["tenant"], self.rig.tenant.to_string());
    }

    /// The same where nothing tells who it was: the audit log has it, and no tenant's PIN resets.
    pub async fn refused_unknown(&self, answer: &Answer, status: u16, code: &str) {
        let entry = self.denied(answer, status, code).await;
        assert_eq!((&entry["tenant"], entry["target"].as_str()), (&Value::Null, Some("unknown")));
    }

    async fn denied(&self, answer: &Answer, status: u16, code: &str) -> Value {
        assert_eq!((answer.status, answer.body["error"].as_str()), (status, Some(code)), "{}", answer.body);
        assert!(answer.body["secret"].is_null());
        let entry = last_entry(&self.rig).await;
        let seen = (entry["action"].as_str(), entry["detail"]["code"].as_str(), &entry["detail"]["trace"]);
        assert_eq!(seen, (Some("pin_reset.refused"), Some(code), &answer.body["trace_id"]));
        entry
    }

    /// The codes of the tenant's events, newest first.
    pub async fn events(&self) -> Vec<String> {
        self.all_events().await.into_iter().map(|event| event.code).collect()
    }

    async fn all_events(&self) -> Vec<ResetEvent> {
        let events = self.rig.database.reset_events();
        let filter = ResetEventFilter::default();
        let page = events.page_at(self.rig.tenant, &filter, LogCursor::Newest, 2000).await.unwrap();
        page.into_iter().map(|named| named.event).collect()
    }
}

/// Whose container it is, in the rig's tenant.
fn owner(rig: &Rig, (user, device): (UserId, DeviceId)) -> Owner {
    Owner { tenant: rig.tenant, user, device, container: CONTAINER.parse().unwrap() }
}

async fn protect(
    (rig, door): (&Rig, Door),
    owner: &Owner,
    protocol: &str,
    rng: &mut ChaCha20Rng,
) -> Protector {
    let Owner { tenant, user, device, container } = owner;
    let query =
        format!("tid={tenant}&protocol={protocol}&oid={user}&deviceId={device}&containerId={container}");
    let request = Request::get(format!("/getencryptionkey/v1?{query}")).body(Body::empty()).unwrap();
    let key = door.send(rig, request).await.ok();
    let given = if protocol == "hpke-p256" {
        let part = |name: &str| URL_SAFE_NO_PAD.decode(key["jwk"][name].as_str().unwrap()).unwrap();
        Given::Hpke(point::parse(&[&[4], &part("x")[..], &part("y")].concat()).unwrap())
    } else {
        Given::Blind(PURPOSES.map(|purpose| public(&key[purpose.name()])))
    };
    let kid = key["kid"].as_str().unwrap();
    Protector::make((owner, kid), given, (1, rig.now().seconds()), rng)
}

/// An access token for the service, as the PIN reset client gets it for a sign-in of this kind.
pub async fn token(rig: &Rig, authentication: Authentication) -> String {
    let client = first_party::PIN_RESET_CLIENT.to_string();
    token_for(rig, (&client, LOOPBACK), RESOURCE, authentication).await
}

pub async fn token_for(
    rig: &Rig,
    (client, redirect): (&str, &str),
    resource: &str,
    authentication: Authentication,
) -> String {
    let scope = format!("{resource}/.default");
    let more = [("client_id", client), ("redirect_uri", redirect)];
    let code = rig.code_of(&scope, &more, authentication).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", &code),
        ("redirect_uri", redirect),
        ("code_verifier", VERIFIER),
    ];
    rig.token(&fields).await.ok()["access_token"].as_str().unwrap().to_owned()
}

/// The newest entry of the audit log.
pub async fn last_entry(rig: &Rig) -> Value {
    let newest = rig.provider.newest_audit_entry().await.unwrap();
    let entries = rig.provider.audit_entries(newest, 1).await.unwrap();
    serde_json::from_str(&entries[0].record).unwrap()
}
