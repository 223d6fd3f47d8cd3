//! Primary tokens: got with an enterprise key, and used for other tokens.

use latchkey_idp::domain::first_party;
use latchkey_tests::usage::busy;
use serde_json::json;

use crate::device::{Device, Held, HelloKey, ask, key_request, nonce};
use crate::lines::Lines;
use crate::load::{CONNECTIONS, Measured, Work, drive};
use crate::rig::{Office, Rig};

/// A user with a key on a device.
struct Desk {
    rig: Rig,
    device: Device,
    key: HelloKey,
}

/// Measures both. A sign-in gives an ID token and a primary token; a use an access token, an ID token and a refresh token.
pub fn measure(lines: &Lines) {
    let office = Office::open(CONNECTIONS);
    let signed_in = driven(&office, |desk| {
        let handle = office.handle();
        Box::new(move || drop(handle.block_on(desk.sign_in())))
    });
    lines.operation("sign-in with an enterprise key", &signed_in, 1.0);
    let used = driven(&office, |desk| {
        let (handle, held) = (office.handle(), office.wait(desk.sign_in()));
        Box::new(move || handle.block_on(desk.use_it(&held)))
    });
    lines.operation("use of a primary token", &used, 2.0);
}

fn driven<'a>(office: &'a Office, work: impl Fn(Desk) -> Work<'a>) -> Measured {
    let desks = (0..CONNECTIONS).map(|number| work(office.wait(Desk::of(office.person(number)))));
    drive(desks.collect(), || busy(office.idp.process.pid()))
}

impl Desk {
    async fn of(rig: Rig) -> Self {
        let device = Device::register(&rig, "desk").await;
        let key = device.add_key(&rig, rig.user.id).await;
        Self { rig, device, key }
    }

    async fn sign_in(&self) -> Held {
        let assertion = self.key.assertion(&self.rig, &nonce(&self.rig).await);
        let payload = key_request(&nonce(&self.rig).await, &assertion);
        self.device.held(ask(&self.rig, &self.device.signed(&payload)).await.ok())
    }

    /// Gets a token of the directory, as a broker does.
    async fn use_it(&self, held: &Held) {
        let now = self.rig.now().seconds();
        let payload = json!({
            "scope": "openid", "resource": "https://graph.microsoft.com", "request_nonce": nonce(&self.rig).await,
            "refresh_token": held.token, "grant_type": "refresh_token", "client_id": first_party::LINUX_BROKER,
            "iss": "aad:brokerplugin", "aud": "login.microsoftonline.com",
            "iat": now.to_string(), "exp": (now + 3600).to_string(),
        });
        let answer = held.opened(&ask(&self.rig, &held.message(&payload)).await);
        assert!(answer["access_token"].is_string() && answer["id_token"].is_string(), "{answer}");
    }
}
