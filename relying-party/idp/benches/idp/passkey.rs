//! A person's passkey in software.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_idp::passkeys::{self, Enrolment, LIFETIME};
use latchkey_idp::storage::Database;
use latchkey_tests::idp::IdpPlace;
use latchkey_tests::people::Population;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::authenticator::{Authenticator, Statement};
use crate::provider;

pub struct Passkey {
    made: Authenticator,
    user: Uuid,
    count: u32,
}

/// Registers one for each of the people.
pub fn register(place: &IdpPlace, population: &Population) -> Vec<Passkey> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let database = Database::open(place.database()).await.expect("a database");
        let provider = provider::open(&place.url, &database, &place.key_file()).await;
        let mut passkeys = Vec::new();
        for (number, person) in (1..).zip(&population.people.all) {
            let id = person.id.parse().expect("an object ID");
            let user = database.users().find(id).await.expect("a database").expect("a user");
            let made = Authenticator::new("localhost", &place.url, number);
            let enrolment = Enrolment { user: &user, place: "bench", actor: &person.id };
            let begun = passkeys::begin(&provider, &enrolment, LIFETIME).await.expect("options");
            let answer = made.register(&begun.options, Statement::None).to_string();
            passkeys::finish(&provider, &enrolment, &answer, "Key").await.expect("a passkey");
            passkeys.push(Passkey { made, user: id.guid(), count: 0 });
        }
        provider.close().await;
        passkeys
    })
}

impl Passkey {
    /// The answer to the options of a page, as a browser writes it.
    pub fn sign(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options");
        self.count += 1;
        let data = self.made.data(self.made.flags, self.count);
        let client_data = json!({
            "type": "webauthn.get", "challenge": options["challenge"], "origin": self.made.origin, "crossOrigin": false,
        });
        let client_data = client_data.to_string();
        let signed = [data.as_slice(), digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature = self.made.key.sign(&SystemRandom::new(), &signed).expect("it signs");
        let id = URL_SAFE_NO_PAD.encode(&self.made.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {}, "response": {
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "signature": URL_SAFE_NO_PAD.encode(signature.as_ref()),
            "userHandle": URL_SAFE_NO_PAD.encode(self.user.as_bytes()),
        }})
        .to_string()
    }
}
