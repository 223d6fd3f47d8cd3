//! A9: an older state comes back, and signature counts with it.

use latchkey_container::{Container, CreateOptions, Error, Pin, PinHash, Profile, StretchCost, UnixTime};
use latchkey_protocol::authenticator_data::AuthenticatorData;
use latchkey_protocol::get_assertion::Response;
use latchkey_protocol::{Request, Status};
use latchkey_tpm::SoftwareTpm;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::device::{Device, NOW, PIN, rng, status, typed};
use crate::platform::{RP, authentication, passkey};

fn count(device: &mut Device) -> u32 {
    device.user([typed(PIN)]);
    let response = device.send(&Request::GetAssertion(authentication()));
    assert_eq!(status(&response), Status::OK);
    AuthenticatorData::parse(&Response::parse(&response).unwrap().auth_data).unwrap().sign_count
}

#[test]
fn no_restart_takes_a_signature_count_back() {
    let mut device = Device::with_pin();
    passkey(&mut device, RP, "alice");
    let mut last = 0;
    for _ in 0..4 {
        for _ in 0..3 {
            let next = count(&mut device);
            assert!(next > last, "{next} after {last}");
            last = next;
        }
        device.power_cycle();
    }
}

/// The files of before a change of PIN, put back: the TPM holds the newer PIN, so neither opens them.
#[test]
fn an_older_copy_of_the_files_signs_nothing_after_a_change_of_pin() {
    let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tpm = || Box::new(SoftwareTpm::open(state.path(), Box::new(ChaCha20Rng::seed_from_u64(1))).unwrap());
    let (path, backup) = (folder.path().join("container"), folder.path().join("backup"));
    let options = CreateOptions {
        stretch: StretchCost { memory_kib: 8, passes: 1 },
        require_tpm: false,
        profile: Profile::Hello,
    };
    let mut container = Container::create(&path, tpm(), &options, UnixTime(1), &mut rng()).unwrap();
    let new = Pin::parse(b"654321", 4).unwrap();
    drop(container.set_pin(&Pin::parse(PIN.as_bytes(), 4).unwrap(), NOW, &mut rng()).unwrap());
    drop(container);
    copy(&path, &backup);
    let mut container = Container::open(&path, tpm()).unwrap();
    drop(container.change_pin(&PinHash::typed(PIN), &new, NOW, &mut rng()).unwrap());
    drop(container);
    std::fs::remove_dir_all(&path).unwrap();
    copy(&backup, &path);
    let mut container = Container::open(&path, tpm()).unwrap();
    for pin in [PIN, "654321"] {
        assert_eq!(container.unlock(&PinHash::typed(pin), NOW, &mut rng()).err(), Some(Error::PinLost));
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
