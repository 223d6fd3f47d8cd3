use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::PinRecord;
use crate::pin::Pin;
use crate::seal::{Purpose, SealingKey};
use crate::secret::Secret32;
use crate::stretch::{StretchCost, verifier};

const COST: StretchCost = StretchCost { memory_kib: 64, passes: 1 };

#[test]
fn what_lies_on_the_disk_tells_no_guess_from_another() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let pin = Pin::typed("100001", 6).unwrap();
    let record = PinRecord::empty(&mut rng).with(&pin, 5, COST).unwrap().unwrap();
    let key = Secret32::random(&mut rng);
    let sealed = record.seal(&[1; 16], &key, &mut rng);
    let right = verifier(COST, &pin.hash(), &record.salt).unwrap();
    let lies_there = |bytes: &[u8]| sealed.windows(bytes.len()).any(|window| window == bytes);
    assert!(
        !lies_there(right.expose()) && !lies_there(&*record.salt),
        "whoever has the file has no verifier"
    );
    let other = SealingKey::derive(&Secret32::random(&mut rng), Purpose::PinRecord);
    assert!(PinRecord::open(&[1; 16], &other, &sealed).is_none(), "another key");
    let key = SealingKey::derive(&key, Purpose::PinRecord);
    assert!(PinRecord::open(&[2; 16], &key, &sealed).is_none(), "another container");
    let opened = PinRecord::open(&[1; 16], &key, &sealed).unwrap();
    assert!(opened.with(&pin, 5, COST).unwrap().is_none(), "the PIN comes again");
}
