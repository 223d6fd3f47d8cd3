//! The program itself.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub fn program(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-idp"));
    command.current_dir(directory).env_remove("LATCHKEY_IDP_DATABASE").env_remove("LATCHKEY_IDP_KEY_FILE");
    command
}

pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn it_is_set_up_and_serves_until_it_is_told_to_stop() {
    let directory = tempfile::tempdir().unwrap();
    let early = program(directory.path()).arg("serve").output().unwrap();
    assert!(!early.status.success());
    assert!(text(&early).contains("run latchkey-idp init first"), "{}", text(&early));

    let init = ["init", "--tenant", "Example", "--domain", "example.org"];
    let made = program(directory.path()).args(init).output().unwrap();
    assert!(made.status.success(), "{}", text(&made));
    assert!(text(&made).contains("admin@example.org"));
    let again = program(directory.path()).args(init).output().unwrap();
    assert!(!again.status.success(), "the domain is taken");

    let app = ["app", "add", "--tenant", "example.org", "--name", "App", "--secret", "30"];
    let app = program(directory.path()).args(app).output().unwrap();
    assert!(text(&app).contains("Client secret"), "{}", text(&app));

    let open = program(directory.path()).args(["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert!(!open.status.success(), "http is for this machine only");

    let mut serving = program(directory.path());
    let serving = serving.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut serving = serving.spawn().unwrap();
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("Latchkey identity provider: "), "{line}");
    let stopped = Command::new("kill").args(["-TERM", &serving.id().to_string()]).status().unwrap();
    assert!(stopped.success() && serving.wait().unwrap().success());
    assert_eq!(lines.next().unwrap().unwrap(), "Stopped.");
}

#[test]
fn it_serves_with_models_that_it_can_trust_and_with_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let init = ["init", "--tenant", "Example", "--domain", "example.org"];
    assert!(program(directory.path()).args(init).output().unwrap().status.success());
    let refused = |options: &[&str], words: &str| {
        let serve = [&["serve", "--listen", "127.0.0.1:0"][..], options].concat();
        let output = program(directory.path()).args(serve).output().unwrap();
        assert!(!output.status.success() && text(&output).contains(words), "{options:?}: {}", text(&output));
    };
    // The real one of January 2023: its signer's certificate has run out.
    let real = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mds3-real-no23.jwt");
    refused(&["--fido-metadata", real], "the metadata file's signer is not trusted");
    refused(&["--fido-metadata", "nowhere"], "cannot be read");
    refused(&["--fido-metadata", real, "--fido-metadata-root", real], "not a certificate");
    let folder = directory.path().join("anchors");
    std::fs::create_dir(&folder).unwrap();
    let maker = crate::authenticator::Maker::new();
    std::fs::write(folder.join("our-key.pem"), maker.root_pem()).unwrap();
    refused(&["--attestation-anchors", "anchors"], "must be named after the AAGUID");
    std::fs::remove_file(folder.join("our-key.pem")).unwrap();
    let named = folder.join("00000000-0000-0000-0000-000000000011.pem");
    std::fs::write(&named, "nothing").unwrap();
    refused(&["--attestation-anchors", "anchors"], "no certificate in PEM text");
    std::fs::write(&named, maker.root_pem()).unwrap();
    let mut serving = program(directory.path());
    let options = ["serve", "--listen", "127.0.0.1:0", "--attestation-anchors", "anchors"];
    let mut serving = serving.args(options).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("Latchkey identity provider: "), "{line}");
    let stopped = Command::new("kill").args(["-TERM", &serving.id().to_string()]).status().unwrap();
    assert!(stopped.success() && serving.wait().unwrap().success());
}
