use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;

/// What the device checks: `A1 = z·G + c·S`, `A2 = z·Y + c·E`, and that they hash to `c`.
fn holds(pinned: &PublicKey, blinded: &PublicKey, point: &PublicKey, proof: &[u8; PROOF]) -> bool {
    let scalar = |bytes: &[u8]| Scalar::from_repr(<[u8; 32]>::try_from(bytes).unwrap().into()).into_option();
    let (Some(c), Some(z)) = (scalar(&proof[..32]), scalar(&proof[32..])) else { return false };
    let sum = |first: ProjectivePoint, second: &PublicKey| {
        PublicKey::from_affine((first * z + second.to_projective() * c).to_affine()).ok()
    };
    let a1 = sum(ProjectivePoint::GENERATOR, pinned);
    let (Some(a1), Some(a2)) = (a1, sum(blinded.to_projective(), point)) else { return false };
    challenge(&[*pinned, *blinded, *point, a1, a2]) == c
}

fn scalar(rng: &mut ChaCha20Rng) -> NonZeroScalar {
    NonZeroScalar::generate_from_rng(rng)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_device_finds_its_key_again_and_the_service_cannot(seed: u64, words in "[a-z]{0,40}") {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let s = Master::random(&mut rng).scalar(&words);
        let x = scalar(&mut rng);
        let kept = PublicKey::from_secret_scalar(&x);
        let key = times(&s.public(), &x);

        let r = scalar(&mut rng);
        let blinded = times(&kept, &r);
        let answer = s.evaluate(&blinded, &mut rng);
        prop_assert!(holds(&s.public(), &blinded, &answer.point, &answer.proof));
        prop_assert_eq!(times(&answer.point, &r.invert().unwrap()), key);
        prop_assert_ne!(answer.point, key);

        // Another blinding shows another point: nothing links the two requests.
        let again = times(&kept, &scalar(&mut rng));
        prop_assert_ne!(blinded, again);
    }

    #[test]
    fn a_proof_holds_for_nothing_else(seed: u64, bit in 0_usize..8 * PROOF) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let master = Master::random(&mut rng);
        let (s, other) = (master.scalar("recover"), master.scalar("administer"));
        let blinded = PublicKey::from_secret_scalar(&scalar(&mut rng));
        let Evaluation { point, proof } = s.evaluate(&blinded, &mut rng);
        let wrong = other.evaluate(&blinded, &mut rng);
        prop_assert!(!holds(&s.public(), &blinded, &wrong.point, &wrong.proof), "the other purpose's scalar");
        prop_assert!(!holds(&s.public(), &blinded, &wrong.point, &proof));
        prop_assert!(!holds(&other.public(), &blinded, &point, &proof));
        prop_assert!(!holds(&s.public(), &point, &blinded, &proof));
        let mut changed = proof;
        changed[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!holds(&s.public(), &blinded, &point, &changed));
    }
}

#[test]
fn scalars_differ_by_each_word_and_stay_the_same() {
    let master = Master::new(&[7; 32]);
    let public = |words: &str| master.scalar(words).public();
    assert_eq!(public("a\nb\n"), public("a\nb\n"));
    assert_ne!(public("a\nb\n"), public("ab\n\n"));
    assert_ne!(public("a"), Master::new(&[8; 32]).scalar("a").public());
    assert_ne!(PublicKey::from(master.signing_key().verifying_key()), public("a"));
}
