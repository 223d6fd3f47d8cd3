//! A primary token is used: for tokens of an application, for the next primary token, or both (MS-OAPXBC 3.2.5.1.3).

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::super::client::ClientProof;
use super::super::error::Refusal;
use super::super::token::{Giving, Renewal, TokenRequest, check_second_factor, give, named_tenant};
use super::issue::{new_text, new_token, sealed_to};
use super::nonce::take_nonce;
use super::presented::{Presented, present};
use super::{Known, Peer, PrimaryRefusal};
use crate::clock::UnixTime;
use crate::domain::{AppKind, Authentication, ClientId, GrantId, Scopes, User};
use crate::oauth::Fields;
use crate::provider::Provider;
use crate::storage::Grant;
use crate::tokens::{AnswerCipher, SessionKey, seal_answer};

/// A session key that is older gets a successor at the next renewal.
const KEY_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// How long an older primary token is good after its successor was first used.
const OVERLAP: Duration = Duration::from_mins(10);
/// How far a device's clock may be off.
const SKEW: Duration = Duration::from_mins(5);
/// Asks for the next primary token.
const NEXT: &str = "aza";
/// Asks for what Windows knows about users' groups, of which there is nothing here.
const GROUPS: &str = "ugs";

#[derive(Deserialize)]
struct Use {
    client_id: ClientId,
    request_nonce: String,
    grant_type: String,
    #[serde(default)]
    scope: String,
    resource: Option<String>,
    exp: Option<Moment>,
}

/// A time that some brokers write as a number and others as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Number(i64),
    Text(String),
}

/// Answers a message under a session key, sealed under it.
pub(super) async fn redeem(
    provider: &Provider,
    request: &TokenRequest<'_>,
    text: &str,
    known: &mut Known,
) -> Result<String, Refusal> {
    let (presented, asked) = present::<Use>(provider, text, known).await?;
    known.client = Some(asked.client_id);
    if asked.grant_type != "refresh_token" {
        return Err(Refusal::GrantType);
    }
    let user = presented.stored.user.clone();
    if named_tenant(provider, &request.authority).await?.is_some_and(|tenant| tenant != user.tenant) {
        return Err(PrimaryRefusal::OtherTenant.into());
    }
    if asked.exp.as_ref().is_some_and(|exp| exp.time().is_none_or(|exp| exp.plus(SKEW) <= provider.now())) {
        return Err(PrimaryRefusal::Time.into());
    }
    take_nonce(provider, &asked.request_nonce).await?;
    let cipher = cipher(&request.fields)?;
    let mut answer = tokens(provider, request, &presented, &asked).await?;
    if asked.renews()
        && let Some(answer) = answer.as_object_mut()
    {
        for (name, value) in renewed(provider, &presented).await? {
            answer.insert(name.to_owned(), value);
        }
    }
    let token = &presented.stored.token;
    provider.database.primary_tokens().supersede(token, provider.now().plus(OVERLAP)).await?;
    let methods = presented.authentication(provider).method_words();
    known.log(provider, &Peer::of(request), &methods, 0).await?;
    let text = zeroize::Zeroizing::new(answer.to_string());
    let sealed = provider.draw(|rng| seal_answer(&presented.key, cipher, text.as_bytes(), rng));
    Ok(sealed.map_err(|_| PrimaryRefusal::TransportKey)?)
}

/// What the client can decrypt: what the header says if it declares that it can, or speaks a protocol in which all can.
fn cipher(fields: &Fields) -> Result<AnswerCipher, Refusal> {
    let declared = fields.optional("latchkey_answer")? == Some("gcm");
    let third = fields.optional("prt_protocol_version")?.is_some();
    Ok(if declared || third { AnswerCipher::Gcm } else { AnswerCipher::Cbc })
}

/// The tokens for the application, as it would get them for a refresh token of its own.
async fn tokens(
    provider: &Provider,
    request: &TokenRequest<'_>,
    presented: &Presented,
    asked: &Use,
) -> Result<Value, Refusal> {
    let user = &presented.stored.user;
    let client = client(provider, asked.client_id, user).await?;
    let authentication = presented.authentication(provider);
    check_second_factor(provider, user, &authentication).await?;
    let scopes = asked.scopes()?;
    let (id, of) = (GrantId::new(provider.guid()), (user.tenant, client.app.id));
    let grant = Grant {
        resource: asked.resource.clone(),
        ..Grant::new(id, of, authentication, scopes.clone(), provider.now())
    };
    let giving = Giving {
        client: &client,
        grant,
        user,
        scopes: &scopes,
        resource: asked.resource.as_deref(),
        nonce: None,
        // In the place of a refresh token there can be a primary one.
        renewal: Renewal::New { refresh: !asked.renews() },
    };
    Ok(serde_json::to_value(give(provider, request, giving).await?)?)
}

/// The application that the broker asks for: one that could show nothing but its name anyway.
async fn client(provider: &Provider, id: ClientId, user: &User) -> Result<ClientProof, Refusal> {
    let app = provider.app(id).await?.filter(|app| app.known_to(user.tenant)).ok_or(Refusal::Application)?;
    if app.registration.kind != AppKind::Public {
        return Err(Refusal::NoProof);
    }
    if app.registration.dpop_bound {
        return Err(Refusal::ProofRequired);
    }
    Ok(ClientProof { app, proof: AppKind::NO_PROOF, key: None })
}

/// The members of an answer with the next primary token.
async fn renewed(provider: &Provider, presented: &Presented) -> Result<Vec<(&'static str, Value)>, Refusal> {
    let Presented { stored, key, device } = presented;
    let now = provider.now();
    let old = now.since(stored.token.key_made_at) > KEY_LIFETIME;
    let successor = old.then(|| provider.draw(SessionKey::random));
    let made_at = if old { now } else { stored.token.key_made_at };
    let text = new_text(provider);
    let keyed = (&text, successor.as_ref().unwrap_or(key));
    let token = new_token(provider, keyed, &stored.grant, stored.token.key_id, made_at);
    if !provider.database.primary_tokens().renew(&token).await? {
        return Err(Refusal::Revoked);
    }
    let mut members = vec![
        ("refresh_token", text.expose().into()),
        ("refresh_token_expires_in", token.expires_at.since(now).as_secs().into()),
    ];
    if let Some(successor) = &successor {
        members.push(("session_key_jwe", sealed_to(provider, successor, device)?.into()));
    }
    Ok(members)
}

impl Use {
    fn renews(&self) -> bool {
        self.scope.split(' ').any(|word| word == NEXT)
    }

    /// What is asked for the application.
    fn scopes(&self) -> Result<Scopes, Refusal> {
        let all = Scopes::parse(&self.scope).map_err(|_| Refusal::Malformed("scope"))?;
        Ok(all.words().filter(|word| ![NEXT, GROUPS].contains(word)).collect())
    }
}

impl Moment {
    fn time(&self) -> Option<UnixTime> {
        let seconds = match self {
            Self::Number(seconds) => Some(*seconds),
            Self::Text(text) => text.parse().ok(),
        };
        seconds.map(UnixTime::from_seconds)
    }
}

impl Presented {
    /// The sign-in as it is now: what was fresh when the token was issued need not be fresh any more.
    pub(crate) fn authentication(&self, provider: &Provider) -> Authentication {
        let authentication = &self.stored.grant.authentication;
        authentication.as_of(provider.now())
    }
}
