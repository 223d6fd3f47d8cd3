//! getAssertion among many passkeys, and with long allow lists.

use latchkey_container::{CredentialId, NewPasskey};
use latchkey_protocol::CredentialDescriptor;
use latchkey_tests::figures::{Row, Table};

use crate::device::Device;
use crate::filled::{Filled, Storage, passkey};
use crate::measure::Times;
use crate::operations::{assertion, descriptor, succeed};

const FEW: usize = 10;
const MANY: usize = 10_000;
/// Of one relying party; more of them than are discoverable.
const OF_ONE_RP: usize = 1000;
/// The most passkeys of one relying party that the engine lets be discoverable (`MAX_PASSKEYS_PER_RP`).
const DISCOVERABLE_OF_ONE_RP: usize = 64;
const LISTS: [usize; 3] = [1, 10, 100];
const RP: &str = "one-of-many.example";

/// Measures getAssertion with few and with many passkeys, in turn. Returns the folder with [`MANY`].
pub fn measure(table: &Table) -> Filled {
    let (few, few_ids) = Filled::new(Storage::Disk, one_among(FEW));
    let (many, many_ids) = Filled::new(Storage::Disk, one_among(MANY));
    compare(table, &format!("among {MANY} passkeys"), (&many, &many_ids), (&few, &few_ids));
    let (one_rp, one_rp_ids) = Filled::new(Storage::Disk, at_one_rp(OF_ONE_RP));
    compare(table, &format!("{OF_ONE_RP} passkeys of one RP"), (&one_rp, &one_rp_ids), (&few, &few_ids));
    lists(table, &few, &few_ids);
    discoverable(table);
    many
}

/// So many passkeys, each at a site of its own, the last at [`RP`].
fn one_among(count: usize) -> impl Iterator<Item = NewPasskey> {
    let others = (1..count).map(|n| passkey(&format!("site-{n}.example"), n));
    others.chain([passkey(RP, 0)])
}

/// So many passkeys that are found by their ID, all at [`RP`].
fn at_one_rp(count: usize) -> impl Iterator<Item = NewPasskey> {
    (0..count).map(|n| NewPasskey { discoverable: false, ..passkey(RP, n) })
}

type Place<'a> = (&'a Filled, &'a [CredentialId]);

/// Both with the last of their passkeys, in an allow list of one.
fn compare(table: &Table, what: &str, (many, ids): Place<'_>, (few, few_ids): Place<'_>) {
    let (mut one, mut other) = (many.powered(), few.powered());
    let request = assertion(&mut one, RP, last(ids));
    let few_request = assertion(&mut other, RP, last(few_ids));
    let (of_many, of_few) =
        Times::of_pair(3000, || succeed(&mut one, &request), || succeed(&mut other, &few_request));
    let row = Row::alone(format!("getAssertion {what}, p50"), of_many.p50(), "us");
    table.row(&row.against("among 10", of_few.p50()).at_most(1.2));
}

fn last(ids: &[CredentialId]) -> Vec<CredentialDescriptor> {
    ids.last().map(descriptor).into_iter().collect()
}

/// The passkey is the last of its list, after others that are not here.
fn lists(table: &Table, filled: &Filled, ids: &[CredentialId]) {
    let mut device: Device = filled.powered();
    let mut shortest = None;
    for length in LISTS {
        let elsewhere = (1..length).map(|n| {
            let mut id = [0xE5; 32];
            id[..8].copy_from_slice(&n.to_be_bytes());
            CredentialDescriptor::public_key(id.to_vec())
        });
        let list = elsewhere.chain(last(ids)).collect();
        let request = assertion(&mut device, RP, list);
        let p50 = Times::of(3000, || (), |()| succeed(&mut device, &request)).p50();
        let row = Row::alone(format!("getAssertion, allow list of {length}, p50"), p50, "us");
        table.row(&row.against("list of 1", *shortest.get_or_insert(p50)));
    }
}

/// Without a list every passkey of the relying party is found, and the newest signs.
fn discoverable(table: &Table) {
    let all = (0..DISCOVERABLE_OF_ONE_RP).map(|n| passkey(RP, n));
    let (one, other) = (Filled::new(Storage::Disk, [passkey(RP, 0)]).0, Filled::new(Storage::Disk, all).0);
    let (mut one, mut other) = (one.powered(), other.powered());
    let [request, of_one] = [&mut other, &mut one].map(|device| assertion(device, RP, Vec::new()));
    let (many, single) =
        Times::of_pair(1000, || succeed(&mut other, &request), || succeed(&mut one, &of_one));
    let name = format!("getAssertion without a list, {DISCOVERABLE_OF_ONE_RP} of one RP, p50");
    table.row(&Row::alone(name, many.p50(), "us").against("1 of it", single.p50()));
}
