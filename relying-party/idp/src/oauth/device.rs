//! A device asks for a pair of codes (RFC 8628 §3.1).

use std::time::Duration;

use serde_json::{Value, json};

use super::authorize::wants_fresh;
use super::error::Refusal;
use super::resource::resolve;
use super::token::{Protocol, TokenRequest};
use crate::domain::{AppKind, Authority, OpaqueHash, Scopes};
use crate::provider::Provider;
use crate::storage::{self, DeviceRequest};

const LIFETIME: Duration = Duration::from_mins(15);
/// No vowels, so no words; nothing that looks like something else (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// 20^9 codes: about 39 bits, guessed through a page that counts tries.
const LENGTH: usize = 9;

/// Answers a request to the device authorization endpoint.
///
/// # Errors
/// When the request is refused.
pub async fn authorize_device(provider: &Provider, request: &TokenRequest<'_>) -> Result<Value, Refusal> {
    let fields = &request.fields;
    let id = fields.required("client_id")?.parse().map_err(|_| Refusal::Application)?;
    let client = provider.app(id).await?.ok_or(Refusal::Application)?;
    if client.registration.kind == AppKind::Public && !client.registration.public_flows {
        return Err(Refusal::GrantNotAllowed);
    }
    let tenant = match &request.authority {
        Authority::Tenant(_) | Authority::Domain(_) => {
            let tenant = provider.tenant(&request.authority).await?.ok_or(Refusal::Tenant)?;
            if !client.known_to(tenant.id) {
                return Err(Refusal::Application);
            }
            Some(tenant.id)
        }
        Authority::Common | Authority::Organizations => None,
        Authority::Consumers => return Err(Refusal::Tenant),
    };
    let scopes = Scopes::parse(fields.optional("scope")?.unwrap_or_default());
    let scopes = scopes.map_err(|_| Refusal::Scope("it has characters that are not allowed"))?;
    let resource = fields.optional("resource")?;
    if let Some(tenant) = tenant {
        resolve(provider, tenant, &scopes, resource).await?;
    }
    let now = provider.now();
    let asked = DeviceRequest {
        client: client.id,
        tenant,
        scopes,
        resource: resource.map(str::to_owned),
        address: request.address.to_string(),
        asked_at: Some(now),
        fresh_mfa: wants_fresh(fields)?,
    };
    let device_code = provider.opaque();
    let expires_at = now.plus(LIFETIME);
    let mut user_code = user_code(provider);
    // Two devices with one user code: as unlikely as it is, the second one draws again.
    for _ in 0..3 {
        let hashes = (&device_code.hash(), &OpaqueHash::of(&user_code));
        match provider.database.device_codes().issue(hashes, &asked, expires_at).await {
            Ok(()) => return Ok(answer(provider, request.protocol, device_code.expose(), &user_code)),
            Err(storage::Error::Taken) => user_code = self::user_code(provider),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::Busy)
}

fn answer(provider: &Provider, protocol: Protocol, device_code: &str, user_code: &str) -> Value {
    let page = format!("{}/devicelogin", provider.settings.public_url());
    let (lifetime, interval) = (LIFETIME.as_secs(), storage::INTERVAL.as_secs());
    let message = format!("To sign in, open {page} in a browser and enter the code {user_code}.");
    let mut answer = json!({
        "user_code": user_code,
        "device_code": device_code,
        "verification_uri": page,
        "expires_in": lifetime,
        "interval": interval,
        "message": message,
    });
    if let (Protocol::V1, Some(answer)) = (protocol, answer.as_object_mut()) {
        answer.insert("verification_url".to_owned(), page.into());
        answer.insert("expires_in".to_owned(), lifetime.to_string().into());
        answer.insert("interval".to_owned(), interval.to_string().into());
    }
    answer
}

/// Letters drawn evenly: bytes beyond the last whole multiple of their number are drawn again.
fn user_code(provider: &Provider) -> String {
    let mut code = String::with_capacity(LENGTH);
    while code.len() < LENGTH {
        let mut bytes = [0; 16];
        provider.draw(|rng| rng.fill_bytes(&mut bytes));
        let even =
            bytes.iter().filter(|byte| **byte < 240).filter_map(|byte| LETTERS.get(usize::from(*byte) % 20));
        code.extend(even.take(LENGTH - code.len()).map(|letter| char::from(*letter)));
    }
    code
}
