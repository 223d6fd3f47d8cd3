//! The command `latchkey pin reset`: it carries what the PIN reset service gives out, sealed, and the PIN that was typed only
//! until it is set.

use std::sync::mpsc;

use latchkey_tests::http_proxy::Cut;
use latchkey_tests::memory;
use latchkey_tests::organisation::{Organisation, compartments};
use latchkey_tests::process::child_called;
use tempfile::tempdir;

use super::daemon::copy;
use super::secrets::{Moment, Secrets, service_of};
use crate::enterprise::office::{FIRST_PIN, Office};

/// Long enough that a search for it finds nothing else.
const NEW: &str = "4801759263";
/// The last request of a reset, at which the new PIN is set: for the key that the next protector is made with.
const LAST: usize = 4;

#[test]
fn the_command_of_a_reset_holds_no_secret() {
    let mut office = Office::for_many_sign_ins();
    let _joined = office.join();
    let at = compartments(&office.home).expect("it looks")[0]["at"].as_str().expect("a name").to_owned();
    let device = Organisation::new();
    let home = office.home.clone();
    let envelope = || device.envelope(&home, &at, "recover").expect("there is a protector").0;
    let scratch = tempdir().expect("a folder can be made");
    let before = Moment { name: "before", data: scratch.path().join("backup"), envelope: envelope() };
    copy(&office.home.data, &before.data);

    let (tell, told) = mpsc::channel();
    let (daemon, dumps) = (office.daemon.process.pid(), scratch.path().to_owned());
    let _earlier = office.proxy.take_seen();
    office.proxy.cut(
        LAST,
        Cut::Meanwhile(Box::new(move || {
            let command = child_called("reset");
            let searched = [command, daemon].map(|pid| [memory::of(pid), memory::core_dump(pid, &dumps)]);
            tell.send(searched).expect("the test waits");
        })),
    );
    let _reset = office.reset_pin(&[], NEW);
    let seen = office.proxy.take_seen();
    assert!(seen[LAST].ends_with("/getencryptionkey/v1"), "the reset was done by then: {seen:?}");
    let [of_command, of_daemon] = told.try_recv().expect("it was searched");

    assert!(office.opens(NEW), "the PIN is set");
    let after = Moment { name: "after", data: office.home.data.clone(), envelope: envelope() };
    let service = service_of(&office.place, &after.envelope);
    office.daemon.process.kill();
    let secrets = Secrets::of(&[before, after], &service, &office.swtpm, scratch.path(), &[NEW]);
    let mut found = Vec::new();
    for (whose, searched) in [("the command", of_command), ("the daemon", of_daemon)] {
        for (what, regions) in ["memory", "core dump"].iter().zip(searched) {
            let known = home.runtime.to_string_lossy().into_owned();
            assert!(!memory::find(&regions, known.as_bytes()).is_empty(), "the search finds what is there");
            found.extend(secrets.within(&format!("in the {what} of {whose}"), &regions));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert_ne!(FIRST_PIN, NEW);
}
