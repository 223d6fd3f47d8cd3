//! authenticatorGetInfo (CTAP 2.3 §6.4).

use latchkey_container::TpmClass;
use latchkey_ctap::aaguid;
use latchkey_protocol::get_info::Response;
use latchkey_protocol::{Algorithm, Request};

use crate::device::Device;

fn info(device: &mut Device) -> Response {
    Response::parse(&device.send(&Request::GetInfo)).unwrap()
}

#[test]
fn it_says_what_works_and_no_more() {
    let mut device = Device::with_pin();
    let info = info(&mut device);
    assert_eq!(info.versions, ["FIDO_2_0", "FIDO_2_1", "FIDO_2_3"]);
    assert_eq!(
        info.extensions,
        [
            "credBlob",
            "credProtect",
            "hmac-secret",
            "hmac-secret-mc",
            "largeBlobKey",
            "minPinLength",
            "pinComplexityPolicy",
            "thirdPartyPayment"
        ]
    );
    assert_eq!(info.aaguid, aaguid::SOFTWARE);
    assert_eq!(info.pin_uv_auth_protocols, [2, 1], "in order of preference");
    assert_eq!(info.transports, ["usb"]);
    assert_eq!(info.max_msg_size, Some(7609));
    assert_eq!(info.max_credential_id_length, Some(32));
    assert_eq!(info.min_pin_length, Some(6), "software has a longer minimum");
    assert_eq!(info.max_pin_length, Some(63));
    assert_eq!(info.attestation_formats, ["packed"], "none is not listed");
    let algorithms: Vec<Algorithm> = info.algorithms.iter().map(|parameter| parameter.alg).collect();
    assert_eq!(algorithms, [Algorithm::ES256, Algorithm::ES384, Algorithm::RS256, Algorithm::EDDSA]);
    assert_eq!(info.max_serialized_large_blob_array, Some(65_536));
    assert_eq!(info.max_cred_blob_length, Some(64));
    assert_eq!(info.max_rp_ids_for_set_min_pin_length, Some(32));
    assert_eq!(info.preferred_platform_uv_attempts, Some(1), "our prompt tries again by itself");
    assert!(info.certifications.is_empty(), "nobody has certified this");
    assert_eq!(info.remaining_discoverable_credentials, Some(1000), "at least");
    assert_eq!((info.long_touch_for_reset, info.pin_complexity_policy), (Some(false), Some(false)));
    assert_eq!(info.transports_for_reset, ["usb"]);
    assert_eq!(info.authenticator_config_commands, Some(vec![3, 4]));
    assert_eq!(info.vendor_prototype_config_commands, None);
    assert_eq!((info.enc_identifier, info.enc_cred_store_state), (None, None), "nobody could read them");
}

#[test]
fn uv_and_client_pin_are_true_only_with_a_pin() {
    for (mut device, pin) in [(Device::fresh(), false), (Device::with_pin(), true)] {
        let options = info(&mut device).options;
        let expected = [
            ("alwaysUv", true),
            ("authnrCfg", true),
            ("clientPin", pin),
            ("credMgmt", true),
            ("credentialMgmtPreview", true),
            ("largeBlobs", true),
            ("makeCredUvNotRqd", false),
            ("perCredMgmtRO", true),
            ("pinUvAuthToken", true),
            ("plat", false),
            ("rk", true),
            ("setMinPINLength", true),
            ("up", true),
            ("uv", pin),
            ("uvAcfg", true),
        ];
        assert_eq!(options.iter().map(|(name, value)| (name.as_str(), *value)).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn each_class_of_container_is_another_model() {
    let models = [TpmClass::Hardware, TpmClass::Virtual, TpmClass::Software].map(aaguid::of);
    for (at, model) in models.iter().enumerate() {
        assert_eq!(model[6] >> 4, 4, "a random UUID");
        assert!(models.iter().skip(at + 1).all(|other| other != model));
    }
}
