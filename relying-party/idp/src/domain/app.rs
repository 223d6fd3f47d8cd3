//! Client applications and APIs: one registration can be both.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ClientId, TenantId};
use crate::clock::UnixTime;
use crate::strength::Strength;

/// An application that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// The client ID.
    pub id: ClientId,
    /// The tenant that registered it; `None`: built in, known to every tenant.
    pub home: Option<TenantId>,
    /// The name that people read.
    pub name: String,
    /// The App ID URI under which others ask for tokens to it.
    pub identifier_uri: Option<String>,
    /// The rest.
    pub registration: Registration,
    /// When it was registered.
    pub created_at: UnixTime,
}

impl App {
    /// Whether a user of `tenant` may meet this application.
    #[must_use]
    pub fn known_to(&self, tenant: TenantId) -> bool {
        self.registration.multi_tenant || self.home.is_none_or(|home| home == tenant)
    }

    /// The origins of its pages without a server, as browsers write them.
    #[must_use]
    pub fn spa_origins(&self) -> BTreeSet<String> {
        let pages = self.registration.redirect_uris.iter().filter(|uri| uri.kind == RedirectKind::Spa);
        let origins = pages.filter_map(|page| Some(url::Url::parse(&page.uri).ok()?.origin()));
        origins.filter(url::Origin::is_tuple).map(|origin| origin.ascii_serialization()).collect()
    }

    /// How `uri` is registered, if it is: compared as strings (OIDC Core §3.1.2.1), except for the port of
    /// a loopback address (RFC 8252 §7.3).
    #[must_use]
    pub fn redirect(&self, uri: &str) -> Option<RedirectKind> {
        let same = |known: &&RedirectUri| {
            known.uri == uri
                || (known.kind == RedirectKind::Native
                    && loopback_without_port(uri)
                        .is_some_and(|plain| loopback_without_port(&known.uri).as_ref() == Some(&plain)))
        };
        self.registration.redirect_uris.iter().find(same).map(|known| known.kind)
    }
}

/// `http://127.0.0.1:1234/x` as `http://127.0.0.1/x`; nothing for any other kind of URI. Written on the text, so that no
/// parser's leniency (user info, odd slashes) can make two different URIs equal.
fn loopback_without_port(uri: &str) -> Option<String> {
    for host in ["http://127.0.0.1", "http://[::1]", "http://localhost"] {
        let Some(rest) = uri.strip_prefix(host) else { continue };
        let rest = match rest.strip_prefix(':') {
            Some(ported) => {
                let path = ported.trim_start_matches(|c: char| c.is_ascii_digit());
                let digits = ported.len().saturating_sub(path.len());
                if !(1..=5).contains(&digits) {
                    return None;
                }
                path
            }
            None => rest,
        };
        // An empty path and "/" are the same place.
        let rest = if rest.is_empty() { "/" } else { rest };
        return rest.starts_with(['/', '?']).then(|| format!("{host}{rest}"));
    }
    None
}

/// What a registration holds, beside its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent switches of an administrator")]
pub struct Registration {
    /// Whether it can keep a secret.
    pub kind: AppKind,
    /// Whether users of other tenants may use it.
    pub multi_tenant: bool,
    /// Where codes may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where a browser may go after sign-out (OIDC RP-Initiated Logout 1.0 §2.1).
    pub post_logout_redirect_uris: Vec<String>,
    /// What a frame loads when the user signs out here (OIDC Front-Channel Logout 1.0 §2).
    pub front_channel_logout_uri: Option<String>,
    /// Secrets, by their hashes.
    pub secrets: Vec<ClientSecret>,
    /// Public keys for `private_key_jwt`.
    pub keys: Vec<ClientKey>,
    /// Scopes that others may ask for.
    pub scopes: Vec<ExposedScope>,
    /// Roles that others may be assigned.
    pub roles: Vec<AppRole>,
    /// Which tokens it accepts as an API.
    pub access_token_version: TokenVersion,
    /// How its tokens are signed.
    pub signing_algorithm: SigningAlgorithm,
    /// Whether only assigned users may sign in (AADSTS50105).
    pub assignment_required: bool,
    /// Whether its users are not asked for consent: first-party applications.
    pub consented: bool,
    /// Whether its refresh tokens serve the whole family of brokers (`foci`).
    pub family: bool,
    /// Whether it may use the device code and password grants.
    pub public_flows: bool,
    /// Whether it sees `amr` in v2.0 tokens (brokers and registration services need it).
    pub amr_claim: bool,
    /// Whether it may leave PKCE out although it has no secret: a program from before RFC 7636.
    pub pkce_optional: bool,
    /// Whether its authorization requests must be pushed (RFC 9126 §5).
    pub pushed_requests: bool,
    /// Whether its tokens must be bound to a key (RFC 9449 §5).
    pub dpop_bound: bool,
    /// What a sign-in to it must prove at least.
    pub strength: Strength,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            kind: AppKind::Public,
            multi_tenant: false,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            front_channel_logout_uri: None,
            secrets: Vec::new(),
            keys: Vec::new(),
            scopes: Vec::new(),
            roles: Vec::new(),
            access_token_version: TokenVersion::V2,
            signing_algorithm: SigningAlgorithm::Rs256,
            assignment_required: false,
            consented: false,
            family: false,
            public_flows: false,
            amr_claim: false,
            pkce_optional: false,
            pushed_requests: false,
            dpop_bound: false,
            strength: Strength::SingleFactor,
        }
    }
}

/// Client types (RFC 6749 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppKind {
    /// Cannot keep a secret: PKCE is compulsory.
    Public,
    /// Authenticates itself.
    Confidential,
}

/// A registered redirect URI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedirectUri {
    /// Exactly as clients send it.
    pub uri: String,
    /// What is behind it.
    pub kind: RedirectKind,
}

/// What kind of client is behind a redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedirectKind {
    /// A website with a server.
    Web,
    /// A page without a server: CORS, and refresh tokens for 24 hours.
    Spa,
    /// A program on a device.
    Native,
}

/// A secret that a client presents. We made it, from 256 random bits, so its hash needs no salt and no stretching.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecret {
    /// For administrators.
    pub id: Uuid,
    /// SHA-256, base64url.
    pub hash: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Its first characters, so that people can tell secrets apart.
    pub hint: String,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// A public key that a client signs assertions with (RFC 7523).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKey {
    /// `kid` (or `x5t`) of the assertion's header.
    pub id: String,
    /// The key, as a JWK (RFC 7517).
    pub jwk: serde_json::Value,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// A scope of an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposedScope {
    /// Its name: `Files.Read`.
    pub name: String,
    /// What the consent page says.
    pub description: String,
    /// Whether only administrators may consent.
    pub administrators_only: bool,
}

/// A role of an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRole {
    /// Its value in tokens.
    pub value: String,
    /// What administrators read.
    pub description: String,
}

/// Which shape a token has (section 1.2 of the wire reference).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenVersion {
    /// `ver` "1.0".
    #[serde(rename = "1.0")]
    V1,
    /// `ver` "2.0".
    #[serde(rename = "2.0")]
    V2,
}

/// JWS algorithms (RFC 7518 §3.1) that we sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    #[serde(rename = "ES256")]
    Es256,
}

impl SigningAlgorithm {
    /// The `alg` value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// The applications that every tenant knows (wire reference, section 1.0).
pub mod first_party {
    use super::ClientId;
    use uuid::{Uuid, uuid};

    const fn app(guid: Uuid) -> ClientId {
        ClientId::new(guid)
    }

    /// The directory's own API: default resource of v2.0 requests; `User.Read`, userinfo.
    pub const GRAPH: ClientId = app(uuid!("00000003-0000-0000-c000-000000000000"));
    /// Its predecessor: default resource of v1.0 requests.
    pub const GRAPH_V1: ClientId = app(uuid!("00000002-0000-0000-c000-000000000000"));
    /// The provider's own pages. It has no redirect URI, so no request can name it.
    pub const OWN_PAGES: ClientId = app(uuid!("4c61746b-6579-4944-8000-000000000001"));
    /// Which primary refresh tokens are asked with.
    pub const PRT: ClientId = app(uuid!("38aa3b87-a06d-4817-b275-7a316988d93b"));
    /// The authentication broker.
    pub const BROKER: ClientId = app(uuid!("29d9ed98-a469-4536-ade2-f981bc1d605e"));
    /// The Linux broker.
    pub const LINUX_BROKER: ClientId = app(uuid!("b743a22d-6705-4147-8670-d92fa515ee2b"));
    /// The PIN reset service.
    pub const PIN_RESET: ClientId = app(uuid!("b8456c59-1230-44c7-a4a2-99b085333e84"));
    /// Which devices sign users in with before they reset a PIN.
    pub const PIN_RESET_CLIENT: ClientId = app(uuid!("9115dd05-fad5-4f9c-acc7-305d08b1b04e"));
    /// The device registration service.
    pub const DEVICE_REGISTRATION: ClientId = app(uuid!("01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9"));
}
