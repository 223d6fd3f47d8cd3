//! The control socket with what no command would send.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{PIN, World};

fn connect(world: &World) -> UnixStream {
    let stream = UnixStream::connect(world.control()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn answer(stream: &UnixStream) -> Value {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn malformed_lines_are_answered_and_end_the_connection() {
    let world = World::software();
    let daemon = world.up(&[]);
    let too_long = format!("{{\"set_pin\":{{\"new\":\"{}\"}}}}\n", "x".repeat(70_000));
    let lines = [
        "\n",
        "nonsense\n",
        "{\"status\":{}\n",
        "{\"set_pin\":{\"new\":\"secret-1234\",\"more\":1}}\n",
        "[[[[[[[[\n",
        "{\"status\":{},\"status\":{}}\n",
        too_long.as_str(),
    ];
    for line in lines {
        let mut stream = connect(&world);
        let _may_end_early = stream.write_all(line.as_bytes());
        assert_eq!(answer(&stream)["error"]["kind"], "usage", "{line:.40}");
        assert_eq!(stream.read(&mut [0; 8]).unwrap_or(0), 0, "closed after {line:.40}");
    }
    let mut half = connect(&world);
    half.write_all(b"{\"stat").unwrap();
    drop(half);
    assert_eq!(world.json(&["status"], "").0, 3, "still serving");
    assert!(!daemon.process.output().contains("secret-1234"));
}

#[test]
fn several_requests_may_follow_on_one_connection() {
    let world = World::with_container();
    let _daemon = world.up(&[]);
    let mut stream = connect(&world);
    stream.write_all(b"{\"status\":{}}\n{\"stat").unwrap();
    assert_eq!(answer(&stream)["status"]["passkeys"], 0);
    stream.write_all(b"us\":{}}\n").unwrap();
    assert_eq!(answer(&stream)["status"]["passkeys"], 0);
}

#[test]
fn destroying_another_container_than_the_one_shown_is_refused() {
    let world = World::with_container();
    let _daemon = world.up(&[]);
    let mut stream = connect(&world);
    stream.write_all(b"{\"destroy\":{\"id\":\"00\"}}\n{\"discard\":{}}\n").unwrap();
    let mut lines = BufReader::new(&stream).lines();
    for _ in 0..2 {
        let answer: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["error"]["kind"], "refused");
    }
    assert!(world.home.ctaphid().exists());
}

#[test]
fn the_daemon_asks_for_what_a_request_leaves_out() {
    let world = World::with_container();
    let _daemon = world.up(&[]);
    let ask = |line: &[u8]| {
        let mut stream = connect(&world);
        stream.write_all(line).unwrap();
        answer(&stream)
    };
    assert_eq!(
        ask(b"{\"list_passkeys\":{\"pin\":null}}\n")["error"]["kind"],
        "refused",
        "there is no PIN to ask for"
    );
    assert!(world.prompter.asked().is_empty());
    let world_with_pin = || assert_eq!(world.json(&["pin", "set", "--pin-stdin"], PIN).0, 0);
    world_with_pin();
    assert_eq!(ask(b"{\"list_passkeys\":{\"pin\":null}}\n"), json!({"passkeys": []}));
    let asked = world.prompter.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (&asked[0]["want"], &asked[0]["text"]),
        (&json!("pin"), &json!("Show the list of your passkeys"))
    );
    world.prompter.next(r#"{"deny":true}"#);
    assert_eq!(ask(b"{\"list_passkeys\":{\"pin\":null}}\n")["error"]["kind"], "refused");

    let choose = b"{\"choose\":{\"rp_id\":\"localhost\",\"choices\":[\"alice\",\"bob\"]}}\n";
    world.prompter.next(r#"{"choice":1}"#);
    assert_eq!(ask(choose), json!({"chosen": 1}));
    world.prompter.next(r#"{"deny":true}"#);
    assert_eq!(ask(choose)["error"]["kind"], "refused");
    let asked = world.prompter.asked();
    assert_eq!(asked.last().unwrap()["choices"], json!(["alice", "bob"]));

    // Who hangs up while the question is open gives the place free for the next one.
    world.prompter.next("hold");
    let mut stream = connect(&world);
    stream.write_all(choose).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    drop(stream);
    world.prompter.next(r#"{"choice":0}"#);
    assert_eq!(ask(choose), json!({"chosen": 0}));
}
