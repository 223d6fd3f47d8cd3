//! What the program does with requests that no client sends: too many headers, too large ones, a body that never ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::program::{program, text};

/// A running provider, which is told to stop at the end.
struct Serving {
    child: Child,
    address: String,
    _directory: tempfile::TempDir,
}

impl Serving {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let init = ["init", "--tenant", "Example", "--domain", "example.org"];
        let made = program(directory.path()).args(init).output().unwrap();
        assert!(made.status.success(), "{}", text(&made));
        let mut command = program(directory.path());
        let mut child =
            command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let line = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        let address = line.rsplit_once(' ').unwrap().1.to_owned();
        Self { child, address, _directory: directory }
    }

    /// Sends bytes, and gives what comes back until the connection ends or is quiet.
    fn send(&self, bytes: &[u8], patience: Duration) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(patience)).unwrap();
        // The answer may come before all is sent.
        let _cut = stream.write_all(bytes);
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut piece) {
            answer.extend_from_slice(&piece[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

#[test]
fn headers_have_a_number_and_a_size() {
    let idp = Serving::start();
    let quiet = Duration::from_millis(1_500);
    let with = |headers: &str| {
        format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n")
    };
    let answer = idp.send(with("A: b\r\n").as_bytes(), quiet);
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    let many = "X-Header: value\r\n".repeat(100);
    let answer = idp.send(with(&many).as_bytes(), quiet);
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let large = format!("X-Header: {}\r\n", "v".repeat(200_000));
    let answer = idp.send(with(&large).as_bytes(), quiet);
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let answer = idp.send(b"GET /healthz HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n", quiet);
    assert!(!answer.contains("not_found"), "nothing is smuggled behind two lengths: {answer}");
}

#[test]
fn a_body_that_never_ends_is_answered() {
    let idp = Serving::start();
    let half = b"POST /common/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\ngrant_type=";
    let answer = idp.send(half, Duration::from_secs(17));
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("within 15 seconds"), "{answer}");
    let huge = b"POST /common/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\ngrant_type=";
    let answer = idp.send(huge, Duration::from_secs(3));
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("64 KiB"),
        "refused by its length: {answer}"
    );
}
