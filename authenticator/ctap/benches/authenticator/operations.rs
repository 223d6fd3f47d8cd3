//! The two operations, as requests that are ready to be sent.

use latchkey_container::CredentialId;
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::{CredentialDescriptor, Request, Status};

use crate::device::{Device, status};
use crate::measure::Times;
use crate::platform;

/// A getAssertion for these passkeys, or without a list where there are none, provable with the same token again and
/// again.
pub fn assertion(device: &mut Device, rp_id: &str, allowed: Vec<CredentialDescriptor>) -> Vec<u8> {
    let token = platform::token(device, Permissions::GET_ASSERTION, Some(rp_id));
    assertion_with(&token, rp_id, allowed)
}

/// The same with a token that is there already.
pub fn assertion_with(token: &platform::Token, rp_id: &str, allowed: Vec<CredentialDescriptor>) -> Vec<u8> {
    let mut request = platform::authentication();
    rp_id.clone_into(&mut request.rp_id);
    request.allow_list = Some(allowed).filter(|list| !list.is_empty());
    request.options.up = Some(false);
    platform::prove_authentication(&mut request, token);
    Request::GetAssertion(request).encode()
}

/// What an allow list says of a passkey.
pub fn descriptor(id: &CredentialId) -> CredentialDescriptor {
    CredentialDescriptor::public_key(id.0.clone())
}

/// Sends a request that must succeed.
pub fn succeed(device: &mut Device, request: &[u8]) {
    let response = device.bytes_on(crate::device::CHANNEL, request);
    assert_eq!(status(&response), Status::OK, "the authenticator refuses what is measured");
}

/// Times makeCredential, each with a token and a site of its own made outside the time; `formats` are the attestation
/// formats that are preferred.
pub fn registrations(device: &mut Device, count: usize, formats: &[&str]) -> Times {
    let mut user = 0_u32;
    let device = std::cell::RefCell::new(device);
    Times::of(
        count,
        || {
            user += 1;
            let mut request = platform::registration();
            // Each at a site of its own: no site may keep more than a few passkeys.
            request.rp.id = format!("registration-{user}.example");
            request.attestation_formats_preference =
                formats.iter().map(|format| (*format).to_owned()).collect();
            let rp_id = Some(request.rp.id.as_str());
            let token = platform::token(&mut device.borrow_mut(), Permissions::MAKE_CREDENTIAL, rp_id);
            platform::prove_registration(&mut request, &token);
            Request::MakeCredential(request).encode()
        },
        |request| succeed(&mut device.borrow_mut(), &request),
    )
}
