//! What devices are told of the tenant's policy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::asker::Asker;
use super::refused::RegistrationRefusal;
use super::requests::{Nothing, SignedRequest, asked};
use crate::domain::{Authority, Tenant, UserId};
use crate::pin_reset;
use crate::provider::Provider;

/// Where the policy is asked for.
const PATH: &str = "/EnrollmentServer/policy/";

/// The policy, for a registered device that asks.
pub(super) async fn of_device(
    provider: &Provider,
    body: &[u8],
    who: &mut Asker,
) -> Result<Value, RegistrationRefusal> {
    let request = SignedRequest::read(body)?;
    let (device, _) = asked::<Nothing>(provider, (&request.request, PATH), None, who).await?;
    let tenant = provider.tenant(&Authority::Tenant(device.tenant)).await?;
    let tenant = tenant.ok_or(RegistrationRefusal::Tenant)?;
    document(provider, &tenant, device.owner).await
}

/// The policy document, as the policies of Windows Hello for Business are called.
pub(super) async fn document(
    provider: &Provider,
    tenant: &Tenant,
    user: UserId,
) -> Result<Value, RegistrationRefusal> {
    let reset = pin_reset::told(provider, tenant, user).await?;
    let devices = &tenant.policy.devices;
    let (hello, pin) = (&devices.hello, &devices.hello.pin);
    Ok(json!({
        "tenantId": tenant.id,
        "tenantName": tenant.name,
        "version": devices.version,
        "UsePassportForWork": hello.enabled,
        "DisablePostLogonProvisioning": hello.without_prompt,
        "RequireSecurityDevice": hello.requires_tpm,
        "PINComplexity": {
            "MinimumPINLength": pin.minimum,
            "MaximumPINLength": pin.maximum,
            "UppercaseLetters": pin.uppercase.number(),
            "LowercaseLetters": pin.lowercase.number(),
            "SpecialCharacters": pin.special.number(),
            "Digits": pin.digits.number(),
            "History": pin.history,
            "Expiration": pin.expiration,
        },
        "Biometrics": { "UseBiometrics": hello.biometrics, "Persistent": hello.persistent_biometrics },
        "ConfigureWebSignInAllowedUrls": hello.web_sign_in_hosts.join(";"),
        "EnablePinRecovery": tenant.policy.enable_pin_recovery,
        "PinRecoveryProtocol": tenant.policy.pin_recovery_protocol,
        "PinReset": { "Url": reset.url, "Anchor": STANDARD.encode(&reset.anchor), "Allowed": reset.allowed },
    }))
}
