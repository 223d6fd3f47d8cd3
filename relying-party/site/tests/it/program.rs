//! The program itself: it starts, says where, serves, stops, and explains what is wrong with its options.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn program(database: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-site"));
    command.env_clear().args(["--listen", "127.0.0.1:0", "--database"]).arg(database).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

fn failure(database: &Path, more: &[&str]) -> String {
    let Output { status, stderr, .. } = program(database, more).output().unwrap();
    assert_eq!(status.code(), Some(1));
    String::from_utf8(stderr).unwrap()
}

#[test]
fn it_serves_until_it_is_told_to_stop_and_finds_its_data_again() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("site.db");
    for _ in 0..2 {
        let mut child = program(&database, &[]).spawn().unwrap();
        let line = first_line(&mut child);
        let port = line.trim().strip_prefix("Latchkey demo site: http://localhost:").expect(&line);
        let mut peer = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        peer.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut page = String::new();
        peer.read_to_string(&mut page).unwrap();
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        let stopped = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(stopped.success());
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(std::fs::metadata(&database).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn errors_say_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("site.db");
    let missing = directory.path().join("missing").join("site.db");
    let foreign = directory.path().join("foreign.db");
    std::fs::write(&foreign, "this is no database at all, but it is long enough to look at").unwrap();
    assert!(failure(&missing, &[]).contains("check that its directory exists"));
    assert!(failure(&foreign, &[]).contains("not a usable database"));
    assert!(failure(&database, &["--origin", "http://example.org"]).contains("must use https"));
    assert!(failure(&database, &["--origin", "http://127.0.0.1:1"]).contains("try localhost"));
    assert!(failure(&database, &["--rp-id", "example.org"]).contains("or a domain above"));
    let idp = ["--idp-client-id", "c", "--idp-issuer"];
    assert!(
        failure(&database, &[&idp[..], &["http://example.org"]].concat()).contains("must be an https URL")
    );
    let idp = [&idp[..], &["https://example.org", "--idp-ca", foreign.to_str().unwrap()]].concat();
    assert!(failure(&database, &idp).contains("must be PEM"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-site"));
    let output = command.env_clear().args(["--listen", &address]).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("choose another address"));
}
