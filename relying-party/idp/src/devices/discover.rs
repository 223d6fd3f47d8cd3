//! Where the services for devices are (aad-join-spec, discovery document).

use serde_json::{Value, json};

use super::refused::RegistrationRefusal;
use crate::domain::{Authority, Tenant};
use crate::provider::Provider;

/// The name under which tokens for these services are asked for.
const RESOURCE: &str = "urn:ms-drs:enterpriseregistration.windows.net";

/// The discovery document of a tenant.
///
/// # Errors
/// When there is no such tenant.
pub async fn discover(provider: &Provider, tenant: &str) -> Result<Value, RegistrationRefusal> {
    let tenant = provider.tenant(&Authority::parse(tenant)).await?.ok_or(RegistrationRefusal::Tenant)?;
    let Tenant { id, name, domains, .. } = &*tenant;
    let url = provider.settings.public_url();
    let service = |kind: &str, path: &str, version: &str| {
        json!({
            format!("{kind}Endpoint"): format!("{url}/EnrollmentServer/{path}"),
            format!("{kind}ResourceId"): RESOURCE,
            "ServiceVersion": version,
        })
    };
    Ok(json!({
        "DiscoveryService": { "DiscoveryEndpoint": format!("{url}/{id}/Discover"), "ServiceVersion": "1.9" },
        "DeviceRegistrationService": service("Registration", "device/", "2.0"),
        "DeviceJoinService": service("Join", "device/", "2.0"),
        "KeyProvisioningService": service("KeyProvision", "key/", "1.0"),
        "NonceService": service("Nonce", &format!("nonce/{id}/"), "1.0"),
        "AttestationService": service("Attestation", "attestation/", "1.0"),
        "PolicyService": service("Policy", "policy/", "1.0"),
        "AuthenticationService": {
            "OAuth2": {
                "AuthCodeEndpoint": format!("{url}/{id}/oauth2/authorize"),
                "TokenEndpoint": format!("{url}/{id}/oauth2/token"),
            },
        },
        "IdentityProviderService": { "Federated": false },
        "TenantInfo": { "DisplayName": name, "TenantId": id, "TenantName": domains.first() },
    }))
}
