//! Arbitrary messages.

use latchkey_protocol::attestation::AttestationStatement;
use latchkey_protocol::authenticator_data::{AttestedCredential, AuthenticatorData, Flags};
use latchkey_protocol::cbor::Value;
use latchkey_protocol::client_pin::{self, Permissions};
use latchkey_protocol::cose::{CoseKey, KeyAgreement};
use latchkey_protocol::extensions::{AuthenticationExtensions, HmacSecretInput, RegistrationExtensions};
use latchkey_protocol::{
    Algorithm, CredentialDescriptor, CredentialParameter, Options, Request, RpEntity, UserEntity,
    credential_management, get_assertion, get_info, large_blobs, make_credential,
};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;

/// A byte string.
pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..80)
}

pub fn text() -> impl Strategy<Value = String> {
    any::<String>()
}

fn flag() -> impl Strategy<Value = Option<bool>> {
    any::<Option<bool>>()
}

pub fn number() -> impl Strategy<Value = Option<u64>> {
    any::<Option<u64>>()
}

fn rp() -> impl Strategy<Value = RpEntity> {
    (text(), of(text())).prop_map(|(id, name)| RpEntity { id, name })
}

fn user() -> impl Strategy<Value = UserEntity> {
    (vec(any::<u8>(), 0..=64), of(text()), of(text())).prop_map(|(id, name, display_name)| UserEntity {
        id,
        name,
        display_name,
    })
}

fn parameter() -> impl Strategy<Value = CredentialParameter> {
    (any::<i64>(), prop_oneof![Just("public-key".to_owned()), text()])
        .prop_map(|(alg, kind)| CredentialParameter { alg: Algorithm(alg), kind })
}

fn descriptor() -> impl Strategy<Value = CredentialDescriptor> {
    (bytes(), prop_oneof![Just("public-key".to_owned()), text()], vec(text(), 0..3))
        .prop_map(|(id, kind, transports)| CredentialDescriptor { id, kind, transports })
}

fn options() -> impl Strategy<Value = Options> {
    (flag(), flag(), flag()).prop_map(|(rk, up, uv)| Options { rk, up, uv })
}

fn key_agreement() -> impl Strategy<Value = KeyAgreement> {
    any::<([u8; 32], [u8; 32])>().prop_map(|(x, y)| KeyAgreement { x, y })
}

fn hmac_secret() -> impl Strategy<Value = HmacSecretInput> {
    (key_agreement(), bytes(), bytes(), number()).prop_map(
        |(key_agreement, salt_enc, salt_auth, protocol)| HmacSecretInput {
            key_agreement,
            salt_enc,
            salt_auth,
            protocol,
        },
    )
}

fn registration_extensions() -> impl Strategy<Value = RegistrationExtensions> {
    (of(any::<u8>()), of(bytes()), flag(), of(hmac_secret()), flag(), flag(), flag(), flag()).prop_map(
        |(
            cred_protect,
            cred_blob,
            hmac_secret,
            hmac_secret_mc,
            large_blob_key,
            min_pin_length,
            pin_complexity_policy,
            third_party_payment,
        )| RegistrationExtensions {
            cred_protect,
            cred_blob,
            hmac_secret,
            hmac_secret_mc,
            large_blob_key,
            min_pin_length,
            pin_complexity_policy,
            third_party_payment,
        },
    )
}

fn authentication_extensions() -> impl Strategy<Value = AuthenticationExtensions> {
    (flag(), of(hmac_secret()), flag(), flag()).prop_map(
        |(cred_blob, hmac_secret, large_blob_key, third_party_payment)| AuthenticationExtensions {
            cred_blob,
            hmac_secret,
            large_blob_key,
            third_party_payment,
        },
    )
}

fn make_credential_request() -> impl Strategy<Value = make_credential::Request> {
    (
        (any::<[u8; 32]>(), rp(), user(), vec(parameter(), 0..4), vec(descriptor(), 0..3)),
        (registration_extensions(), options(), of(bytes()), number(), number(), vec(text(), 0..3)),
    )
        .prop_map(|(required, optional)| {
            let (client_data_hash, rp, user, pub_key_cred_params, exclude_list) = required;
            let (extensions, options, param, protocol, enterprise, formats) = optional;
            make_credential::Request {
                client_data_hash,
                rp,
                user,
                pub_key_cred_params,
                exclude_list,
                extensions,
                options,
                pin_uv_auth_param: param,
                pin_uv_auth_protocol: protocol,
                enterprise_attestation: enterprise,
                attestation_formats_preference: formats,
            }
        })
}

fn get_assertion_request() -> impl Strategy<Value = get_assertion::Request> {
    (
        text(),
        any::<[u8; 32]>(),
        of(vec(descriptor(), 0..4)),
        authentication_extensions(),
        options(),
        of(bytes()),
        number(),
    )
        .prop_map(|(rp_id, client_data_hash, allow_list, extensions, options, param, protocol)| {
            get_assertion::Request {
                rp_id,
                client_data_hash,
                allow_list,
                extensions,
                options,
                pin_uv_auth_param: param,
                pin_uv_auth_protocol: protocol,
            }
        })
}

fn client_pin_request() -> impl Strategy<Value = client_pin::Request> {
    (
        number(),
        any::<u8>(),
        of(key_agreement()),
        of(bytes()),
        of(bytes()),
        of(bytes()),
        any::<Option<u8>>(),
        of(text()),
    )
        .prop_map(|(protocol, subcommand, key, param, new_pin, pin_hash, permissions, rp_id)| {
            client_pin::Request {
                protocol,
                subcommand: client_pin::SubCommand(subcommand),
                key_agreement: key,
                pin_uv_auth_param: param,
                new_pin_enc: new_pin,
                pin_hash_enc: pin_hash,
                permissions: permissions.map(Permissions),
                rp_id,
            }
        })
}

fn credential_management_request() -> impl Strategy<Value = credential_management::Request> {
    let params = (any::<Option<[u8; 32]>>(), of(descriptor()), of(user()));
    (any::<u8>(), of(params), number(), of(bytes())).prop_map(|(subcommand, params, protocol, param)| {
        credential_management::Request {
            subcommand: credential_management::SubCommand(subcommand),
            params: params.map(|(hash, id, user)| credential_management::Params::new(hash, id, user)),
            protocol,
            pin_uv_auth_param: param,
        }
    })
}

fn large_blobs_request() -> impl Strategy<Value = large_blobs::Request> {
    (number(), of(bytes()), number(), number(), of(bytes()), number()).prop_map(
        |(get, set, offset, length, pin_uv_auth_param, pin_uv_auth_protocol)| large_blobs::Request {
            get,
            set,
            offset,
            length,
            pin_uv_auth_param,
            pin_uv_auth_protocol,
        },
    )
}

/// Any request.
pub fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        4 => make_credential_request().prop_map(Request::MakeCredential),
        4 => get_assertion_request().prop_map(Request::GetAssertion),
        4 => client_pin_request().prop_map(Request::ClientPin),
        4 => credential_management_request().prop_map(Request::CredentialManagement),
        2 => large_blobs_request().prop_map(Request::LargeBlobs),
        4 => crate::config::request().prop_map(Request::Config),
        1 => Just(Request::GetInfo),
        1 => Just(Request::Reset),
        1 => Just(Request::GetNextAssertion),
        1 => Just(Request::Selection),
    ]
}

fn statement() -> impl Strategy<Value = AttestationStatement> {
    prop_oneof![
        Just(AttestationStatement::None),
        (any::<i64>(), bytes())
            .prop_map(|(alg, sig)| AttestationStatement::PackedSelf { alg: Algorithm(alg), sig }),
        (bytes(), bytes()).prop_map(|(sig, certificate)| {
            AttestationStatement::Other(
                "packed".to_owned(),
                Value::Map(vec![
                    ("alg".into(), (-7).into()),
                    ("sig".into(), sig.into()),
                    ("x5c".into(), vec![Value::Bytes(certificate)].into()),
                ]),
            )
        }),
    ]
}

/// The response of makeCredential.
pub fn make_credential_response() -> impl Strategy<Value = make_credential::Response> {
    (bytes(), statement(), flag(), of(bytes()), of(extension_outputs())).prop_map(
        |(auth_data, att_stmt, enterprise_attestation, large_blob_key, unsigned_extension_outputs)| {
            make_credential::Response {
                auth_data,
                att_stmt,
                enterprise_attestation,
                large_blob_key,
                unsigned_extension_outputs,
            }
        },
    )
}

/// The response of getAssertion.
pub fn get_assertion_response() -> impl Strategy<Value = get_assertion::Response> {
    (of(descriptor()), bytes(), bytes(), of(user()), number(), flag(), of(bytes()), of(extension_outputs()))
        .prop_map(|(credential, auth_data, signature, user, count, selected, large_blob_key, outputs)| {
            get_assertion::Response {
                credential,
                auth_data,
                signature,
                user,
                number_of_credentials: count,
                user_selected: selected,
                large_blob_key,
                unsigned_extension_outputs: outputs,
            }
        })
}

/// The response of clientPIN.
pub fn client_pin_response() -> impl Strategy<Value = client_pin::Response> {
    (of(key_agreement()), of(bytes()), number(), flag(), number()).prop_map(
        |(key_agreement, pin_uv_auth_token, pin_retries, power_cycle_state, uv_retries)| {
            client_pin::Response {
                key_agreement,
                pin_uv_auth_token,
                pin_retries,
                power_cycle_state,
                uv_retries,
            }
        },
    )
}

/// The response of credentialManagement.
pub fn credential_management_response() -> impl Strategy<Value = credential_management::Response> {
    (
        (number(), number(), of(rp()), any::<Option<[u8; 32]>>(), number(), of(user())),
        (of(descriptor()), of(public_key()), number(), number(), of(bytes()), flag()),
    )
        .prop_map(|(first, second)| credential_management::Response {
            existing_resident_credentials_count: first.0,
            max_possible_remaining_resident_credentials_count: first.1,
            rp: first.2,
            rp_id_hash: first.3,
            total_rps: first.4,
            user: first.5,
            credential_id: second.0,
            public_key: second.1,
            total_credentials: second.2,
            cred_protect: second.3,
            large_blob_key: second.4,
            third_party_payment: second.5,
        })
}

/// The response of getInfo.
pub fn get_info_response() -> impl Strategy<Value = get_info::Response> {
    let texts = || vec(text(), 0..4);
    (
        (texts(), texts(), any::<[u8; 16]>(), btree_map(text(), any::<bool>(), 0..8)),
        (vec(any::<u64>(), 0..3), texts(), vec(parameter(), 0..3), btree_map(text(), any::<u64>(), 0..3)),
        (texts(), texts(), of(bytes()), of(bytes()), of(bytes())),
        (of(vec(any::<u64>(), 0..3)), of(vec(any::<u64>(), 0..3)), flag(), flag(), flag()),
        any::<[Option<u64>; 11]>(),
        number(),
    )
        .prop_map(|(a, b, c, d, n, max_pin_length)| get_info::Response {
            versions: a.0,
            extensions: a.1,
            aaguid: a.2,
            options: a.3,
            max_msg_size: n[0],
            pin_uv_auth_protocols: b.0,
            max_credential_count_in_list: n[1],
            max_credential_id_length: n[2],
            transports: b.1,
            algorithms: b.2,
            max_serialized_large_blob_array: n[3],
            force_pin_change: d.2,
            min_pin_length: n[4],
            firmware_version: n[5],
            max_cred_blob_length: n[6],
            max_rp_ids_for_set_min_pin_length: n[7],
            preferred_platform_uv_attempts: n[8],
            uv_modality: n[9],
            certifications: b.3,
            remaining_discoverable_credentials: n[10],
            vendor_prototype_config_commands: d.0,
            attestation_formats: c.0,
            uv_count_since_last_pin_entry: n[0],
            long_touch_for_reset: d.3,
            enc_identifier: c.2,
            transports_for_reset: c.1,
            pin_complexity_policy: d.4,
            pin_complexity_policy_url: c.3,
            max_pin_length,
            enc_cred_store_state: c.4,
            authenticator_config_commands: d.1,
        })
}

/// A credential's public key.
pub fn public_key() -> impl Strategy<Value = CoseKey> {
    let minimal =
        || (1..=u8::MAX, vec(any::<u8>(), 0..300)).prop_map(|(first, rest)| [vec![first], rest].concat());
    prop_oneof![
        any::<([u8; 32], [u8; 32])>().prop_map(|(x, y)| CoseKey::P256 { x, y }),
        (minimal(), minimal()).prop_map(|(n, e)| CoseKey::Rsa { n, e }),
        (vec(any::<u8>(), 48), vec(any::<u8>(), 48))
            .prop_map(|(x, y)| CoseKey::P384 { x: x.try_into().unwrap(), y: y.try_into().unwrap() }),
        any::<[u8; 32]>().prop_map(|x| CoseKey::Ed25519 { x }),
        vec(any::<u8>(), 1312).prop_map(|key| CoseKey::MlDsa44 { key }),
        any::<[u8; 32]>().prop_map(|x| {
            CoseKey::Other(Value::Map(vec![
                (1.into(), 2.into()),
                (3.into(), (-47).into()),
                ((-1).into(), 8.into()),
                ((-2).into(), x.to_vec().into()),
                ((-3).into(), true.into()),
            ]))
        }),
    ]
}

fn extension_outputs() -> impl Strategy<Value = Value> {
    of(bytes()).prop_map(|output| match output {
        Some(output) => Value::Map(vec![("hmac-secret".into(), output.into())]),
        None => Value::Map(vec![("credProtect".into(), 3.into()), ("hmac-secret".into(), true.into())]),
    })
}

/// Authenticator data whose flags agree with what it has.
pub fn authenticator_data() -> impl Strategy<Value = AuthenticatorData> {
    let attested = (any::<[u8; 16]>(), vec(any::<u8>(), 0..=1023), public_key()).prop_map(
        |(aaguid, credential_id, public_key)| AttestedCredential { aaguid, credential_id, public_key },
    );
    (any::<[u8; 32]>(), any::<u8>(), any::<u32>(), of(attested), of(extension_outputs())).prop_map(
        |(rp_id_hash, flags, sign_count, attested, extensions)| {
            let mut flags = flags & !(Flags::AT.0 | Flags::ED.0);
            flags |= if attested.is_some() { Flags::AT.0 } else { 0 };
            flags |= if extensions.is_some() { Flags::ED.0 } else { 0 };
            AuthenticatorData { rp_id_hash, flags: Flags(flags), sign_count, attested, extensions }
        },
    )
}
