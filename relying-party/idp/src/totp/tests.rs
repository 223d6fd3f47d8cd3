use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;

fn secret(algorithm: Algorithm, text: &str) -> TotpSecret {
    TotpSecret::from_bytes(algorithm, Zeroizing::new(text.as_bytes().to_vec())).unwrap()
}

fn sha1() -> TotpSecret {
    secret(Algorithm::Sha1, "12345678901234567890")
}

fn sha256() -> TotpSecret {
    secret(Algorithm::Sha256, "12345678901234567890123456789012")
}

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

/// RFC 6238, appendix B: the last six of its eight digits.
#[test]
fn rfc_6238_vectors() {
    for (time, of_sha1, of_sha256) in [
        (59, "94287082", "46119246"),
        (1_111_111_109, "07081804", "68084774"),
        (1_111_111_111, "14050471", "67062674"),
        (1_234_567_890, "89005924", "91819424"),
        (2_000_000_000, "69279037", "90698825"),
        (20_000_000_000, "65353130", "77737706"),
    ] {
        let step = TimeStep::at(at(time));
        for (secret, code) in [(sha1(), of_sha1), (sha256(), of_sha256)] {
            assert_eq!(format!("{:06}", secret.code(step)), code[2..], "{time} {secret:?}");
            assert_eq!(secret.verify(&code[2..], None, at(time)), Answer::Accepted(step));
        }
    }
}

#[test]
fn one_step_either_way_and_no_more() {
    let secret = sha1();
    // The code of the step from 30 to 59 seconds.
    for (time, accepted) in
        [(0, true), (29, true), (30, true), (59, true), (60, true), (89, true), (90, false)]
    {
        let answer = secret.verify("287082", None, at(time));
        let expected = if accepted { Answer::Accepted(TimeStep::new(1)) } else { Answer::Wrong };
        assert_eq!(answer, expected, "{time}");
    }
}

#[test]
fn a_code_is_worth_something_once() {
    let secret = sha1();
    let Answer::Accepted(step) = secret.verify("287082", None, at(59)) else { panic!("right code") };
    assert_eq!(secret.verify("287082", Some(step), at(59)), Answer::Replayed);
    assert_eq!(secret.verify("287082", Some(step), at(70)), Answer::Replayed);
    // An earlier step within the window is used up together with the later one.
    assert_eq!(secret.verify("287082", Some(TimeStep::new(2)), at(70)), Answer::Replayed);
    assert_eq!(secret.verify("287082", Some(TimeStep::new(0)), at(59)), Answer::Accepted(step));
}

#[test]
fn only_six_digits_are_a_code() {
    let secret = sha1();
    assert_eq!(secret.verify("287 082", None, at(59)), Answer::Accepted(TimeStep::new(1)));
    for typed in
        ["", "28708", "2870820", "94287082", "28708x", "+87082", "-87082", "２８７０８２", "287\n082"]
    {
        assert_eq!(secret.verify(typed, None, at(59)), Answer::Wrong, "{typed:?}");
    }
    assert_eq!(secret.verify("287083", None, at(59)), Answer::Wrong);
}

/// RFC 4648 §10, without the padding.
#[test]
fn base32_vectors() {
    for (bytes, text) in [
        ("", ""),
        ("f", "MY"),
        ("fo", "MZXQ"),
        ("foo", "MZXW6"),
        ("foob", "MZXW6YQ"),
        ("fooba", "MZXW6YTB"),
        ("foobar", "MZXW6YTBOI"),
    ] {
        assert_eq!(*base32(bytes.as_bytes()), text);
    }
}

#[test]
fn the_address_for_the_app() {
    let address = sha1().otpauth("Latchkey ID", "ada+1@example.org");
    assert_eq!(
        *address,
        "otpauth://totp/Latchkey%20ID:ada%2B1%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
         &issuer=Latchkey%20ID&algorithm=SHA1&digits=6&period=30"
    );
    let hostile = sha1().otpauth("a&secret=AAAA", "b:c?d");
    assert!(hostile.starts_with("otpauth://totp/a%26secret%3DAAAA:b%3Ac%3Fd?secret=GEZD"), "{}", *hostile);
}

#[test]
fn secrets_are_long_enough_and_not_shown() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    assert_eq!(TotpSecret::random(Algorithm::Sha1, &mut rng).expose().len(), 20);
    let long = TotpSecret::random(Algorithm::Sha256, &mut rng);
    assert_eq!(long.expose().len(), 32);
    assert_eq!(format!("{long:?}"), "TotpSecret { algorithm: Sha256, .. }");
    assert!(TotpSecret::from_bytes(Algorithm::Sha1, Zeroizing::new(vec![1; 15])).is_none());
    assert_eq!(Algorithm::from_name(long.algorithm().name()), Some(Algorithm::Sha256));
    assert_eq!(Algorithm::from_name("SHA512"), None);
}
