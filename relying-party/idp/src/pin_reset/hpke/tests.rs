use aws_lc_rs::aead::AES_128_GCM;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;

/// RFC 9180 has no vector of P-256 with AES-256-GCM; its A.3.1 differs from our suite in the AEAD only.
const AES_128: Suite = Suite { id: 0x0001, algorithm: &AES_128_GCM };
const INFO: &[u8] = b"Ode on a Grecian Urn";
const TEXT: &[u8] = b"Beauty is truth, truth beauty";
const ENCAPSULATED: &str = "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4";
const CIPHERTEXT: &str =
    "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn recipient() -> SecretKey {
    SecretKey::from_slice(&hex("f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2")).unwrap()
}

#[test]
fn the_vector_of_the_rfc() {
    let ephemeral = hex("4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb");
    let ephemeral = SecretKey::from_slice(&ephemeral).unwrap();
    let (private, public) = (recipient(), recipient().public_key());
    let shared = point::agree(&ephemeral, &public);
    let expected = hex("c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8");
    assert_eq!(secret(&shared, &ephemeral.public_key(), &public).as_slice(), expected);

    let sealed = AES_128.seal(&public, (INFO, b"Count-0"), TEXT, &ephemeral);
    assert_eq!(sealed, [hex(ENCAPSULATED), hex(CIPHERTEXT)].concat());
    let sealed = Sealed::parse(&sealed).unwrap();
    let shared = point::agree(&private, sealed.encapsulated());
    assert_eq!(AES_128.open(&sealed, &public, &shared, (INFO, b"Count-0")).unwrap().as_slice(), TEXT);
}

#[test]
fn only_what_was_sealed_opens() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let (private, public) = (recipient(), recipient().public_key());
    let sealed = seal(&public, (INFO, b"aad"), TEXT, &mut rng);
    let open = |bytes: &[u8], words: (&[u8], &[u8])| {
        let sealed = Sealed::parse(bytes).ok_or(OpenError)?;
        sealed.open(&public, &point::agree(&private, sealed.encapsulated()), words)
    };
    assert_eq!(open(&sealed, (INFO, b"aad")).unwrap().as_slice(), TEXT);
    assert_eq!(open(&sealed, (INFO, b"other")), Err(OpenError));
    assert_eq!(open(&sealed, (b"other", b"aad")), Err(OpenError));
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(open(&changed, (INFO, b"aad")), Err(OpenError), "byte {at}");
        assert_eq!(open(&sealed[..at], (INFO, b"aad")), Err(OpenError), "{at} bytes");
    }
    assert_ne!(sealed, seal(&public, (INFO, b"aad"), TEXT, &mut rng), "each has an ephemeral key of its own");
}
