//! Known answers, computed with the Python library roadlib.

use latchkey_container::secret::Secret32;

use super::{version_1, version_2};

fn counting<const N: usize>() -> [u8; N] {
    std::array::from_fn(|index| u8::try_from(index).expect("small"))
}

fn hex(key: &Secret32) -> String {
    let number = |half: &[u8]| u128::from_be_bytes(half.try_into().expect("16 bytes"));
    let (front, back) = key.expose().split_at(16);
    format!("{:032x}{:032x}", number(front), number(back))
}

#[test]
fn version_1_gives_the_known_answer() {
    let derived = version_1(&Secret32::new(counting()), &counting::<24>());
    assert_eq!(hex(&derived), "70296b4334bf08f7bc6953575e6b6c18959dbcad6adb263fb625939d099456b3");
}

#[test]
fn version_2_binds_the_key_to_the_payload() {
    let key = Secret32::new(counting());
    let derived = version_2(&key, &counting::<24>(), br#"{"refresh_token":"x"}"#);
    assert_eq!(hex(&derived), "2bc9b6955655e18cc5c78964c210b169f5222964a164ee80db2630c52aa1679b");
    let other = version_2(&key, &counting::<24>(), br#"{"refresh_token":"y"}"#);
    assert_ne!(hex(&derived), hex(&other));
}
