use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;

const NOW: UnixTime = UnixTime::from_seconds(1_000_000);

fn options(change: impl FnOnce(&mut PassOptions)) -> PassOptions {
    let mut options = PassOptions::default();
    change(&mut options);
    options
}

#[test]
fn a_code_can_be_read_out() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let code = PassCode::random(&PassOptions::default(), &mut rng).unwrap();
    assert_eq!(code.expose().len(), 10);
    assert!(code.expose().bytes().all(|byte| ALPHABET.contains(&byte)), "{}", code.expose());
    assert!(!code.expose().contains(['0', 'O', '1', 'I']));
    assert_ne!(code.expose(), PassCode::random(&PassOptions::default(), &mut rng).unwrap().expose());
    assert_eq!(format!("{code:?}"), "PassCode(..)");
    for (length, fits) in [(7, false), (8, true), (48, true), (49, false)] {
        let outcome = PassCode::random(&options(|options| options.length = length), &mut rng);
        assert_eq!(outcome.err(), (!fits).then_some(OptionsError::Length), "{length}");
    }
}

#[test]
fn it_may_be_typed_in_groups_and_small_letters() {
    let typed = |text: &str| PassCode::typed(text).unwrap().as_bytes().to_vec();
    assert_eq!(typed(" abcd-efgh 23 "), b"ABCDEFGH23");
    assert_ne!(typed("ABCDEFGH2"), b"ABCDEFGH23");
    assert_eq!(PassCode::typed(" - ").unwrap_err(), PasswordError::Empty);
    assert_eq!(PassCode::typed(&"A".repeat(200)).unwrap_err(), PasswordError::TooLong);
}

#[test]
fn it_is_for_a_time() {
    let terms = PassTerms::new(&PassOptions::default(), NOW).unwrap();
    let hour = Duration::from_hours(1);
    assert_eq!(terms.r#use(NOW.minus(Duration::from_secs(1))), Err(PassRefused::NotYet));
    assert!(terms.r#use(NOW).is_ok());
    assert!(terms.r#use(NOW.plus(hour).minus(Duration::from_secs(1))).is_ok());
    assert_eq!(terms.r#use(NOW.plus(hour)), Err(PassRefused::Expired));

    let tomorrow = NOW.plus(Duration::from_hours(24));
    let later = PassTerms::new(&options(|options| options.start = Some(tomorrow)), NOW).unwrap();
    assert_eq!(later.r#use(NOW), Err(PassRefused::NotYet));
    assert_eq!(later.until, tomorrow.plus(hour));
    // A start in the past does not make it longer or shorter.
    let earlier = PassTerms::new(&options(|options| options.start = Some(NOW.minus(hour))), NOW).unwrap();
    assert_eq!(earlier, terms);

    for (lifetime, fits) in [(599, false), (600, true), (30 * 86_400, true), (30 * 86_400 + 1, false)] {
        let outcome =
            PassTerms::new(&options(|options| options.lifetime = Duration::from_secs(lifetime)), NOW);
        assert_eq!(outcome.err(), (!fits).then_some(OptionsError::Lifetime), "{lifetime}");
    }
}

#[test]
fn a_one_time_pass_is_used_once() {
    let once = PassTerms::new(&PassOptions::default(), NOW).unwrap().r#use(NOW).unwrap();
    assert_eq!(once.used, Some(NOW));
    assert_eq!(once.r#use(NOW), Err(PassRefused::Used));
    let many = PassTerms::new(&options(|options| options.once = false), NOW).unwrap();
    assert!(many.r#use(NOW).unwrap().r#use(NOW).is_ok());
}
