//! OpenSSH: keys that live in the security key, and a sign-in with them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};
use std::time::Duration;

use latchkey_tests::process::{Process, run_with_input};
use latchkey_tests::programs;

use crate::Client;
use crate::machine::{Machine, PIN, succeed, write};

pub const CLIENT: Client = Client {
    name: "OpenSSH",
    version: "ssh -V",
    exercised: "ecdsa-sk and ed25519-sk: a key, a resident key that wants verification, sign-in with each; download of resident keys",
    exercise,
};

fn exercise(machine: &Machine) {
    let askpass = machine.file("askpass");
    write(&askpass, &format!("#!/bin/sh\necho '{PIN}'\n"));
    fs::set_permissions(&askpass, fs::Permissions::from_mode(0o755)).expect("it can be made executable");
    for kind in ["ecdsa-sk", "ed25519-sk"] {
        keygen(machine, &["-t", kind, "-f", &format!("plain-{kind}")]);
        let (verified, at) = (format!("verified-{kind}"), format!("application=ssh:{kind}"));
        keygen(machine, &["-t", kind, "-f", &verified, "-O", "resident", "-O", "verify-required", "-O", &at]);
    }
    keygen(machine, &["-t", "ecdsa-sk", "-f", "stranger"]);
    let keys = ["plain-ecdsa-sk", "verified-ecdsa-sk", "plain-ed25519-sk", "verified-ed25519-sk"];
    let server = Server::start(machine, &keys);
    for key in keys {
        let output = server.sign_in(machine, key);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "signed in\n", "with {key}: {errors}");
    }
    assert!(!server.sign_in(machine, "stranger").status.success(), "a key that is not listed opens nothing");
    let files = fs::read_dir(machine.folder.path()).expect("the folder is there").count();
    keygen(machine, &["-K"]);
    let after = fs::read_dir(machine.folder.path()).expect("the folder is there").count();
    assert_eq!(after, files + 4, "the resident keys and their public halves were downloaded");
}

/// A program of OpenSSH that asks the person for the PIN.
fn program(machine: &Machine, name: &str) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(machine.folder.path())
        .env("SSH_ASKPASS", machine.file("askpass"))
        .env("SSH_ASKPASS_REQUIRE", "force");
    command
}

fn keygen(machine: &Machine, arguments: &[&str]) {
    let mut command = program(machine, "ssh-keygen");
    command.args(["-q", "-N", ""]).args(arguments);
    let output = run_with_input(command, "");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ssh-keygen {arguments:?}: {errors}");
}

/// A server of OpenSSH that takes some keys.
struct Server {
    port: String,
    _process: Process,
}

impl Server {
    fn start(machine: &Machine, keys: &[&str]) -> Self {
        let host = machine.file("host");
        let host = host.to_str().expect("text");
        let _made = succeed("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", host], "");
        let public =
            |key: &&str| fs::read_to_string(machine.file(&format!("{key}.pub"))).expect("a public key");
        write(&machine.file("authorized"), &keys.iter().map(public).collect::<String>());
        let port = programs::free_port().to_string();
        let settings = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {host}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPermitRootLogin yes\nPidFile none\n",
            machine.file("authorized").display()
        );
        let config = machine.file("sshd_config");
        write(&config, &settings);
        fs::create_dir_all("/run/sshd").expect("sshd's folder can be made");
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(config);
        let mut process = Process::start("sshd", command, &machine.file("sshd.log"));
        process.wait_for("Server listening", Duration::from_secs(30));
        Self { port, _process: process }
    }

    fn sign_in(&self, machine: &Machine, key: &str) -> Output {
        let mut command = program(machine, "ssh");
        command.args(["-F", "none", "-i", key, "-p", &self.port]);
        for option in [
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
        ] {
            command.args(["-o", option]);
        }
        command.args(["root@127.0.0.1", "echo signed in"]);
        run_with_input(command, "")
    }
}
