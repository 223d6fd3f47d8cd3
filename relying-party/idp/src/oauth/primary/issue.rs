//! Making primary tokens and their session keys (MS-OAPXBC 3.2.5.1.2.2).

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::error::Refusal;
use super::super::issue::client_info;
use super::super::token::{TokenRequest, wants_client_info};
use super::{Known, Peer, PrimaryRefusal};
use crate::clock::UnixTime;
use crate::domain::{
    Amr, Authentication, Device, GrantId, Opaque, SessionId, Tenant, TokenVersion, User, first_party,
};
use crate::provider::Provider;
use crate::secrets::{Place, Purpose};
use crate::storage::{BrowserSession, Grant, NewPrimaryToken};
use crate::tokens::{self, IdToken, SessionKey};

/// A primary token that nobody uses ends after this; each renewal begins anew.
pub(super) const LIFETIME: Duration = Duration::from_hours(14 * 24);
const ID_TOKEN: Duration = Duration::from_hours(1);

/// Who proved what.
pub(super) struct Proven {
    pub(super) user: User,
    pub(super) methods: Vec<Amr>,
    pub(super) at: UnixTime,
    /// The enterprise key, if it was one.
    pub(super) key_id: Option<[u8; 32]>,
}

/// Stores a new primary token and answers the device.
pub(super) async fn issue(
    provider: &Provider,
    request: &TokenRequest<'_>,
    (device, tenant): (&Device, &Tenant),
    proven: Proven,
    known: &mut Known,
) -> Result<Value, Refusal> {
    let now = provider.now();
    let grant = grant_of(provider, device, &proven);
    let key = provider.draw(SessionKey::random);
    let jwe = sealed_to(provider, &key, device)?;
    let text = new_text(provider);
    let token = new_token(provider, (&text, &key), &grant, proven.key_id, now);
    let session = session_of(device, &grant, request, token.expires_at);
    let cookie = provider.opaque().hash();
    provider.database.primary_tokens().begin((&grant, &session), &cookie, &token).await?;
    let Proven { user, .. } = proven;
    let methods = grant.authentication.method_words();
    known.user = Some(user.clone());
    known.note(provider, "primary_token.issued", [("methods", methods.clone())]).await?;
    if !known.logged {
        known.log(provider, &Peer::of(request), &methods, 0).await?;
    }
    let lifetime = token.expires_at.since(now).as_secs();
    let mut answer = json!({
        "token_type": "Bearer",
        // Brokers read these three as texts and the fourth as a number.
        "expires_in": lifetime.to_string(),
        "ext_expires_in": "0",
        "expires_on": token.expires_at.seconds().to_string(),
        "refresh_token_expires_in": lifetime,
        "refresh_token": text.expose(),
        "session_key_jwe": jwe,
        "id_token": id_token(provider, &user, &grant).await?,
        "device_tenant_id": tenant.id,
    });
    if let (true, Some(answer)) = (wants_client_info(&request.fields)?, answer.as_object_mut()) {
        answer.insert("client_info".to_owned(), client_info(&user).into());
    }
    Ok(answer)
}

/// What the token says. Brokers take a text without a dot for base64 around one with dots.
pub(super) fn new_text(provider: &Provider) -> Opaque {
    Opaque::presented(&format!("1.{}", provider.opaque().expose()))
}

/// The row of a token that says `text`, with its session key sealed for it.
pub(super) fn new_token(
    provider: &Provider,
    (text, key): (&Opaque, &SessionKey),
    grant: &Grant,
    key_id: Option<[u8; 32]>,
    key_made_at: UnixTime,
) -> NewPrimaryToken {
    let (id, now) = (provider.guid(), provider.now());
    NewPrimaryToken {
        id,
        hash: text.hash(),
        grant: grant.id,
        key_id,
        sealed: provider.draw(|rng| provider.sealing.seal(place(&id), key.expose(), rng)),
        key_made_at,
        issued_at: now,
        expires_at: now.plus(LIFETIME),
    }
}

/// Where the session key of this row is sealed.
pub(super) fn place(id: &Uuid) -> Place<'_> {
    Place { purpose: Purpose::SessionKey, row: id.as_bytes() }
}

/// The session key for the device alone.
pub(super) fn sealed_to(
    provider: &Provider,
    key: &SessionKey,
    device: &Device,
) -> Result<String, PrimaryRefusal> {
    let transport = device.transport_key.public_key();
    provider.draw(|rng| key.sealed_to(&transport, rng)).map_err(|_| PrimaryRefusal::TransportKey)
}

fn grant_of(provider: &Provider, device: &Device, proven: &Proven) -> Grant {
    let authentication = Authentication {
        user: proven.user.id,
        session: Some(SessionId::new(provider.guid())),
        at: proven.at,
        methods: proven.methods.clone(),
        device: Some(device.id),
        contexts: Vec::new(),
    };
    let (id, of) = (GrantId::new(provider.guid()), (device.tenant, first_party::PRT));
    Grant::new(id, of, authentication, ["openid"].into_iter().collect(), provider.now())
}

/// The sign-in on the device as one of the user's sessions: whoever ends it ends the primary token and what came of it.
fn session_of(
    device: &Device,
    grant: &Grant,
    request: &TokenRequest<'_>,
    expires_at: UnixTime,
) -> BrowserSession {
    BrowserSession {
        id: grant.authentication.session.unwrap_or(SessionId::new(Uuid::nil())),
        authentication: grant.authentication.clone(),
        persistent: true,
        address: request.address.to_string(),
        agent: device.agent(),
        created_at: grant.created_at,
        seen_at: grant.created_at,
        expires_at,
    }
}

/// Deviation: the service that brokers were made for leaves it unsigned.
async fn id_token(provider: &Provider, user: &User, grant: &Grant) -> Result<String, Refusal> {
    let now = provider.now();
    let app = provider.app(first_party::PRT).await?.ok_or(Refusal::Application)?;
    let claims = IdToken {
        public_url: provider.settings.public_url(),
        client: &app,
        user,
        authentication: &grant.authentication,
        version: TokenVersion::V1,
        scopes: &grant.scopes,
        asked: &[],
        nonce: None,
        access_token: None,
        now,
        expires_at: now.plus(ID_TOKEN),
        id: provider.guid(),
    };
    let key = provider.keys.signing(app.registration.signing_algorithm, now).ok_or(Refusal::NoSigningKey)?;
    Ok(key.sign(&tokens::id_token(&claims, &provider.pairwise_key)?)?)
}
