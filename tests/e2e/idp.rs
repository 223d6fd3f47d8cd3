//! The identity provider as a program: what it serves to whom, and a stop that answers what it has begun.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use latchkey_tests::idp::IdpPlace;
use latchkey_tests::programs;

#[test]
fn plain_http_is_not_served_to_a_network() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let place = IdpPlace::init(folder.path(), programs::free_port());
    let output = place
        .command()
        .args(["serve", "--behind-proxy", "--listen", "0.0.0.0:0"])
        .output()
        .expect("latchkey-idp starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("loopback"), "{said}");
}

#[test]
fn a_stop_still_answers_the_request_that_is_under_way() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let port = programs::free_port();
    let place = IdpPlace::init(folder.path(), port);
    let mut command = place.command();
    command.args(["serve", "--behind-proxy", "--listen", &format!("127.0.0.1:{port}")]);
    let log = folder.path().join("log");
    let mut process = latchkey_tests::process::Process::start("latchkey-idp", command, &log);
    process.wait_for("Latchkey identity provider: ", Duration::from_secs(20));
    let mut half = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let head = format!("POST /{}/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\n", place.tenant);
    write!(half, "{head}Content-Length: 21\r\n\r\ngrant_type=").expect("it reads");
    // The answer to another request on another connection: by then the half request has been read too.
    let mut whole = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    write!(whole, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("it reads");
    assert!(text(&mut whole).starts_with("HTTP/1.1 204"));
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| process.stop());
        while TcpStream::connect(("127.0.0.1", port)).is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
        write!(half, "not_a_type").expect("the connection is still open");
        let answer = text(&mut half);
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("AADSTS"), "{answer}");
        stopping.join().expect("it stops");
    });
    assert!(process.output().ends_with("Stopped.\n"), "{}", process.output());
}

fn text(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket takes a time limit");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("it answers and closes");
    String::from_utf8_lossy(&bytes).into_owned()
}
