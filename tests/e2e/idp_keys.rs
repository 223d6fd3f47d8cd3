//! The identity provider's keys in a TPM, through Debian's tpm2-tools, on an emulated TPM.

use std::path::Path;
use std::process::Command;

use latchkey_tests::programs;
use latchkey_tests::swtpm::Swtpm;
use latchkey_tests::tpm_proxy::TpmProxy;

/// Runs `latchkey-idp` on the files of a folder: whether it succeeded, and all that it said.
fn idp(folder: &Path, tcti: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(programs::built("latchkey-idp"))
        .current_dir(folder)
        .args(["--tcti", tcti])
        .args(arguments)
        .output()
        .expect("latchkey-idp starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

const INIT: [&str; 7] = ["--key-tpm", "idp.tpm", "init", "--tenant", "Example", "--domain", "example.org"];

#[test]
fn the_sealing_key_lives_in_the_tpm() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (path, state) = (folder.path(), folder.path().join("tpm"));
    let mut tpm = Swtpm::start(&state);
    let tcti = tpm.tcti();
    let (ok, said) = idp(path, &tcti, &INIT);
    assert!(ok, "{said}");
    assert!(!path.join("latchkey-idp.key").exists(), "no key is on the disk");
    let in_tpm = ["--key-tpm", "idp.tpm", "rotate-keys"];
    for _ in 0..5 {
        let (ok, said) = idp(path, &tcti, &in_tpm);
        assert!(ok, "nothing is left behind in the TPM: {said}");
    }
    tpm.restart();
    let (ok, said) = idp(path, &tcti, &in_tpm);
    assert!(ok, "a reboot changes nothing: {said}");

    // Another machine's TPM does not open it; no TPM at all is a clear error too.
    let other = Swtpm::start(&folder.path().join("other"));
    let (ok, said) = idp(path, &other.tcti(), &in_tpm);
    assert!(!ok && said.contains("does not open idp.tpm"), "{said}");
    let (ok, said) = idp(path, "swtpm:path=/nonexistent", &in_tpm);
    assert!(!ok && said.contains("is the package tpm2-tools installed, and --tcti right?"), "{said}");

    // To a file, and back to a new key in the TPM.
    let (ok, said) = idp(path, &tcti, &["--key-file", "k", "keys", "reseal", "--from-tpm", "idp.tpm"]);
    assert!(ok && said.contains("already under this key: 0."), "{said}");
    let (ok, said) = idp(path, &tcti, &in_tpm);
    assert!(!ok && said.contains("sealed under a key that is not there"), "{said}");
    let (ok, said) = idp(path, &tcti, &["--key-tpm", "next.tpm", "keys", "reseal", "--from-file", "k"]);
    assert!(ok, "{said}");
    std::fs::remove_file(path.join("k")).expect("the file was made");
    let (ok, said) = idp(path, &tcti, &["--key-tpm", "next.tpm", "rotate-keys"]);
    assert!(ok, "{said}");

    // A file from which the parent was taken, or with another's, opens nothing.
    let text = std::fs::read_to_string(path.join("next.tpm")).expect("it was made");
    std::fs::write(path.join("next.tpm"), text.replace("parent ", "# parent ")).expect("it can be written");
    let (ok, said) = idp(path, &tcti, &["--key-tpm", "next.tpm", "rotate-keys"]);
    assert!(!ok && said.contains("is not a file of TPM keys"), "{said}");
}

#[test]
fn the_key_does_not_cross_the_bus_in_clear() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let tpm = Swtpm::start(&folder.path().join("tpm"));
    let proxy = TpmProxy::start(&tpm.socket());
    let (ok, said) = idp(folder.path(), &proxy.tcti(), &INIT);
    assert!(ok, "{said}");
    let passed = proxy.take_log();
    for name in ["Create", "Unseal"] {
        assert!(passed.iter().any(|command| command.name == name), "{name} passed the proxy");
    }
    // The key is a line of base64: nothing else that passes has so many such letters in a row.
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    for command in passed {
        for bytes in [&command.request, &command.response] {
            let longest = bytes.split(|byte| !letter(byte)).map(<[u8]>::len).max().unwrap_or_default();
            assert!(longest < 30, "{} shows the key", command.name);
        }
    }
}
