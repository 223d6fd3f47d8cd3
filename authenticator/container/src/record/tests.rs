//! Every passkey survives its record.

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::{decode, encode};
use crate::access::PasskeyClass;
use crate::passkey::{
    CredRandom, CredentialId, Passkey, PasskeyAlgorithm, PasskeyExtensions, PasskeyPublicKey, PrivateKey,
    Protection, UserAccount,
};
use crate::public_key::Public;
use crate::secret::{AuthValue, Secret32};
use crate::time::UnixTime;
use crate::tpm::{KeyBlob, PublicKey};

fn public_key() -> impl Strategy<Value = PasskeyPublicKey> {
    prop_oneof![
        any::<([u8; 32], [u8; 32])>()
            .prop_map(|(x, y)| PasskeyPublicKey::DeviceBound(PublicKey::P256 { x, y })),
        (prop::collection::vec(any::<u8>(), 48), prop::collection::vec(any::<u8>(), 48)).prop_map(
            |(x, y)| {
                let (x, y) = (x.try_into().unwrap(), y.try_into().unwrap());
                PasskeyPublicKey::DeviceBound(PublicKey::P384 { x, y })
            }
        ),
        (prop::collection::vec(any::<u8>(), 256), any::<u32>()).prop_map(|(modulus, exponent)| {
            PasskeyPublicKey::DeviceBound(PublicKey::Rsa { modulus, exponent })
        }),
        any::<[u8; 32]>().prop_map(PasskeyPublicKey::Ed25519),
        prop::collection::vec(any::<u8>(), 1312).prop_map(PasskeyPublicKey::MlDsa44),
    ]
}

prop_compose! {
    fn user()(
        handle in prop::collection::vec(any::<u8>(), 0..64),
        name in any::<Option<String>>(),
        display_name in any::<Option<String>>(),
    ) -> UserAccount {
        UserAccount { handle, name, display_name }
    }
}

prop_compose! {
    fn extensions()(
        (hmac_secret, large_blob_key, third_party_payment) in any::<(bool, bool, bool)>(),
        cred_blob in prop::option::of(prop::collection::vec(any::<u8>(), 0..64)),
    ) -> PasskeyExtensions {
        PasskeyExtensions { hmac_secret, cred_blob, large_blob_key, third_party_payment }
    }
}

prop_compose! {
    fn passkey()(
        id in any::<[u8; 32]>(),
        (rp_id, label, app_id) in any::<(String, Option<String>, Option<[u8; 32]>)>(),
        user in user(),
        public_key in public_key(),
        (discoverable, created) in any::<(bool, u64)>(),
        extensions in extensions(),
        level in 1_u8..=3,
        key in prop::collection::vec(any::<u8>(), 0..600),
        (secret, with_uv, without_uv) in any::<([u8; 32], [u8; 32], [u8; 32])>(),
    ) -> Passkey {
        let (algorithm, public_key) = Public::from(&public_key).read().unwrap();
        Passkey {
            id: CredentialId(id.to_vec()),
            rp_id,
            user,
            algorithm,
            public_key,
            app_id,
            class: PasskeyClass::Verified,
            discoverable,
            protection: Protection::try_from(level).unwrap(),
            created: UnixTime(created),
            label,
            key: match algorithm {
                PasskeyAlgorithm::DeviceBound(_) => {
                    PrivateKey::DeviceBound(KeyBlob(key), AuthValue::new(secret))
                }
                PasskeyAlgorithm::Sealed(sealed) => PrivateKey::Sealed(sealed, Secret32::new(secret)),
            },
            extensions,
            cred_random: CredRandom { with_uv: Secret32::new(with_uv), without_uv: Secret32::new(without_uv) },
        }
    }
}

/// Everything of a passkey, the secrets too.
fn contents(passkey: &Passkey) -> impl PartialEq + std::fmt::Debug {
    (
        format!("{passkey:?}"),
        match &passkey.key {
            PrivateKey::DeviceBound(_, auth) => *auth.expose(),
            PrivateKey::Sealed(_, seed) => *seed.expose(),
        },
        *passkey.cred_random.with_uv.expose(),
        *passkey.cred_random.without_uv.expose(),
    )
}

proptest! {
    #[test]
    fn comes_back_as_it_was(passkey in passkey()) {
        let again = decode(PasskeyClass::Verified, &encode(&passkey)).unwrap();
        prop_assert_eq!(contents(&again), contents(&passkey));
    }

    #[test]
    fn a_part_of_it_is_not_a_passkey(passkey in passkey(), at in any::<prop::sample::Index>()) {
        let payload = encode(&passkey);
        prop_assert!(decode(PasskeyClass::Verified, &payload[..at.index(payload.len())]).is_none());
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(decode(PasskeyClass::Verified, &bytes));
    }
}

#[test]
fn members_of_a_later_format_are_passed_over() {
    use ciborium::Value;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let original = passkey().new_tree(&mut runner).unwrap().current();
    let payload = encode(&original);
    let (secrets, cbor) = payload.split_at(96);
    let Value::Map(mut members) = ciborium::from_reader::<Value, _>(cbor).unwrap() else {
        panic!("the facts are a map")
    };
    members.push((Value::Text("later".into()), Value::Bool(true)));
    let mut extended = secrets.to_vec();
    ciborium::into_writer(&Value::Map(members), &mut extended).unwrap();
    assert_eq!(contents(&decode(PasskeyClass::Verified, &extended).unwrap()), contents(&original));
}

#[test]
fn cred_random_is_given_only_to_a_passkey_that_was_registered_with_it() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut passkey = passkey().new_tree(&mut runner).unwrap().current();
    passkey.extensions.hmac_secret = false;
    assert!(passkey.cred_random(true).is_none() && passkey.cred_random(false).is_none());
    passkey.extensions.hmac_secret = true;
    assert_eq!(passkey.cred_random(true).unwrap().expose(), passkey.cred_random.with_uv.expose());
    assert_eq!(passkey.cred_random(false).unwrap().expose(), passkey.cred_random.without_uv.expose());
}

#[test]
fn a_record_of_before_there_were_more_extensions_opens_without_them() {
    use ciborium::Value;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut original = passkey().new_tree(&mut runner).unwrap().current();
    original.extensions = PasskeyExtensions { hmac_secret: true, ..PasskeyExtensions::default() };
    let payload = encode(&original);
    let Value::Map(members) = ciborium::from_reader::<Value, _>(&payload[96..]).unwrap() else {
        panic!("the facts are a map")
    };
    let later = ["cb", "lb", "tp"];
    assert!(members.iter().all(|(name, _)| !later.contains(&name.as_text().unwrap())), "the form of before");
    assert_eq!(decode(original.class, &payload).unwrap().extensions, original.extensions);
}

#[test]
fn the_key_for_large_blobs_is_its_own_and_only_for_a_passkey_that_was_registered_with_it() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut passkey = passkey().new_tree(&mut runner).unwrap().current();
    passkey.extensions.large_blob_key = false;
    assert!(passkey.large_blob_key().is_none());
    passkey.extensions.large_blob_key = true;
    let key = *passkey.large_blob_key().unwrap().expose();
    assert_eq!(key, *decode(passkey.class, &encode(&passkey)).unwrap().large_blob_key().unwrap().expose());
    assert_ne!(key, *passkey.cred_random.with_uv.expose());
}
