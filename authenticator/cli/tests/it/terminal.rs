//! Questions on a terminal: util-linux's `script` gives the program one of its own.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use crate::world::{PIN, World};

struct Terminal {
    screen: PathBuf,
    child: Child,
    keys: ChildStdin,
    seen: usize,
}

impl Terminal {
    /// Runs a shell command on a terminal; `latchkey` in it is the program.
    fn start(world: &World, command: &str) -> Self {
        Self::start_on(world, command, world.log())
    }

    fn start_on(world: &World, command: &str, screen: PathBuf) -> Self {
        let latchkey = world.home.latchkey();
        let program = latchkey.get_program().to_str().unwrap();
        let mut script = Command::new("script");
        script.args(["-qefc", &command.replace("latchkey", program), "/dev/null"]);
        script
            .envs(latchkey.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("SHELL", "/bin/sh");
        script.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        let shown = File::create(&screen).unwrap();
        let mut child = script.stdin(Stdio::piped()).stdout(shown).stderr(Stdio::null()).spawn().unwrap();
        let keys = child.stdin.take().unwrap();
        Self { screen, child, keys, seen: 0 }
    }

    /// Waits for text that was not waited for before.
    fn sees(&mut self, text: &str) {
        let started = Instant::now();
        loop {
            let screen = self.text();
            if let Some(found) = screen.get(self.seen..).and_then(|new| new.find(text)) {
                self.seen += found + text.len();
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "no {text:?} in {screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.screen).unwrap()).into_owned()
    }

    fn types(&mut self, keys: &str) {
        use std::io::Write;
        // What is typed before the question is thrown away, so a person's pause belongs to it.
        std::thread::sleep(Duration::from_millis(200));
        self.keys.write_all(keys.as_bytes()).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

#[test]
fn a_pin_is_set_by_typing_it_twice() {
    let world = World::with_container();
    let mut terminal = Terminal::start(&world, "latchkey pin set; latchkey container destroy");
    terminal.sees("New PIN: ");
    terminal.types(&format!("{PIN}\n"));
    terminal.sees("New PIN again: ");
    terminal.types(&format!("{PIN}\n"));
    terminal.sees("The PIN is set.");
    terminal.sees("It holds no passkeys.");
    terminal.sees("Type destroy to go on: ");
    terminal.types("no\n");
    terminal.sees("nothing was destroyed");
    assert!(!terminal.text().contains(PIN));
    assert_eq!(world.json(&["status"], "").1["status"]["pin"]["tries_left"], 8);
}

#[test]
fn what_destroying_loses_is_named_to_who_knows_the_pin() {
    let world = World::with_container().with_pin();
    let _daemon = world.up(&[]);
    latchkey_tests::native_host::NativeHost::start(&world.home)
        .create("http://localhost:8080", "alice")
        .unwrap();
    let screen = world.folder.path().join("screen");
    let mut terminal = Terminal::start_on(&world, "latchkey container destroy", screen);
    terminal.sees("1 passkey will be lost for good");
    terminal.sees("PIN, to see which (empty to skip): ");
    terminal.types(&format!("{PIN}\n"));
    terminal.sees("  alice at localhost");
    terminal.sees("Type destroy to go on: ");
    terminal.types("destroy\n");
    terminal.sees("with 1 passkey.");
    assert_eq!(world.json(&["status"], "").0, 3);
}

#[test]
fn the_daemon_asks_on_its_terminal_and_leaves_it_as_it_was() {
    let world = World::with_container().with_pin();
    let mut terminal =
        Terminal::start(&world, "trap : INT; latchkey up --prompt-timeout 5; echo ended with $?; stty -a");
    terminal.sees("questions are put on this terminal");
    terminal.sees("latchkey: ready");
    let mut channel = world.channel();
    let mut select = |answer: &str, terminal: &mut Terminal| {
        std::thread::scope(|scope| {
            let response = scope.spawn(|| channel.cbor(&[0x0B], &mut |_| {}).unwrap());
            terminal.sees("Use this authenticator");
            terminal.sees("Allow? [y/N] ");
            terminal.types(answer);
            response.join().unwrap()
        })
    };
    assert_eq!(select("y\n", &mut terminal), [0x00]);
    assert_eq!(select("\n", &mut terminal), [0x27]);
    assert_eq!(select("", &mut terminal), [0x2F], "the time is up");

    let listing = std::thread::scope(|scope| {
        let listing = scope.spawn(|| {
            use std::io::{BufRead, BufReader, Write};
            let mut control = std::os::unix::net::UnixStream::connect(world.control()).unwrap();
            control.write_all(b"{\"list_passkeys\":{\"pin\":null}}\n").unwrap();
            BufReader::new(control).lines().next().unwrap().unwrap()
        });
        terminal.sees("PIN (empty to deny): ");
        terminal.types(&format!("{PIN}\n"));
        listing.join().unwrap()
    });
    assert_eq!(listing, r#"{"passkeys":[]}"#);
    assert!(!terminal.text().contains(PIN), "the PIN is not echoed");

    // Ctrl-C in the middle of a PIN: the daemon ends and gives the echo back.
    std::thread::scope(|scope| {
        let response = scope.spawn(|| {
            use std::io::{Read, Write};
            let mut control = std::os::unix::net::UnixStream::connect(world.control()).unwrap();
            control.write_all(b"{\"list_passkeys\":{\"pin\":null}}\n").unwrap();
            control.read_to_end(&mut Vec::new()).unwrap_or(0)
        });
        terminal.sees("PIN (empty to deny): ");
        terminal.types("abc\u{3}");
        assert_eq!(response.join().unwrap(), 0);
    });
    terminal.sees("ended with 0");
    terminal.sees(" echo ");
}
