//! What the guest starts from: the kernel, and a small root that hands over to this machine's files.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::programs;

/// The first program: it loads modules, and changes to this machine's files.
const INIT: &str = include_str!("../../guest/init");
/// The second: it starts what a machine has, and then the program.
const START: &str = include_str!("../../guest/start");
/// What INIT, the daemon and the clients want, with all that these want.
const MODULES: [&str; 10] = [
    "virtio_pci",
    "9p",
    "9pnet_virtio",
    "overlay",
    "uhid",
    "hid-generic",
    // Encrypted disks.
    "loop",
    "dm-crypt",
    "xts",
    "algif_skcipher",
];

pub(super) struct Image {
    kernel: PathBuf,
    ramdisk: PathBuf,
}

impl Image {
    /// Writes the ramdisk into `folder`; `command` is the script that the guest is for.
    pub(super) fn make(folder: &Path, command: &str) -> Self {
        let linux = Linux::fetched();
        let root = folder.join("root");
        for place in ["bin", "lib", "lower", "upper", "root", "proc", "sys", "dev"] {
            fs::create_dir_all(root.join(place)).expect("a folder can be made");
        }
        fs::copy(linux.folder.join("bin/busybox"), root.join("bin/busybox")).expect("busybox can be copied");
        let mut order = String::new();
        for module in linux.modules() {
            let name = module.file_name().and_then(|name| name.to_str()).expect("a module has a name");
            fs::copy(&module, root.join("lib").join(name)).expect("a module can be copied");
            order.extend([name, "\n"]);
        }
        write(&root.join("lib/order"), &order);
        write(&root.join("init"), INIT);
        write(&root.join("start"), START);
        write(&root.join("program"), command);
        symlink("busybox", root.join("bin/sh")).expect("a link can be made");
        let ramdisk = folder.join("ramdisk");
        pack(&root, &ramdisk);
        Self { kernel: linux.kernel(), ramdisk }
    }

    pub(super) fn kernel(&self) -> &Path {
        &self.kernel
    }

    pub(super) fn ramdisk(&self) -> &Path {
        &self.ramdisk
    }
}

/// Debian's kernel and busybox, as `./run` unpacked them.
struct Linux {
    folder: PathBuf,
    version: String,
}

impl Linux {
    fn fetched() -> Self {
        let folder = programs::target().join("guest/linux");
        let versions = fs::read_dir(folder.join("lib/modules"));
        let version = versions.ok().and_then(|mut all| all.next()?.ok()).map(|entry| entry.file_name());
        let version = version.and_then(|name| name.into_string().ok());
        let version = version
            .unwrap_or_else(|| panic!("there is no kernel in {}: `./run vm` fetches it", folder.display()));
        Self { folder, version }
    }

    fn kernel(&self) -> PathBuf {
        self.folder.join("boot").join(format!("vmlinuz-{}", self.version))
    }

    /// The modules' files, each after those that it wants.
    fn modules(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for module in MODULES {
            let output = Command::new("modprobe")
                .arg("-d")
                .arg(&self.folder)
                .args(["-S", &self.version, "--show-depends", module])
                .output()
                .unwrap_or_else(|error| panic!("modprobe (package kmod): {error}"));
            let listed = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{module}: {}", String::from_utf8_lossy(&output.stderr));
            for file in listed.lines().filter_map(|line| line.strip_prefix("insmod ")) {
                let file = PathBuf::from(file.trim());
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        files
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it can be made executable");
}

/// Packs `root` as the kernel wants it (cpio's "newc").
fn pack(root: &Path, ramdisk: &Path) {
    let names = Command::new("find").arg(".").current_dir(root).output().expect("find runs").stdout;
    let mut packing = Command::new("cpio")
        .args(["--create", "--format=newc", "--quiet"])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(fs::File::create(ramdisk).expect("a file can be made"))
        .spawn()
        .unwrap_or_else(|error| panic!("cpio (package cpio): {error}"));
    packing.stdin.take().expect("standard input is a pipe").write_all(&names).expect("cpio reads the names");
    assert!(packing.wait().expect("a child can be waited for").success(), "cpio packs the ramdisk");
}
