//! Passkeys: register, find, replace, rename, delete, sign.

use latchkey_container::{
    Container, CredentialId, Error, KeyAlgorithm, PasskeyAlgorithm, PasskeyExtensions, PasskeyPublicKey,
    Protection, PublicKey, SealedAlgorithm, UnixTime, Unlocked, UserAccount,
};

use crate::rig::{Home, NOW, hash, new_passkey, pin, rng};

fn unlocked() -> (Home, Container, Unlocked) {
    let home = Home::new();
    let mut container = home.create();
    let unlocked = container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    (home, container, unlocked)
}

#[test]
fn a_passkey_comes_back_whole_after_a_restart() {
    let (home, mut container, unlocked) = unlocked();
    let made = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    assert_eq!(made.id.0.len(), 32);
    assert_eq!((made.created, made.label.clone()), (NOW, None));
    drop(container);
    let mut container = home.open();
    let unlocked = container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    let found = container.passkey(&unlocked, &made.id).unwrap().unwrap();
    assert_eq!(format!("{found:?}"), format!("{made:?}"));
    for verified in [true, false] {
        let secret = found.cred_random(verified).unwrap().expose();
        assert_eq!(secret, made.cred_random(verified).unwrap().expose());
    }
    assert_ne!(found.cred_random(true).unwrap().expose(), found.cred_random(false).unwrap().expose());
    assert!(container.passkey(&unlocked, &CredentialId(vec![1; 32])).unwrap().is_none());
    assert!(container.passkey(&unlocked, &CredentialId(vec![])).unwrap().is_none());
}

#[test]
fn every_algorithm_signs_the_concatenation() {
    let (_home, mut container, unlocked) = unlocked();
    for algorithm in [
        PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Es256),
        PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Es384),
        PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Rs256),
        PasskeyAlgorithm::Sealed(SealedAlgorithm::Ed25519),
        PasskeyAlgorithm::Sealed(SealedAlgorithm::MlDsa44),
    ] {
        let new = latchkey_container::NewPasskey { algorithm, ..new_passkey("a.example", b"1") };
        let made = container.register(&unlocked, new, NOW, &mut rng()).unwrap();
        let found = container.passkey(&unlocked, &made.id).unwrap().unwrap();
        assert_eq!((found.algorithm, &found.public_key), (algorithm, &made.public_key));
        let signed = container.sign(&unlocked, &found, &[b"one", b" ", b"two"]).unwrap().bytes;
        assert!(verifies(&found.public_key, b"one two", &signed), "{algorithm:?}");
        assert!(!verifies(&found.public_key, b"one two ", &signed), "{algorithm:?}");
        let other = container.sign(&unlocked, &found, &[b"one two "]).unwrap().bytes;
        assert!(!verifies(&found.public_key, b"one two", &other), "{algorithm:?}");
    }
}

/// With the verifiers of aws-lc-rs, which has no part in the sealed keys.
fn verifies(key: &PasskeyPublicKey, message: &[u8], signature: &[u8]) -> bool {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
        UnparsedPublicKey,
    };
    match key {
        PasskeyPublicKey::DeviceBound(PublicKey::P256 { x, y }) => {
            let point = [&[4], &x[..], y].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
        }
        PasskeyPublicKey::DeviceBound(PublicKey::P384 { x, y }) => {
            let point = [&[4], &x[..], y].concat();
            UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point).verify(message, signature)
        }
        PasskeyPublicKey::DeviceBound(PublicKey::Rsa { modulus, exponent: 65537 }) => {
            let key = aws_lc_rs::rsa::PublicKeyComponents { n: &modulus[..], e: &[1, 0, 1][..] };
            key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
        }
        PasskeyPublicKey::DeviceBound(key) => panic!("{key:?} has another exponent"),
        PasskeyPublicKey::Ed25519(point) => {
            UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
        }
        PasskeyPublicKey::MlDsa44(key) => {
            UnparsedPublicKey::new(&aws_lc_rs::signature::ML_DSA_44, key).verify(message, signature)
        }
    }
    .is_ok()
}

#[test]
fn newest_first_per_relying_party() {
    let (_home, mut container, unlocked) = unlocked();
    for (n, rp) in ["a.example", "b.example", "a.example", "a.example"].into_iter().enumerate() {
        let handle = [u8::try_from(n).unwrap()];
        container.register(&unlocked, new_passkey(rp, &handle), UnixTime(5), &mut rng()).unwrap();
    }
    let handles = |passkeys: Vec<latchkey_container::Passkey>| {
        passkeys.into_iter().map(|passkey| passkey.user.handle[0]).collect::<Vec<_>>()
    };
    assert_eq!(handles(container.passkeys_for(&unlocked, "a.example").unwrap()), [3, 2, 0]);
    assert_eq!(handles(container.passkeys_for(&unlocked, "b.example").unwrap()), [1]);
    assert_eq!(handles(container.passkeys_for(&unlocked, "A.example").unwrap()), [0; 0]);
    assert_eq!(handles(container.passkeys(&unlocked).unwrap()), [3, 2, 1, 0]);
}

#[test]
fn a_discoverable_passkey_replaces_the_account_s_older_one_only() {
    let (_home, mut container, unlocked) = unlocked();
    let first = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    let others = [
        new_passkey("a.example", b"2"),
        new_passkey("b.example", b"1"),
        latchkey_container::NewPasskey { discoverable: false, ..new_passkey("a.example", b"1") },
    ];
    for new in others {
        container.register(&unlocked, new, NOW, &mut rng()).unwrap();
    }
    assert_eq!(container.status().unwrap().passkeys, 4);
    assert_eq!(container.discoverable_count(), Ok(3));
    let second = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    assert_eq!(container.status().unwrap().passkeys, 4);
    assert!(container.passkey(&unlocked, &first.id).unwrap().is_none());
    assert!(!container.knows(&first.id, "a.example").unwrap());
    assert_eq!(container.passkeys_for(&unlocked, "a.example").unwrap()[0].id, second.id);
    assert_eq!(container.next_signature_count(&first.id), Ok(1), "reserved in memory, and harmless");
}

#[test]
fn a_passkey_that_is_not_discoverable_is_found_by_its_id_only() {
    let (_home, mut container, unlocked) = unlocked();
    let new = latchkey_container::NewPasskey {
        discoverable: false,
        extensions: PasskeyExtensions::default(),
        protection: Protection::Optional,
        ..new_passkey("a.example", b"1")
    };
    let made = container.register(&unlocked, new, NOW, &mut rng()).unwrap();
    assert!(container.passkeys_for(&unlocked, "a.example").unwrap().is_empty());
    assert_eq!(container.discoverable_count(), Ok(0));
    let found = container.passkey(&unlocked, &made.id).unwrap().unwrap();
    assert_eq!((found.discoverable, found.protection), (false, Protection::Optional));
    assert!(found.cred_random(true).is_none());
    assert_eq!(container.passkeys(&unlocked).unwrap().len(), 1);
}

#[test]
fn knowing_works_while_locked_and_binds_the_relying_party() {
    let (home, mut container, unlocked) = unlocked();
    let made = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    drop((unlocked, container));
    let mut container = home.open();
    assert!(container.knows(&made.id, "a.example").unwrap());
    assert!(!container.knows(&made.id, "b.example").unwrap());
    assert!(!container.knows(&CredentialId(vec![0; 32]), "a.example").unwrap());
}

#[test]
fn names_change_and_handles_do_not() {
    let (_home, mut container, unlocked) = unlocked();
    let made = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    let user = UserAccount { handle: b"1".to_vec(), name: Some("bob".into()), display_name: None };
    assert!(container.update_user(&unlocked, &made.id, user.clone(), &mut rng()).unwrap());
    assert!(container.rename(&unlocked, &made.id, Some("laptop".into()), &mut rng()).unwrap());
    let found = container.passkey(&unlocked, &made.id).unwrap().unwrap();
    assert_eq!((&found.user, found.label.as_deref()), (&user, Some("laptop")));
    container.sign(&unlocked, &found, &[b"still signs"]).unwrap();

    let other = UserAccount { handle: b"2".to_vec(), ..user.clone() };
    assert!(!container.update_user(&unlocked, &made.id, other, &mut rng()).unwrap());
    let unknown = CredentialId(vec![9; 32]);
    assert!(!container.update_user(&unlocked, &unknown, user, &mut rng()).unwrap());
    assert!(!container.rename(&unlocked, &unknown, None, &mut rng()).unwrap());
    assert!(container.rename(&unlocked, &made.id, None, &mut rng()).unwrap());
    assert_eq!(container.passkey(&unlocked, &made.id).unwrap().unwrap().label, None);
}

#[test]
fn deleting_deletes_one() {
    let (home, mut container, unlocked) = unlocked();
    let kept = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    let gone = container.register(&unlocked, new_passkey("a.example", b"2"), NOW, &mut rng()).unwrap();
    assert_eq!(container.delete(&unlocked, &gone.id), Ok(true));
    assert_eq!(container.delete(&unlocked, &gone.id), Ok(false));
    assert_eq!(container.next_signature_count(&gone.id), Err(Error::UnknownPasskey));
    drop(container);
    let mut container = home.open();
    let unlocked = container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    let left = container.passkeys(&unlocked).unwrap();
    assert_eq!(left.iter().map(|passkey| &passkey.id).collect::<Vec<_>>(), [&kept.id]);
}

#[test]
fn a_copied_container_tells_neither_sites_nor_accounts() {
    let (home, mut container, unlocked) = unlocked();
    let made = container
        .register(&unlocked, new_passkey("secret-site.example", b"handle-1"), NOW, &mut rng())
        .unwrap();
    container.rename(&unlocked, &made.id, Some("my secret label".into()), &mut rng()).unwrap();
    let while_open = home.bytes();
    drop(container);
    for bytes in [while_open, home.bytes()] {
        assert!(bytes.len() > 4096);
        let needles: [&[u8]; 8] = [
            b"secret-site",
            b"handle-1",
            b"alice",
            b"Alice",
            b"secret label",
            b"123456",
            &made.id.0,
            made.cred_random(true).unwrap().expose(),
        ];
        for needle in needles {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{needle:?}");
        }
    }
}

#[test]
fn nothing_secret_prints() {
    let (_home, mut container, unlocked) = unlocked();
    let made = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    let printed = format!("{made:?} {unlocked:?} {container:?}");
    let secret = format!("{:?}", made.cred_random(true).unwrap().expose());
    assert!(printed.contains("redacted") && !printed.contains(secret.trim_matches(['[', ']'])), "{printed}");
}
