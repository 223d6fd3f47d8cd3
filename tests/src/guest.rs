//! A machine with a kernel of its own: QEMU runs Debian's kernel on this machine's files, which it cannot change.
//!
//! Whatever is installed or built here runs there too, with the kernel's `/dev/uhid`, `/dev/hidraw*`, and `/dev/tpmrm0`
//! on an emulated TPM. It needs no KVM.

mod image;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::programs;
use crate::swtpm::Swtpm;
use image::Image;

/// Set in the guest.
pub const INSIDE: &str = "LATCHKEY_GUEST";
/// What the guest prints before its program begins; before that the firmware and the kernel speak.
const BEGAN: &str = "latchkey-guest: began";
/// What the guest prints before the exit status of its program.
const ENDED: &str = "latchkey-guest: ended ";
/// Chromium wants this much.
const MEMORY: &str = "3500";
const CORES: &str = "2";

/// Starts a guest, runs `program` in it with these variables too, and shows what it prints. Returns its exit status.
///
/// # Panics
/// When the kernel was not fetched, QEMU is missing, or the guest does not end within `limit`.
#[must_use]
pub fn run(program: &Path, arguments: &[&str], variables: &[(&str, &str)], limit: Duration) -> i32 {
    let folder = TempDir::with_prefix("latchkey-guest").expect("a temporary directory can be made");
    let image = Image::make(folder.path(), &command(program, arguments, variables));
    let tpm = Swtpm::for_machine(&folder.path().join("tpm"));
    let mut guest = Guest(start(&image, &tpm));
    let deadline = Instant::now() + limit;
    let lines = guest.lines();
    let mut said = String::new();
    let mut began = false;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if let Some(status) = line.strip_prefix(ENDED) {
                    return status.trim().parse().expect("a status is a number");
                }
                if began {
                    println!("{line}");
                }
                began |= line.ends_with(BEGAN);
                said.extend([&line, "\n"]);
            }
            Err(RecvTimeoutError::Timeout) => panic!("the guest did not end in {limit:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the guest ended before its program:\n{said}"),
        }
    }
}

/// A script that changes to the checkout and becomes the program.
fn command(program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
    let exported = variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value)));
    let program = quoted(&program.to_string_lossy());
    let words: Vec<_> = arguments.iter().map(|word| quoted(word)).collect();
    let checkout = quoted(&programs::checkout().to_string_lossy());
    format!("cd {checkout}\n{}exec {program} {}\n", exported.collect::<String>(), words.join(" "))
}

/// Ended with its handle.
struct Guest(Child);

impl Guest {
    /// The lines of its console, which end in a carriage return too.
    fn lines(&mut self) -> Receiver<String> {
        let console = BufReader::new(self.0.stdout.take().expect("standard output is a pipe"));
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in console.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        lines
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

fn start(image: &Image, tpm: &Swtpm) -> Child {
    let socket = format!("socket,id=tpm,path={}", tpm.control().display());
    let mut command = Command::new("qemu-system-x86_64");
    command
        .args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", CORES, "-m", MEMORY])
        .args(["-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio"])
        .arg("-kernel")
        .arg(image.kernel())
        .arg("-initrd")
        .arg(image.ramdisk())
        .args(["-append", "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off"])
        .args(["-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"])
        .args(["-device", "virtio-9p-pci,fsdev=root,mount_tag=root"])
        .args([
            "-chardev",
            &socket,
            "-tpmdev",
            "emulator,id=tpm,chardev=tpm",
            "-device",
            "tpm-crb,tpmdev=tpm",
        ]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap_or_else(|error| panic!("qemu-system-x86_64 (package qemu-system-x86): {error}"))
}
