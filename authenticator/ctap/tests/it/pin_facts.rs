//! The extensions minPinLength and pinComplexityPolicy (CTAP 2.3 §12.5, §12.6).

use latchkey_protocol::authenticator_data::AuthenticatorData;
use latchkey_protocol::cbor::Value;
use latchkey_protocol::config::PinParams;
use latchkey_protocol::extensions::RegistrationExtensions;

use crate::config::set_pin_rules;
use crate::device::Device;
use crate::platform::{RP, register, registration};

/// The extension outputs of a registration with these inputs.
fn outputs(
    device: &mut Device,
    rp_id: &str,
    length: Option<bool>,
    complexity: Option<bool>,
) -> Option<Value> {
    let mut request = registration();
    rp_id.clone_into(&mut request.rp.id);
    request.extensions = RegistrationExtensions {
        min_pin_length: length,
        pin_complexity_policy: complexity,
        ..RegistrationExtensions::default()
    };
    AuthenticatorData::parse(&register(device, request).auth_data).unwrap().extensions
}

#[test]
fn they_are_told_to_whom_a_management_program_named() {
    let mut device = Device::with_pin();
    let (asked, length, complexity) = (
        Some(true),
        || ("minPinLength".into(), 6.into()),
        |on| ("pinComplexityPolicy".into(), Value::Bool(on)),
    );
    assert_eq!(outputs(&mut device, RP, asked, asked), None, "nobody is named");
    let named = PinParams { min_pin_length_rp_ids: Some(vec![RP.to_owned()]), ..PinParams::default() };
    set_pin_rules(&mut device, named);
    assert_eq!(outputs(&mut device, "other.example", asked, asked), None, "somebody else");
    assert_eq!(outputs(&mut device, RP, None, None), None, "not asked for");
    assert_eq!(outputs(&mut device, RP, Some(false), Some(false)), None);
    assert_eq!(outputs(&mut device, RP, asked, None), Some(Value::Map(vec![length()])));
    assert_eq!(outputs(&mut device, RP, None, asked), Some(Value::Map(vec![complexity(false)])));
    assert_eq!(outputs(&mut device, RP, asked, asked), Some(Value::Map(vec![length(), complexity(false)])));
}
