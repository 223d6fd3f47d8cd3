//! What the service is shown: whose secrets these are, in clear, and the two secrets protected.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::{Heading, RecoveryPurpose};

/// The envelope as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    v: u8,
    protocol: &'static str,
    kid: &'a str,
    tid: &'a str,
    oid: &'a str,
    device_id: &'a str,
    container_id: String,
    protector_version: u64,
    created: u64,
    recover: String,
    administer: String,
}

impl Heading<'_> {
    /// What a secret is bound to: everything in clear, and its purpose. Both sides compute it, and with another one the
    /// secret does not come back.
    pub fn binding(&self, purpose: RecoveryPurpose) -> String {
        let Self { service, compartment, version, created } = self;
        let to = service.binding();
        format!(
            "latchkey pin reset 1\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{version}\n{}\n",
            purpose.name(),
            service.protocol().name(),
            service.kid(),
            to.tenant,
            to.user,
            to.device,
            compartment.hex(),
            created.0,
        )
    }

    /// The envelope around the two protected secrets: base64url of JSON.
    pub fn envelope(&self, recover: &[u8], administer: &[u8]) -> String {
        let to = self.service.binding();
        let envelope = Envelope {
            v: 1,
            protocol: self.service.protocol().name(),
            kid: self.service.kid(),
            tid: &to.tenant,
            oid: &to.user,
            device_id: &to.device,
            container_id: self.compartment.hex(),
            protector_version: self.version,
            created: self.created.0,
            recover: URL_SAFE_NO_PAD.encode(recover),
            administer: URL_SAFE_NO_PAD.encode(administer),
        };
        let json = serde_json::to_vec(&envelope)
            .unwrap_or_else(|error| unreachable!("an envelope of strings and numbers is JSON: {error}"));
        URL_SAFE_NO_PAD.encode(json)
    }
}
