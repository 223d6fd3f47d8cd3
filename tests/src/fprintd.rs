//! A real fprintd with libfprint's virtual reader, on a system bus of its own with a real polkit.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::process::Process;

/// How long a service may take until it is there.
const LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);
/// Everybody may do everything: the bus is the test's own.
const POLICY: &str = "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\
    <allow send_type=\"method_call\"/><allow send_type=\"signal\"/><allow send_type=\"method_return\"/>\
    <allow send_type=\"error\"/><allow receive_type=\"method_call\"/><allow receive_type=\"signal\"/>\
    <allow receive_type=\"method_return\"/><allow receive_type=\"error\"/></policy>";

/// Running services; they end on drop.
#[derive(Debug)]
pub struct Fprintd {
    folder: PathBuf,
    /// In this order they end: who uses the bus before the bus.
    _services: [Process; 3],
}

impl Fprintd {
    /// Starts bus, polkit and fprintd with everything they write in `folder`.
    ///
    /// # Panics
    /// When dbus-daemon, polkitd or fprintd (packages dbus, polkitd, fprintd) is missing.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        fs::create_dir_all(folder.join("state")).expect("a folder can be made");
        let address = address(folder);
        let config = format!("<busconfig><type>system</type><listen>{address}</listen>{POLICY}</busconfig>");
        fs::write(folder.join("bus.conf"), config).expect("the bus can be configured");
        let service = |name: &'static str, program: &str, arguments: &[String]| {
            let mut command = Command::new(program);
            command
                .args(arguments)
                .env("DBUS_SYSTEM_BUS_ADDRESS", &address)
                .env("FP_VIRTUAL_DEVICE", reader(folder))
                .env("STATE_DIRECTORY", folder.join("state"));
            Process::start(name, command, &folder.join(format!("{name}.log")))
        };
        let bus_arguments =
            [format!("--config-file={}", folder.join("bus.conf").display()), "--nofork".into()];
        let bus = service("dbus-daemon", "dbus-daemon", &bus_arguments);
        wait("the bus", || UnixStream::connect(folder.join("bus")).is_ok());
        let polkit = service("polkitd", "/usr/lib/polkit-1/polkitd", &["--no-debug".into()]);
        wait("polkit", || owned(&address, "org.freedesktop.PolicyKit1"));
        let fprintd = service("fprintd", "/usr/libexec/fprintd", &["-t".into()]);
        wait("fprintd", || owned(&address, "net.reactivated.Fprint"));
        Self { folder: folder.to_owned(), _services: [fprintd, polkit, bus] }
    }

    /// What `DBUS_SYSTEM_BUS_ADDRESS` must be.
    #[must_use]
    pub fn bus(&self) -> String {
        address(&self.folder)
    }

    /// The socket of the virtual reader, which takes lines like `SCAN alice`.
    #[must_use]
    pub fn reader(&self) -> PathBuf {
        reader(&self.folder)
    }

    /// Puts a finger on the reader. Nothing happens while nobody has claimed it.
    pub fn touch(&self, finger: &str) {
        use std::io::Write;
        let touched = UnixStream::connect(reader(&self.folder))
            .and_then(|mut socket| socket.write_all(format!("SCAN {finger}").as_bytes()));
        drop(touched);
    }
}

fn address(folder: &Path) -> String {
    format!("unix:path={}", folder.join("bus").display())
}

fn reader(folder: &Path) -> PathBuf {
    folder.join("reader")
}

fn owned(address: &str, name: &str) -> bool {
    let asked = Command::new("dbus-send")
        .args([&format!("--bus={address}"), "--print-reply", "--dest=org.freedesktop.DBus", "/"])
        .args(["org.freedesktop.DBus.NameHasOwner", &format!("string:{name}")])
        .output();
    asked.is_ok_and(|answer| String::from_utf8_lossy(&answer.stdout).contains("boolean true"))
}

fn wait(what: &str, there: impl Fn() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < LIMIT, "{what} does not come up");
        sleep(POLL);
    }
}
