//! The crate ctap-hid-fido2, by way of hidapi.

use ctap_hid_fido2::fidokey::{
    AssertionExtension, CredentialExtension, GetAssertionArgsBuilder, MakeCredentialArgsBuilder,
};
use ctap_hid_fido2::public_key_credential_user_entity::PublicKeyCredentialUserEntity;
use ctap_hid_fido2::{Cfg, FidoKeyHid, FidoKeyHidFactory, verifier};

use crate::Client;
use crate::machine::{Machine, PIN};

pub const CLIENT: Client = Client {
    name: "ctap-hid-fido2",
    version: "sed -n '/^name = \"ctap-hid-fido2\"/{n;s/.*\"\\(.*\\)\"/\\1/p}' Cargo.lock",
    exercised: "both PIN protocols: register, sign in, hmac-secret, a wrong PIN; change the PIN; list and delete resident keys",
    exercise,
};

const RP: &str = "ctap-hid-fido2.example";
const OTHER_PIN: &str = "silver-birch-9";

fn exercise(_machine: &Machine) {
    let settings = Cfg { use_pre_credential_management: false, enable_keep_alive_msg: false, ..Cfg::init() };
    let mut device = FidoKeyHidFactory::create(&settings).expect("it finds the security key");
    for protocol in [1, 2] {
        device.pin_protocol_version = protocol;
        register_and_sign_in(&device);
        hmac_secret(&device);
    }
    pins(&device);
    manage(&device);
}

fn register_and_sign_in(device: &FidoKeyHid) {
    let challenge = verifier::create_challenge();
    let user = PublicKeyCredentialUserEntity::new(Some(b"ann"), Some("ann"), Some("Ann"));
    let asked = MakeCredentialArgsBuilder::new(RP, &challenge).pin(PIN).user_entity(&user).resident_key();
    let made = device.make_credential_with_args(&asked.build()).expect("a credential is made");
    let challenge = verifier::create_challenge();
    let asked = GetAssertionArgsBuilder::new(RP, &challenge).pin(PIN).build();
    let given = device.get_assertion_with_args(&asked).expect("an assertion is given");
    let [given] = given.as_slice() else { panic!("one account, {} assertions", given.len()) };
    assert_eq!(given.credential_id, made.credential_descriptor.id);
    let verifies = |challenge| verifier::verify_assertion(RP, &made.credential_publickey, challenge, given);
    assert!(verifies(&challenge), "the assertion is that key's");
    assert!(!verifies(&verifier::create_challenge()), "and of no other challenge");
    let wrong = GetAssertionArgsBuilder::new(RP, &challenge).pin(OTHER_PIN).build();
    let _refused = device.get_assertion_with_args(&wrong).expect_err("a wrong PIN gives none");
}

fn hmac_secret(device: &FidoKeyHid) {
    let challenge = verifier::create_challenge();
    let asked = MakeCredentialArgsBuilder::new(RP, &challenge)
        .pin(PIN)
        .extensions(&[CredentialExtension::HmacSecret(Some(true))])
        .build();
    let made = device.make_credential_with_args(&asked).expect("a credential is made");
    let secret = |salt: &str| {
        let asked = GetAssertionArgsBuilder::new(RP, &challenge)
            .pin(PIN)
            .credential_id(&made.credential_descriptor.id)
            .extensions(&[AssertionExtension::create_hmac_secret_from_string(salt)])
            .build();
        let given = device.get_assertion_with_args(&asked).expect("an assertion is given");
        let mut extensions = given.into_iter().flat_map(|one| one.extensions);
        let secret = extensions.find_map(|extension| {
            let AssertionExtension::HmacSecret(secret) = extension else { return None };
            secret
        });
        secret.expect("it gives a secret")
    };
    assert_eq!(secret("one"), secret("one"), "the same salt gives the same secret");
    assert_ne!(secret("one"), secret("two"), "another one gives another");
}

fn pins(device: &FidoKeyHid) {
    let tries = || device.get_pin_retries().expect("the tries are told");
    assert_eq!(tries(), 8);
    let _wrong = device.change_pin(OTHER_PIN, PIN).expect_err("that is not the PIN");
    assert_eq!(tries(), 7);
    device.change_pin(PIN, OTHER_PIN).expect("the PIN can be changed");
    device.change_pin(OTHER_PIN, PIN).expect("and back");
    assert_eq!(tries(), 8);
}

fn manage(device: &FidoKeyHid) {
    let sites = device.credential_management_enumerate_rps(Some(PIN)).expect("sites are listed");
    let site = sites.iter().find(|site| site.public_key_credential_rp_entity.id == RP);
    let hash = &site.expect("the site is among them").rpid_hash;
    let keys = device.credential_management_enumerate_credentials(Some(PIN), hash).expect("keys are listed");
    let [key] = keys.as_slice() else { panic!("one account, {} keys", keys.len()) };
    assert_eq!(key.public_key_credential_user_entity.name, "ann");
    let delete = || {
        let key = key.public_key_credential_descriptor.clone();
        device.credential_management_delete_credential(Some(PIN), key)
    };
    delete().expect("it can be deleted");
    let _gone = delete().expect_err("once");
}
