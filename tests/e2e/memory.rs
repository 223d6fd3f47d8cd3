//! After a PIN reset the daemon's memory holds no secret that it was made with: neither what the PIN reset service gave
//! out, nor the authentication key of before or after, nor a PIN.

use std::path::Path;
use std::process::Command;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use hkdf::Hkdf;
use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::memory;
use latchkey_tests::native_host::NativeHost;
use latchkey_tests::organisation::{Organisation, open_session};
use latchkey_tests::pin_reset_service;
use latchkey_tests::prompter::Prompter;
use latchkey_tests::sql;
use latchkey_tests::swtpm::Swtpm;
use sha2::Sha256;

const OLD: &str = "old-pin-314159";
const NEW: &str = "new-pin-271828";
const ORIGIN: &str = "http://localhost";

#[test]
fn a_pin_reset_leaves_no_secret_behind() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let swtpm = Swtpm::start(&folder.path().join("tpm"));
    let home = Home::below(folder.path(), &swtpm.tcti());
    let _created = home.json(&["container", "create"], "");
    let _set = home.json(&["pin", "set", "--pin-stdin"], &format!("{OLD}\n"));
    let prompter = Prompter::new(&folder.path().join("person"), OLD);
    let mut daemon = Daemon::start(&home, &prompter, &[], &folder.path().join("log"));
    NativeHost::start(&home).create(ORIGIN, "first").expect("a passkey");

    let organisation = Organisation::new();
    let at = organisation.join(&home).expect("joined");
    open_session(&home, OLD).expect("opened");
    organisation.provision(&home, &at).expect("an enterprise key");
    organisation.offer_recovery(&home, &at).expect("offered");
    open_session(&home, OLD).expect("opened, and the protector made");
    let (before, _) = organisation.envelope(&home, &at, "recover").expect("there is a protector");
    let backup = folder.path().join("backup");
    copy(&home.data, &backup);

    organisation.reset_pin(&home, &at, NEW).expect("reset");
    let snapshot = memory::of(daemon.process.pid());
    prompter.knows(NEW);
    NativeHost::start(&home).get(ORIGIN).expect("the passkey signs in, and leaves its traces");
    let later = memory::of(daemon.process.pid());

    let (after, _) = organisation.envelope(&home, &at, "recover").expect("there is a new protector");
    daemon.process.kill();
    let secrets =
        [("before", &before, &backup), ("after", &after, &home.data)].map(|(when, envelope, data)| {
            let secret = |purpose| organisation.service.secret(envelope, purpose);
            let key = authentication_key(&swtpm, data, envelope, &secret("recover"), folder.path());
            [
                (format!("the authentication key of {when}"), key),
                (format!("what recovers, of {when}"), secret("recover")),
                (format!("what administers, of {when}"), secret("administer")),
            ]
        });
    let pins = [("the old PIN".to_owned(), OLD.into()), ("the new PIN".to_owned(), NEW.into())];
    let mut found = Vec::new();
    for (when, regions) in [("right after it", snapshot), ("after a sign-in", later)] {
        let known = home.runtime.to_string_lossy().into_owned();
        assert!(!memory::find(&regions, known.as_bytes()).is_empty(), "the search finds what is there");
        for (what, secret) in secrets.iter().flatten().chain(&pins) {
            assert!(secret.len() >= 8);
            let places = memory::find(&regions, secret);
            found.extend(places.into_iter().map(|place| format!("{what}, {when}: {place}")));
        }
    }
    assert!(found.is_empty(), "in the daemon's memory: {found:#?}");
}

/// The way that the daemon goes with the service's answer, gone with the TPM's own tools.
fn authentication_key(swtpm: &Swtpm, data: &Path, envelope: &str, secret: &[u8], scratch: &Path) -> Vec<u8> {
    let mut auth = [0; 32];
    Hkdf::<Sha256>::new(None, secret).expand(b"tpm", &mut auth).expect("32 bytes");
    if auth[31] == 0 {
        auth[31] = 1;
    }
    let database = data.join("container").join("container.db");
    let object = sql::bytes(&database, "SELECT hex(sealed) FROM protectors WHERE kind = 'pin reset'");
    let length = usize::from(object[1]) << 8 | usize::from(object[2]);
    let (private, public) = object[3..].split_at(length);
    let sized = |part: &[u8]| [&u16::try_from(part.len()).expect("short").to_be_bytes(), part].concat();
    let [private_file, public_file, context] =
        ["private", "public", "context"].map(|name| scratch.join(name).display().to_string());
    std::fs::write(&private_file, sized(private)).expect("written");
    std::fs::write(&public_file, sized(public)).expect("written");
    let tool = |tool: &str, arguments: &[&str]| {
        let output = Command::new(tool).args(["-T", &swtpm.tcti()]).args(arguments).output();
        let output = output.expect("tpm2-tools are installed");
        assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    // The daemon was killed, and what it had loaded is there still.
    let _flushed = tool("tpm2_flushcontext", &["-t"]);
    let _loaded =
        tool("tpm2_load", &["-C", "0x81000001", "-r", &private_file, "-u", &public_file, "-c", &context]);
    // As digits: the tool ends what it reads from a file at the first zero.
    let auth = auth.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
    let payload = tool("tpm2_unseal", &["-c", &context, "-p", &format!("hex:{auth}")]);
    let binding = pin_reset_service::binding(&pin_reset_service::open(envelope), "recover");
    let (mut key, tag) = (payload[..32].to_vec(), &payload[32..]);
    Aes256Gcm::new_from_slice(secret)
        .expect("32 bytes")
        .decrypt_inout_detached(
            &Nonce::default(),
            binding.as_bytes(),
            key.as_mut_slice().into(),
            tag.try_into().expect("16 bytes"),
        )
        .expect("the authentication key");
    key
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp runs").success());
}
