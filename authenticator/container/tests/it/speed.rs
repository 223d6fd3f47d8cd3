//! What must not grow with the number of passkeys. Times are not asserted here: `./run bench` measures them.

use latchkey_container::Error;

use crate::rig::{Home, NOW, hash, logged, new_passkey, pin, rng, taken};

#[test]
fn opening_and_signing_touch_one_passkey_of_many() {
    let home = Home::new();
    let mut container = home.create();
    let unlocked = container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    let mut ids = Vec::new();
    for n in 0_u32..300 {
        let new = new_passkey(&format!("{}.example", n / 3), &n.to_be_bytes());
        ids.push(container.register(&unlocked, new, NOW, &mut rng()).unwrap().id);
    }
    drop(container);
    let (device, log) = logged(home.device());
    let mut container = latchkey_container::Container::open(&home.container_dir(), device).unwrap();
    assert_eq!(container.status().unwrap().passkeys, 300);
    let unlocked = container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    taken(&log);
    assert_eq!(container.passkeys_for(&unlocked, "7.example").unwrap().len(), 3);
    let passkey = container.passkey(&unlocked, &ids[200]).unwrap().unwrap();
    assert_eq!(passkey.rp_id, "66.example");
    container.sign(&unlocked, &passkey, &[b"m"]).unwrap();
    assert_eq!(taken(&log), ["sign"]);
    assert_eq!(container.passkeys(&unlocked).map(|all| all.len()), Ok::<_, Error>(300));
}
