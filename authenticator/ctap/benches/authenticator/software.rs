//! The engine on the software provider.

use crate::device::Device;
use crate::floor::Floor;
use crate::measure::Times;
use crate::operations::{assertion, registrations, succeed};
use crate::platform::{RP, passkey};
use latchkey_tests::figures::Table;

/// Measures both operations against the bare signature.
pub fn measure(table: &Table, floor: &Floor) {
    let mut device = Device::with_pin();
    let descriptor = passkey(&mut device, RP, "alice");
    let request = assertion(&mut device, RP, descriptor);
    let times = Times::of(5000, || (), |()| succeed(&mut device, &request));
    times.print(table, "software getAssertion", |row| {
        row.against("bare signature", floor.signature).at_most(2.0)
    });
    let times = registrations(&mut device, 200);
    times.print(table, "software makeCredential", |row| {
        row.against("bare key and signature", floor.key_and_signature)
    });
}
