//! What the engine's operations cost in TPM commands: the ceilings of container.md, with nothing of the engine's own
//! on top.

use latchkey_ctap::{Answer, Organisation, Policy, Step};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::{Request, Status};
use latchkey_tests::swtpm::Swtpm;
use latchkey_tests::tpm_proxy::TpmProxy;
use latchkey_tpm::{DeviceOptions, DeviceTpm};

use crate::device::{Device, PIN, rng, status, typed};
use crate::platform::{
    self, RP, ask_token_by_gesture, authentication, passkey, prove_authentication, registration,
};

const UNLOCK: [&str; 6] =
    ["StartAuthSession", "PolicySecret", "PolicyAuthValue", "Load", "Unseal", "FlushContext"];

struct Counted {
    device: Device,
    proxy: TpmProxy,
    _swtpm: Swtpm,
    _folder: tempfile::TempDir,
}

impl Counted {
    /// With a PIN, powered up just now, and past what the first gesture after a boot costs on top.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let swtpm = Swtpm::start(&folder.path().join("tpm"));
        let proxy = TpmProxy::start(&swtpm.socket());
        let mut device =
            Device::with_pin_on(Box::new(DeviceTpm::open(&DeviceOptions::new(proxy.tcti())).unwrap()));
        platform::token(&mut device, Permissions::GET_ASSERTION, Some(RP));
        device.power_cycle();
        Self { device, proxy, _swtpm: swtpm, _folder: folder }
    }

    fn commands(&mut self, work: impl FnOnce(&mut Device)) -> Vec<&'static str> {
        let _before = self.proxy.take_log();
        work(&mut self.device);
        self.proxy.take_log().iter().map(|record| record.name).collect()
    }
}

#[test]
fn a_gesture_costs_one_unsealing() {
    let mut counted = Counted::start();
    let by_pin = |device: &mut Device| {
        platform::token(device, Permissions::GET_ASSERTION, Some(RP));
    };
    assert_eq!(counted.commands(by_pin), UNLOCK);
    let by_gesture = |device: &mut Device| {
        device.user([typed(PIN)]);
        assert!(ask_token_by_gesture(device, 2, Permissions::GET_ASSERTION, Some(RP)).is_ok());
    };
    assert_eq!(counted.commands(by_gesture), UNLOCK);
    let wrong = |device: &mut Device| {
        device.user([typed("000000"), Answer::Cancelled]);
        assert!(ask_token_by_gesture(device, 2, Permissions::GET_ASSERTION, Some(RP)).is_err());
    };
    let refused = ["StartAuthSession", "PolicySecret", "FlushContext", "NV_Read"];
    assert_eq!(counted.commands(wrong), refused, "and the tries that are left, to show them");
}

#[test]
fn registering_and_signing_cost_the_key() {
    let mut counted = Counted::start();
    let register = |device: &mut Device| {
        device.user([typed(PIN)]);
        assert_eq!(status(&device.send(&Request::MakeCredential(registration()))), Status::OK);
    };
    let made = counted.commands(register);
    assert_eq!(made.get(..6), Some(UNLOCK.as_slice()));
    assert!(made.len() <= 10, "{made:?}");

    passkey(&mut counted.device, RP, "bob");
    let token = platform::token(&mut counted.device, Permissions::GET_ASSERTION, Some(RP));
    let mut request = authentication();
    request.options.up = Some(false);
    prove_authentication(&mut request, &token);
    let sign = |device: &mut Device| {
        assert_eq!(status(&device.send(&Request::GetAssertion(request.clone()))), Status::OK);
    };
    let cold = counted.commands(sign);
    assert!(cold.len() <= 3, "{cold:?}");
    assert_eq!(counted.commands(sign), ["Sign"]);
    let reset = |device: &mut Device| device.engine().tick(std::time::Duration::from_hours(48));
    assert_eq!(counted.commands(reset), ["FlushContext"], "the key leaves the TPM with the token");
}

/// container.md: `Create, Load, Certify, Flush`. Certifying needs a session for each of the two keys, and a TPM takes none
/// twice in one command, so there is one `StartAuthSession` more; DESIGN.md says why it is not kept.
#[test]
fn a_tpm_attestation_costs_a_certification_in_place_of_a_signature() {
    let mut counted = Counted::start();
    let compartment = counted.device.container().add_compartment(b"facts", &mut rng()).unwrap();
    counted.device.container().make_device_keys(compartment, &mut rng()).unwrap();
    let relying_parties = vec![RP.to_owned()];
    let organisation = Organisation { compartment, certificates: vec![vec![1]], relying_parties };
    counted.device.engine().follow(Policy { organisations: vec![organisation], ..Policy::default() });
    let register = |device: &mut Device| {
        device.user([typed(PIN)]);
        let mut request = registration();
        request.attestation_formats_preference = vec!["tpm".to_owned()];
        assert_eq!(status(&device.send(&Request::MakeCredential(request))), Status::OK);
    };
    // While a token lives the container stays open, and so the attestation key loaded.
    platform::token(&mut counted.device, Permissions::GET_ASSERTION, Some(RP));
    let cold = counted.commands(register);
    assert_eq!(cold.get(..6), Some(UNLOCK.as_slice()));
    let certified = ["Load", "StartAuthSession", "Certify", "FlushContext"];
    let loading = ["Create", "Load"];
    assert_eq!(
        cold.get(6..),
        Some([&loading[..], &certified].concat().as_slice()),
        "the attestation key is loaded"
    );
    let warm = counted.commands(register);
    assert_eq!(warm.get(6..), Some([&["Create"][..], &certified].concat().as_slice()));
}

#[test]
fn a_key_does_not_stay_loaded_after_a_token_that_ended_at_its_prompt() {
    let mut counted = Counted::start();
    let device = &mut counted.device;
    passkey(device, RP, "alice");
    let token = platform::token(device, Permissions::GET_ASSERTION, Some(RP));
    let mut request = authentication();
    prove_authentication(&mut request, &token);
    let bytes = Request::GetAssertion(request).encode();
    let step = device.handle(crate::device::CHANNEL, &bytes);
    let Step::Ask(_, suspended) = step else { panic!("no prompt") };
    // Long after the token: the driver's own time limit is not the engine's.
    device.pass(3600);
    let resume = |device: &mut Device| {
        let step = device.resume(suspended, Answer::Approved);
        assert!(matches!(step, Step::Respond(response) if status(&response) == Status::OK));
    };
    let commands = counted.commands(resume);
    assert_eq!(commands.last(), Some(&"FlushContext"), "{commands:?}");
}
