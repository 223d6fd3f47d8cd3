//! The words of the provider: identifiers, scopes, and how a user proved who they are. Data only.

mod app;
mod asked;
mod authentication;
mod device;
mod device_policy;
mod group;
mod ids;
mod opaque;
mod people;
mod rsa1;
mod scope;
mod sid;
mod tenant;

pub use app::{
    App, AppKind, AppRole, ClientKey, ClientSecret, ExposedScope, RedirectKind, RedirectUri, Registration,
    SigningAlgorithm, TokenVersion, first_party,
};
pub use asked::{AskedClaims, ClaimName};
pub use authentication::{Amr, Authentication};
pub use device::{
    AttestationWordError, Device, DeviceAttestation, DeviceSystem, DeviceTpm, EnterpriseKey, JoinType,
};
pub use device_policy::{
    CharacterRule, DevicePolicy, HelloPolicy, PinPolicy, Registrars, RequiredAttestation,
};
pub use group::Group;
pub use ids::{ClientId, DeviceId, EnterpriseKeyId, GrantId, GroupId, IdError, SessionId, TenantId, UserId};
pub use opaque::{Opaque, OpaqueHash};
pub use people::User;
pub use rsa1::Rsa1;
pub use scope::{Scope, ScopeError, Scopes};
pub use sid::security_identifier;
pub use tenant::{Authority, SecondFactor, Tenant, TenantPolicy};

#[cfg(test)]
mod tests;
