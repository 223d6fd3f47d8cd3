//! What the demo starts: a TPM if the machine has none, the daemon, the identity provider, the demo site, and Chromium's
//! way to the daemon.

use std::env;
use std::fs::{self, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use latchkey_tests::browser::Browser;
use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::programs;
use latchkey_tests::prompter::Prompter;
use latchkey_tests::site::Site;
use latchkey_tests::swtpm::Swtpm;

use crate::provider::IdentityStage;

/// Where the site and the identity provider serve if the ports are free.
const SITE_PORT: u16 = 8080;
const IDP_PORT: u16 = 8090;
const TPM_DEVICE: &str = "/dev/tpmrm0";

/// Everything that runs. Fields are dropped, and so stopped, from the top down.
pub struct Stage {
    /// The demo site.
    pub site: Site,
    /// The identity provider.
    pub identity: IdentityStage,
    _daemon: Daemon,
    _swtpm: Option<Swtpm>,
    /// The user's container.
    pub home: Home,
    /// Who answers the prompts of the played journey.
    pub prompter: Prompter,
    /// What answers as the TPM, in words.
    pub tpm: String,
    folder: PathBuf,
    interrupted: Receiver<()>,
}

impl Stage {
    /// Starts everything. `real_person`: prompts go to the display instead of the script.
    pub fn set(real_person: bool) -> Self {
        let interrupted = listen_for_interrupt();
        let folder = data_folder(real_person);
        fs::create_dir_all(&folder)
            .unwrap_or_else(|error| panic!("{} cannot be made: {error}", folder.display()));
        let (tpm, tcti, swtpm) = tpm(&folder);
        let home = Home::below(&folder, &tcti);
        let prompter = Prompter::new(&folder.join("person"), &known_pin(&folder));
        let log = folder.join("log");
        let daemon = if real_person {
            let mut daemon = Daemon::launch(&home, &[], &log);
            daemon.process.wait_for("latchkey: ready", std::time::Duration::from_secs(20));
            daemon
        } else {
            Daemon::start(&home, &prompter, &[], &log)
        };
        let site_port = port(SITE_PORT);
        let origin = format!("http://localhost:{site_port}");
        let identity = IdentityStage::set(&folder.join("idp"), port(IDP_PORT), &origin, &log);
        let site = Site::start(&folder.join("site.db"), site_port, Some(&identity.site), &log);
        let _installed = home
            .json(&["browser", "install", "--user-data-dir", &folder.join("chromium").to_string_lossy()], "");
        fs::create_dir_all(folder.join("pictures")).expect("the folder of the pictures can be made");
        Self { site, identity, _daemon: daemon, _swtpm: swtpm, home, prompter, tpm, folder, interrupted }
    }

    /// The folder of the pictures.
    pub fn pictures(&self) -> PathBuf {
        self.folder.join("pictures")
    }

    /// The browser's profile.
    pub fn profile(&self) -> PathBuf {
        self.folder.join("chromium")
    }

    /// The site's database.
    pub fn site_database(&self) -> String {
        format!("sqlite:{}", self.folder.join("site.db").display())
    }

    /// The PIN that the played person uses now.
    pub fn pin(&self) -> String {
        known_pin(&self.folder)
    }

    /// The played person uses another PIN from now on, also in the next run.
    pub fn remember_pin(&self, pin: &str) {
        fs::write(pin_note(&self.folder), pin).expect("the PIN of the played person can be noted");
        self.prompter.knows(pin);
    }

    /// A headless browser with the extension.
    pub fn browser(&self) -> Browser {
        let browser = Browser::start(&self.profile(), &self.folder.join("log"));
        browser.open(&self.site.origin);
        browser.wait_for_authenticator();
        browser
    }

    /// Returns when somebody presses Ctrl-C or asks the program to end.
    pub fn wait_for_interrupt(&self) {
        let _interrupted = self.interrupted.recv();
    }
}

/// The PINs that the played person changes between.
pub const PINS: [&str; 2] = ["blue-heron-27", "green-canoe-31"];

fn pin_note(folder: &Path) -> PathBuf {
    folder.join("pin-of-the-played-person")
}

fn known_pin(folder: &Path) -> String {
    fs::read_to_string(pin_note(folder)).unwrap_or_else(|_first_run| PINS[0].to_owned())
}

/// A person's container and that of the played journey lie apart: the player knows only its own PINs.
fn data_folder(real_person: bool) -> PathBuf {
    let home =
        || PathBuf::from(env::var_os("HOME").expect("HOME names the home directory")).join(".local/share");
    let data = env::var_os("XDG_DATA_HOME").map_or_else(home, PathBuf::from).join("latchkey");
    data.join(if real_person { "demo" } else { "demo-journey" })
}

/// The machine's TPM, or an emulated one whose state stays in `folder`.
fn tpm(folder: &Path) -> (String, String, Option<Swtpm>) {
    if OpenOptions::new().read(true).write(true).open(TPM_DEVICE).is_ok() {
        return (format!("the machine's TPM ({TPM_DEVICE})"), format!("device:{TPM_DEVICE}"), None);
    }
    let swtpm = Swtpm::start(&folder.join("tpm"));
    ("an emulated TPM (swtpm)".to_owned(), swtpm.tcti(), Some(swtpm))
}

fn port(usual: u16) -> u16 {
    if TcpListener::bind(("127.0.0.1", usual)).is_ok() { usual } else { programs::free_port() }
}

/// Tells by the channel when the program is asked to end. A second Ctrl-C ends it at once.
fn listen_for_interrupt() -> Receiver<()> {
    let (tell, interrupted) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .expect("signals can be listened for");
            for _ in 0..2 {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    _ = terminate.recv() => {}
                }
                let _nobody_waits = tell.send(());
            }
            std::process::exit(130);
        });
    });
    interrupted
}
