//! What CTAPHID over the daemon's socket adds to the engine: one request through both, in turn.

use std::time::Duration;

use latchkey_container::{NewPasskey, Protection};
use latchkey_protocol::{Request, Status};
use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::figures::{Row, Table};
use latchkey_tests::prompter::Prompter;
use latchkey_transports::host::HostChannel;

use crate::device::{PIN, rng, status};
use crate::filled::{Filled, Storage, passkey};
use crate::measure::Times;
use crate::operations::{descriptor, succeed};
use crate::platform::{RP, authentication};

/// In microseconds.
const GOAL: f64 = 60.0;
const ROUNDS: usize = 3000;

/// Measures a whole getAssertion: four packets there and five back. A security key needs no token for it.
pub fn measure(table: &Table) {
    let optional = || NewPasskey { protection: Protection::Optional, ..passkey(RP, 0) };
    let (served, ids) = Filled::security_key(Storage::Disk, optional());
    let (beside, own_ids) = Filled::security_key(Storage::Disk, optional());
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home { data: served.path().to_owned(), ..Home::below(folder.path(), "software") };
    let prompter = Prompter::new(&folder.path().join("person"), PIN);
    let mut daemon = Daemon::start(&home, &prompter, &[], &folder.path().join("log"));
    let mut channel = HostChannel::connect(&home.ctaphid(), &mut rng()).expect("the daemon answers");
    let mut device = beside.powered();
    let [request, own] = [ids, own_ids].map(|ids| {
        let mut request = authentication();
        request.allow_list = Some(ids.iter().map(descriptor).collect());
        request.options.up = Some(false);
        Request::GetAssertion(request).encode()
    });
    let (socket, engine) = Times::of_pair(
        ROUNDS,
        || {
            let response = channel.cbor(&request, &mut |_| {}).expect("the daemon answers");
            assert_eq!(status(&response), Status::OK, "the daemon refuses what is measured");
        },
        || succeed(&mut device, &own),
    );
    socket.print(table, "getAssertion over CTAPHID", |row| row.against("the engine alone", engine.p50()));
    let above = socket.p50() - engine.p50();
    table.row(&Row::alone("CTAPHID round trip above the engine, p50", above, "us").at_most(GOAL));
    let ping = Times::of(ROUNDS, || (), |()| drop(channel.ping(&[0x5A; 57]).expect("it comes back")));
    table.row(&Row::alone("CTAPHID ping of one packet, p50", ping.p50(), "us"));
    daemon.process.stop();
    daemon.process.wait(Duration::from_secs(10));
}
