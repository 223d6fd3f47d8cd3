//! How many passkeys a relying party may keep here (CTAP 2.3 §6.1.2 step 17; conformance point A1).

use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::{Request, Status};

use crate::device::{Device, status};
use crate::platform::{prove_registration, registration, token, user};

const PER_RP: u32 = 64;

fn register(device: &mut Device, rp_id: &str, name: &str, rk: bool) -> Status {
    let mut request = registration();
    rp_id.clone_into(&mut request.rp.id);
    request.user = user(name);
    request.options.rk = Some(rk);
    let token = token(device, Permissions::MAKE_CREDENTIAL, Some(rp_id));
    prove_registration(&mut request, &token);
    status(&device.send(&Request::MakeCredential(request)))
}

#[test]
fn no_relying_party_fills_the_container() {
    let mut device = Device::with_pin();
    for number in 0..PER_RP {
        assert_eq!(register(&mut device, "greedy.example", &number.to_string(), true), Status::OK);
    }
    assert_eq!(register(&mut device, "greedy.example", "one more", true), Status::KEY_STORE_FULL);
    assert_eq!(device.container().discoverable_count().unwrap(), PER_RP, "nothing is half made");

    assert_eq!(register(&mut device, "greedy.example", "7", true), Status::OK, "in the place of the old one");
    assert_eq!(device.container().discoverable_count().unwrap(), PER_RP);
    assert_eq!(register(&mut device, "greedy.example", "one more", false), Status::OK, "not discoverable");
    assert_eq!(register(&mut device, "modest.example", "alice", true), Status::OK);
}
