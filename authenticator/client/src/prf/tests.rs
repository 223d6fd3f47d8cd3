//! The vectors of WebAuthn Level 3 §10.1.4 / §16.17 "prf": how PRF inputs become `hmac-secret`, for both protocols.
//! They are made from `SHA-256("WebAuthn PRF test vectors" || n)`; the values here were computed apart from this code.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::pin_uv::tests::{Vector, hex};

fn values(count: usize) -> PrfValues {
    let input = |n: u8| Bytes([b"WebAuthn PRF test vectors".as_slice(), &[n]].concat());
    PrfValues { first: input(2), second: (count == 2).then(|| input(3)) }
}

#[test]
fn salts_and_results_of_the_vectors() {
    for vector in Vector::ALL {
        let values = values(vector.inputs);
        assert_eq!(*values.salts(), hex(vector.salts), "{}", vector.name);
        let results = values.results(&vector.secret(), &hex(vector.output_enc)).unwrap();
        let outputs = [Some(results.first), results.second].into_iter().flatten().flat_map(|output| output.0);
        assert_eq!(outputs.collect::<Vec<u8>>(), hex(vector.outputs), "{}", vector.name);
    }
}

#[test]
fn salts_travel_encrypted_and_authenticated() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for vector in Vector::ALL {
        let secret = vector.secret();
        let sent = values(vector.inputs).encrypted(&secret, &mut rng);
        assert_eq!(*secret.decrypt(&sent.salt_enc).unwrap(), hex(vector.salts));
        assert_eq!(sent.salt_auth, secret.authenticate(&sent.salt_enc));
        assert_eq!(sent.protocol, Some(vector.protocol.number()));
        assert_eq!(sent.key_agreement, secret.platform_key);
    }
}

#[test]
fn answers_of_another_length_are_refused() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let secret = Vector::ALL[0].secret();
    for (inputs, length) in [(1, 0), (1, 16), (1, 48), (1, 64), (2, 32), (2, 48), (2, 96)] {
        let output = secret.encrypt(&vec![7; length], &mut rng);
        assert!(values(inputs).results(&secret, &output).is_err(), "{inputs} inputs, {length} bytes");
    }
}

#[test]
fn inputs_by_credential() {
    let (one, two, other) = (vec![1; 32], vec![2; 32], vec![3; 32]);
    let inputs = |keys: &[&str]| PrfInputs {
        eval: Some(values(2)),
        eval_by_credential: Some(keys.iter().map(|key| ((*key).to_owned(), values(1))).collect()),
    };
    let name = |outcome: Result<(), DomException>| outcome.err().map(|error| error.name);
    let key = base64url::encode(&one);
    let good = inputs(&[&key]);
    assert_eq!(name(good.check_for_get(&[one.clone(), two.clone()])), None);
    assert_eq!(name(good.check_for_get(&[])), Some(ErrorName::NotSupportedError));
    assert_eq!(name(good.check_for_get(std::slice::from_ref(&two))), Some(ErrorName::SyntaxError));
    for bad in ["", "*", "AQ==", "AR"] {
        assert_eq!(
            name(inputs(&[bad]).check_for_get(&[one.clone(), vec![1]])),
            Some(ErrorName::SyntaxError),
            "{bad}"
        );
    }
    assert_eq!(name(inputs(&[]).check_for_get(&[])), None, "an empty record asks for nothing");
    assert_eq!(good.values_for(Some(&one)), Some(&values(1)));
    assert_eq!(good.values_for(Some(&other)), Some(&values(2)), "eval is for all others");
    assert_eq!(good.values_for(None), Some(&values(2)));
    assert_eq!(PrfInputs::default().values_for(Some(&one)), None);
}
