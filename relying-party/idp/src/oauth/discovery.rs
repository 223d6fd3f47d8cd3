//! What clients ask before anything else: who is here, and where to go (OIDC Discovery; wire reference §1.1).

use serde_json::{Value, json};

use super::dpop;
use super::error::Refusal;
use crate::domain::{Authority, Tenant, TenantId, TokenVersion};
use crate::provider::Provider;
use crate::tokens::{self, ACR};

/// Which metadata document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// `/{t}/.well-known/openid-configuration`.
    V1,
    /// `/{t}/v2.0/.well-known/openid-configuration`.
    V2,
}

/// The metadata of an authority.
///
/// # Errors
/// When there is no such tenant.
pub async fn metadata(
    provider: &Provider,
    authority: &Authority,
    document: Metadata,
) -> Result<Value, Refusal> {
    let tenant = match authority {
        Authority::Common | Authority::Organizations => None,
        Authority::Consumers => return Err(Refusal::Tenant),
        Authority::Tenant(_) | Authority::Domain(_) => {
            Some(provider.tenant(authority).await?.ok_or(Refusal::Tenant)?)
        }
    };
    let url = provider.settings.public_url();
    let host = provider.settings.authority();
    let base = format!("{url}/{}", authority.segment());
    let (version, oauth2) = match document {
        Metadata::V1 => (TokenVersion::V1, format!("{base}/oauth2")),
        Metadata::V2 => (TokenVersion::V2, format!("{base}/oauth2/v2.0")),
    };
    let keys = match document {
        Metadata::V1 => format!("{base}/discovery/keys"),
        Metadata::V2 => format!("{base}/discovery/v2.0/keys"),
    };
    Ok(json!({
        "issuer": issuer(url, tenant.as_ref().map(|tenant| tenant.id), version),
        "authorization_endpoint": format!("{oauth2}/authorize"),
        "token_endpoint": format!("{oauth2}/token"),
        "device_authorization_endpoint": format!("{oauth2}/devicecode"),
        "pushed_authorization_request_endpoint": format!("{oauth2}/par"),
        "require_pushed_authorization_requests": false,
        "end_session_endpoint": format!("{oauth2}/logout"),
        "userinfo_endpoint": format!("{url}/oidc/userinfo"),
        "jwks_uri": keys,
        "token_endpoint_auth_methods_supported":
            ["client_secret_post", "client_secret_basic", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256"],
        "dpop_signing_alg_values_supported": dpop::ALGORITHMS,
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code"],
        "grant_types_supported": grant_types(tenant.as_deref()),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "acr_values_supported": [ACR],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claim_types_supported": ["normal"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "acrs", "nonce", "preferred_username", "name",
            "given_name", "family_name", "email", "oid", "tid", "sid", "ver", "at_hash",
        ],
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "tenant_region_scope": "EU",
        // MS-OIDCE 2.2.3.2: by which brokers learn what they may use.
        "capabilities": ["kdf_ver2"],
        "cloud_instance_name": host,
        "cloud_graph_host_name": host,
        "msgraph_host": host,
    }))
}

/// What the token endpoint of an authority takes: some grants need one tenant, and one of them that tenant's leave.
fn grant_types(tenant: Option<&Tenant>) -> Vec<&'static str> {
    let mut grants = vec![
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ];
    if let Some(tenant) = tenant {
        grants.push("client_credentials");
        if tenant.policy.password_grant {
            grants.push("password");
        }
    }
    grants
}

/// The issuer of a tenant; without one a template, into which clients put the token's `tid`.
pub(super) fn issuer(public_url: &str, tenant: Option<TenantId>, version: TokenVersion) -> String {
    let tenant = tenant.map_or_else(|| "{tenantid}".to_owned(), |tenant| tenant.to_string());
    tokens::issuer(public_url, tenant, version)
}

/// The answer that lets clients trust our host as an authority.
#[must_use]
pub fn instance_discovery(provider: &Provider) -> Value {
    let host = provider.settings.authority();
    let common = Authority::Common.segment();
    json!({
        "tenant_discovery_endpoint":
            format!("{}/{common}/v2.0/.well-known/openid-configuration", provider.settings.public_url()),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    })
}

/// Whether a user signs in here: the domain decides, never the account, so that accounts cannot be searched for.
///
/// # Errors
/// When the database does not answer.
pub async fn user_realm(provider: &Provider, user: &str) -> Result<Value, Refusal> {
    let domain = user.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase();
    let known = provider.tenant(&Authority::Domain(domain.clone())).await?.is_some();
    Ok(json!({
        "ver": "1.0",
        "account_type": if known { "Managed" } else { "Unknown" },
        "domain_name": domain,
        "cloud_instance_name": provider.settings.authority(),
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }))
}
