//! Questions on a terminal.

use latchkey_tests::terminal::Terminal;

use crate::world::{PIN, World};

fn terminal(world: &World, command: &str) -> Terminal {
    Terminal::start(&world.home, command, &world.log())
}

#[test]
fn a_pin_is_set_by_typing_it_twice() {
    let world = World::with_container();
    let mut terminal = terminal(&world, "latchkey pin set; latchkey container destroy");
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
    let mut terminal = Terminal::start(&world.home, "latchkey container destroy", &screen);
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
        terminal(&world, "trap : INT; latchkey up --prompt-timeout 5; echo ended with $?; stty -a");
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
