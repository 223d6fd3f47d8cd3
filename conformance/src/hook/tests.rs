use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use super::Hook;

/// Answers `count` requests with `status`, and returns their first lines.
fn farm(count: usize, status: &'static str) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let served = std::thread::spawn(move || {
        (0..count)
            .map(|_| {
                let (mut stream, _) = listener.accept().expect("a request comes");
                let mut line = String::new();
                BufReader::new(&stream).read_line(&mut line).expect("it has a first line");
                stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).expect("it is answered");
                line.trim_end().to_owned()
            })
            .collect()
    });
    (port, served)
}

#[test]
fn both_vocabularies_of_http_are_spoken() {
    let (port, served) = farm(4, "200 OK");
    let hook: Hook = format!("farm:http://127.0.0.1:{port}/usb6").parse().expect("it is a hook");
    hook.presence(false).expect("it is done");
    hook.presence(true).expect("it is done");
    hook.power_cycle().expect("it is done");
    let paths = ["touch/off", "touch/on", "power/off", "power/on"];
    assert_eq!(served.join().expect("it served"), paths.map(|path| format!("GET /usb6/{path} HTTP/1.1")));

    let (port, served) = farm(2, "204 No Content");
    let hook: Hook = format!("tools:http://127.0.0.1:{port}").parse().expect("it is a hook");
    hook.touch().expect("it is done");
    hook.power_cycle().expect("it is done");
    let paths = ["userpresence", "powercycle"];
    assert_eq!(
        served.join().expect("it served"),
        paths.map(|path| format!("POST /conformance/{path} HTTP/1.1"))
    );
}

#[test]
fn a_hook_that_fails_says_so() {
    let (port, served) = farm(1, "500 Internal Server Error");
    let hook: Hook = format!("farm:http://127.0.0.1:{port}/usb0").parse().expect("it is a hook");
    assert!(hook.presence(true).is_err_and(|error| error.to_string().contains("500")));
    served.join().expect("it served");
    let hook: Hook = "command:/bin/false".parse().expect("it is a hook");
    assert!(hook.power_cycle().is_err_and(|error| error.to_string().contains("/bin/false power-cycle")));
    for wrong in ["", "farm:", "farm:https://a:1", "farm:http://a", "command:", "nobody"] {
        assert!(wrong.parse::<Hook>().is_err(), "{wrong}");
    }
}
