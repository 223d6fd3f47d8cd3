//! Starting, stopping, and who may talk to the daemon.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use latchkey_tests::daemon::Daemon;
use latchkey_tests::process::Process;
use serde_json::json;

use crate::world::{World, code, stderr};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn sigterm_ends_it_cleanly_and_removes_the_sockets() {
    let world = World::with_container();
    let mut daemon = world.up(&[]);
    for socket in [world.home.ctaphid(), world.control()] {
        assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o600, "{}", socket.display());
    }
    assert_eq!(fs::metadata(&world.home.runtime).unwrap().mode() & 0o777, 0o700);
    daemon.process.stop();
    assert_eq!(daemon.process.wait(SOON).code(), Some(0));
    assert!(!world.home.ctaphid().exists() && !world.control().exists());
    assert_eq!(world.json(&["status"], "").0, 0, "the container is free again");
}

#[test]
fn what_a_killed_daemon_left_behind_does_not_matter() {
    let world = World::with_container();
    world.up(&[]).process.kill();
    assert!(world.control().exists());
    assert_eq!(world.json(&["status"], "").0, 0, "a command works without it");
    let _daemon = world.up(&[]);
    assert_eq!(world.channel().cbor(&[0x04], &mut |_| {}).unwrap()[0], 0x00);
}

#[test]
fn there_is_one_daemon_for_a_container() {
    let mut world = World::with_container();
    let _daemon = world.up(&[]);
    let output = world.run(&["up"], "");
    assert_eq!(code(&output), 8);
    assert!(stderr(&output).contains("another daemon"), "{}", stderr(&output));
    // From another runtime directory, the container itself is what is in use.
    world.home.runtime = world.folder.path().join("elsewhere");
    assert_eq!(code(&world.run(&["up"], "")), 8);
    let (exit, answer) = world.json(&["status"], "");
    assert_eq!((exit, &answer["error"]["kind"]), (8, &json!("in_use")));
}

#[test]
fn nobody_to_ask_is_said_at_the_start() {
    let world = World::with_container();
    let arguments = ["--prompt", "auto"];
    let command = world.home.latchkey();
    // Without a controlling terminal, as a service would run.
    let mut detached = Command::new("setsid");
    detached.arg(command.get_program()).arg("up").args(arguments);
    detached.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    detached.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let mut process = Process::start("latchkey up", detached, &world.log());
    process.wait_for("every request that needs you will be denied", SOON);
    process.wait_for("latchkey: ready", SOON);
    assert_eq!(world.channel().cbor(&[0x0B], &mut |_| {}).unwrap(), [0x27]);
}

#[test]
fn no_core_file_and_no_tracing_by_other_programs() {
    let world = World::software();
    let daemon = world.up(&[]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.process.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    if !rustix::process::geteuid().is_root() {
        // What is not dumpable belongs to root in /proc.
        assert_eq!(fs::metadata(format!("/proc/{}/environ", daemon.process.pid())).unwrap().uid(), 0);
    }
}

#[test]
fn memory_is_locked_where_that_is_permitted_and_the_status_says_so() {
    let locked_pages = |process: &Process| {
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap().trim().to_owned();
        line.trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let up = |wrapper: &[&str]| {
        let world = World::with_container();
        let command = world.home.latchkey();
        let mut wrapped = Command::new(wrapper[0]);
        wrapped.args(&wrapper[1..]).arg(command.get_program()).args(["up", "--prompt", "auto"]);
        wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut process = Process::start("latchkey up", wrapped, &world.log());
        process.wait_for("latchkey: ready", SOON);
        let memory = world.json(&["status"], "").1["status"]["memory"].clone();
        (locked_pages(&process), memory)
    };
    let low = ["prlimit", "--memlock=1048576"];
    let without_the_right = ["setpriv", "--inh-caps=-ipc_lock", "--bounding-set=-ipc_lock"];
    let wrapper = if rustix::process::geteuid().is_root() {
        [&without_the_right[..], &low].concat()
    } else {
        low.into()
    };
    let (pages, memory) = up(&wrapper);
    assert_eq!(pages, 0, "a part of it would not be enough");
    assert!(memory["swappable"].as_str().is_some_and(|why| why.contains("LimitMEMLOCK")), "{memory}");
    if may_lock() {
        let (pages, memory) = up(&["env"]);
        assert!(pages > 0 && memory == json!("locked"), "{pages} {memory}");
    }
}

/// Whether this process has `CAP_IPC_LOCK`, and so its children.
fn may_lock() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let held = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap().trim();
    u64::from_str_radix(held, 16).unwrap() & (1 << 14) != 0
}

#[test]
fn another_user_is_refused_on_both_sockets() {
    if !rustix::process::geteuid().is_root() || Command::new("setpriv").arg("--version").output().is_err() {
        eprintln!("skipped: becoming another user needs root and setpriv");
        return;
    }
    let world = World::with_container();
    let daemon = world.up(&[]);
    // The file modes alone would keep them out; here it is the check behind them that counts.
    let program = world.folder.path().join("latchkey");
    fs::copy(env!("CARGO_BIN_EXE_latchkey"), &program).unwrap();
    for path in [world.folder.path(), &world.home.runtime, &program] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    for socket in [world.home.ctaphid(), world.control()] {
        fs::set_permissions(socket, Permissions::from_mode(0o666)).unwrap();
    }
    let output = as_nobody(&world, &program, &["status"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(daemon.process.output().contains("a control connection of another user was refused"));
    let output = as_nobody(&world, &program, &["browser", "host"]);
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(answer.contains("\"ok\":false"), "{answer} {}", stderr(&output));
    assert!(daemon.process.output().contains("a CTAPHID connection of another user was refused"));
    assert_eq!(world.json(&["status"], "").0, 0, "the owner is still served");
}

fn as_nobody(world: &World, program: &Path, arguments: &[&str]) -> std::process::Output {
    use std::io::Write;
    let mut child = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(program)
        .args(arguments)
        .env("LATCHKEY_DIR", &world.home.data)
        .env("LATCHKEY_RUNTIME_DIR", &world.home.runtime)
        .env("LATCHKEY_TPM", "software")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let message = br#"{"id":1,"kind":"isUvpaa"}"#;
    let mut stdin = child.stdin.take().unwrap();
    let _not_read = stdin.write_all(&u32::try_from(message.len()).unwrap().to_ne_bytes());
    let _not_read = stdin.write_all(message);
    // The host ends with its input; the answer must come first.
    std::thread::sleep(Duration::from_millis(500));
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[test]
fn a_start_that_fails_says_why_and_leaves_nothing() {
    let world = World::software();
    let mut daemon = Daemon::launch(&world.home, &["--prompt", "telepathy"], &world.log());
    assert_eq!(daemon.process.wait(SOON).code(), Some(2));
    let mut daemon = Daemon::launch(&world.home, &["--tpm", "nonsense"], &world.log());
    assert_eq!(daemon.process.wait(SOON).code(), Some(6));
    assert!(!world.control().exists());
}

#[test]
fn the_udp_port_is_there_while_the_device_is_plugged_in() {
    let world = World::with_container();
    let port = latchkey_tests::programs::free_port();
    let _daemon = world.up(&["--udp", &port.to_string()]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let mut init = [0; 64];
    init[..7].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF, 0x86, 0, 8]);
    socket.send_to(&init, ("127.0.0.1", port)).unwrap();
    let mut answer = [0; 64];
    assert_eq!(socket.recv(&mut answer).unwrap(), 64);
    assert_eq!(answer[..6], init[..6]);
    assert_eq!(world.json(&["container", "destroy", "--yes"], "").0, 0);
    let started = Instant::now();
    while std::net::UdpSocket::bind(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < SOON, "the port is free again");
        std::thread::sleep(Duration::from_millis(20));
    }
}
