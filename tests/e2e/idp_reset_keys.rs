//! The keys of the PIN reset service where they belong: in a TPM (emulated), and in a security module (`SoftHSM`).

use std::path::{Path, PathBuf};
use std::process::Command;

use latchkey_tests::programs;
use latchkey_tests::softhsm::{SoftHsm, TOKEN};
use latchkey_tests::swtpm::Swtpm;

/// A provider's folder, and how its keys are reached.
struct Service {
    folder: tempfile::TempDir,
    options: Vec<String>,
    configuration: PathBuf,
}

impl Service {
    fn new(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let configuration = folder.path().join("softhsm2.conf");
        let service = Self { folder, options: words(options), configuration };
        let (ok, said) = service.run(&["init", "--tenant", "Example", "--domain", "example.org"]);
        assert!(ok, "{said}");
        service
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the program: whether it succeeded, and all that it said.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(programs::built("latchkey-idp"));
        command.current_dir(self.path()).env("SOFTHSM2_CONF", &self.configuration);
        let output = command.args(&self.options).args(arguments).output().expect("latchkey-idp starts");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn keys(&self, verb: &[&str]) -> (bool, String) {
        self.run(&[&["pin-reset", "keys"], verb].concat())
    }
}

fn words(options: &[&str]) -> Vec<String> {
    options.iter().map(|&word| word.to_owned()).collect()
}

/// Both kinds of keys work, are replaced, and are retired; the newest cannot be.
fn live_and_retire(service: &Service, place: &str) {
    let (ok, first) = service.keys(&["check"]);
    assert!(ok && first.contains(&format!("  {place}  works")), "{first}");
    assert!(first.contains("  software  works"), "blind-p256 needs its scalars: {first}");
    let old = first.lines().find(|line| line.contains(place)).expect("a key is there");
    let old = old.split_whitespace().next().expect("it has a name").to_owned();
    let (ok, said) = service.keys(&["retire", &old]);
    assert!(!ok && said.contains("rotate the keys first"), "{said}");
    let (ok, said) = service.keys(&["rotate"]);
    assert!(ok, "{said}");
    let (ok, said) = service.keys(&["check"]);
    assert!(ok && said.matches(&format!("  {place}  works")).count() == 2, "both live: {said}");
    let (ok, said) = service.keys(&["retire", &old]);
    assert!(ok, "{said}");
    let (ok, said) = service.keys(&["list"]);
    assert!(ok && said.lines().any(|line| line.starts_with(&old) && line.contains("retired")), "{said}");
    let (ok, said) = service.keys(&["check"]);
    assert!(ok && said.matches(&format!("  {place}  works")).count() == 1, "{said}");
}

#[test]
fn in_a_tpm() {
    let state = tempfile::tempdir().expect("a folder can be made");
    let mut tpm = Swtpm::start(&state.path().join("tpm"));
    let mut service = Service::new(&["--tcti", &tpm.tcti(), "--pin-reset-keys", "tpm"]);
    live_and_retire(&service, "tpm");
    tpm.restart();
    assert!(service.keys(&["check"]).0, "a reboot changes nothing");
    // Another machine's TPM has no use of the database, and a process without the TPM says what it lacks.
    let other = Swtpm::start(&state.path().join("other"));
    service.options = words(&["--tcti", &other.tcti(), "--pin-reset-keys", "tpm"]);
    let (ok, said) = service.keys(&["check"]);
    assert!(!ok && said.contains("the key of the PIN reset service in the TPM cannot be used"), "{said}");
    service.options = Vec::new();
    let (ok, said) = service.keys(&["check"]);
    assert!(!ok && said.contains("give --pin-reset-keys tpm"), "{said}");
}

#[test]
fn in_a_security_module() {
    let mut service = Service::new(&[]);
    let module = SoftHsm::create(service.path());
    service.options = module.options(TOKEN, &module.pin_file());
    live_and_retire(&service, "pkcs11");

    service.options = module.options("another", &module.pin_file());
    let (ok, said) = service.keys(&["check"]);
    assert!(!ok && said.contains("has no token \"another\""), "{said}");
    let wrong = service.path().join("wrong");
    std::fs::write(&wrong, "4321").expect("it can be written");
    service.options = module.options(TOKEN, &wrong);
    let (ok, said) = service.keys(&["check"]);
    assert!(!ok && said.contains("cannot be used") && !said.contains("4321"), "{said}");
    service.options = words(&["--pin-reset-keys", "pkcs11"]);
    let (ok, said) = service.keys(&["check"]);
    assert!(!ok && said.contains("needs --pkcs11-module"), "{said}");
}
