//! The engine on the software provider, beside the bare work.

use latchkey_tests::figures::Table;

use crate::device::Device;
use crate::filled::{Filled, Storage};
use crate::floor::Floor;
use crate::measure::Times;
use crate::operations::{assertion, registrations, succeed};
use crate::platform::{RP, passkey};

const ASSERTIONS: usize = 5000;
const REGISTRATIONS: usize = 500;

/// How often a second, at the median, with the container in memory.
pub struct Rates {
    /// getAssertion.
    pub assertions: f64,
    /// makeCredential with self attestation.
    pub registrations: f64,
    /// makeCredential without attestation.
    pub unattested: f64,
}

/// Measures both operations, in memory and with the disk's sync.
pub fn measure(table: &Table, floor: &Floor) -> Rates {
    let (folder, _none) = Filled::new(Storage::Memory, []);
    let mut device = folder.powered();
    let assertions = assertions(table, &mut device, floor, Storage::Memory);
    let attested = registrations(&mut device, REGISTRATIONS, &[]);
    attested.print(table, "makeCredential, self attestation, in memory", |row| {
        row.against("bare key and signature", floor.key_and_signature).at_most(2.0)
    });
    let unattested = registrations(&mut device, REGISTRATIONS, &["none"]);
    unattested.print(table, "makeCredential, no attestation, in memory", |row| {
        row.against("bare key and signature", floor.key_and_signature)
    });
    on_disk(table, floor);
    Rates {
        assertions: assertions.median_rate(),
        registrations: attested.median_rate(),
        unattested: unattested.median_rate(),
    }
}

fn on_disk(table: &Table, floor: &Floor) {
    let (folder, _none) = Filled::new(Storage::Disk, []);
    let mut device = folder.powered();
    assertions(table, &mut device, floor, Storage::Disk);
    registrations(&mut device, REGISTRATIONS, &[]).print(
        table,
        "makeCredential, self attestation, on the disk",
        |row| row.against("bare key and signature", floor.key_and_signature),
    );
}

fn assertions(table: &Table, device: &mut Device, floor: &Floor, storage: Storage) -> Times {
    let descriptor = passkey(device, RP, "alice");
    let request = assertion(device, RP, vec![descriptor]);
    let times = Times::of(ASSERTIONS, || (), |()| succeed(device, &request));
    times.print(table, &format!("getAssertion, {}", storage.name()), |row| {
        row.against("bare signature", floor.signature).at_most(2.0)
    });
    times
}
