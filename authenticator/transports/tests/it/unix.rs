//! The unix socket: who gets in, what gets through, what is left behind.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use latchkey_transports::carrier::{Event, Links};
use latchkey_transports::ctaphid::REPORT;
use latchkey_transports::unix::{Error, Listener};
use tempfile::TempDir;
use tokio_seqpacket::UnixSeqpacket;

const A_WHILE: Duration = Duration::from_secs(10);

fn runtime<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(A_WHILE, what).await.expect("it should have happened by now")
}

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run").join("ctaphid.sock");
    (directory, path)
}

async fn connect(path: &Path) -> UnixSeqpacket {
    soon(UnixSeqpacket::connect(path)).await.unwrap()
}

/// True when the other side closes without a word.
async fn is_closed(socket: &UnixSeqpacket) -> bool {
    matches!(soon(socket.recv(&mut [0; 128])).await, Ok(0) | Err(_))
}

#[test]
fn reports_go_both_ways_and_links_end() {
    runtime(async {
        let (_directory, path) = place();
        let mut links = Links::new();
        let _listener = Listener::bind(&path, links.port()).unwrap();
        let (first, second) = (connect(&path).await, connect(&path).await);

        first.send(&[1; REPORT]).await.unwrap();
        let Event::Report(link, report) = soon(links.next()).await else { panic!("a report was sent") };
        assert_eq!(report, [1; REPORT]);
        second.send(&[2; REPORT]).await.unwrap();
        let Event::Report(other, _) = soon(links.next()).await else { panic!("a report was sent") };
        assert_ne!(link, other);

        links.send(link, [3; REPORT]);
        let mut buffer = [0; 100];
        assert_eq!(soon(first.recv(&mut buffer)).await.unwrap(), REPORT);
        assert_eq!(buffer[..REPORT], [3; REPORT]);

        drop(first);
        assert_eq!(soon(links.next()).await, Event::Closed(link));
        links.send(link, [4; REPORT]);
        second.send(&[5; REPORT]).await.unwrap();
        assert_eq!(soon(links.next()).await, Event::Report(other, [5; REPORT]));
    });
}

#[test]
fn packets_that_are_not_reports_are_dropped() {
    runtime(async {
        let (_directory, path) = place();
        let mut links = Links::new();
        let _listener = Listener::bind(&path, links.port()).unwrap();
        let socket = connect(&path).await;
        for length in [1, 63, 65, 66, 4096] {
            socket.send(&vec![9; length]).await.unwrap();
        }
        socket.send(&[1; REPORT]).await.unwrap();
        assert!(matches!(soon(links.next()).await, Event::Report(_, report) if report == [1; REPORT]));
    });
}

#[test]
fn the_socket_is_private_and_goes_with_its_listener() {
    runtime(async {
        let (_directory, path) = place();
        let mut links = Links::new();
        let listener = Listener::bind(&path, links.port()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);

        let socket = connect(&path).await;
        socket.send(&[1; REPORT]).await.unwrap();
        let Event::Report(link, _) = soon(links.next()).await else { panic!("a report was sent") };
        drop(listener);
        assert!(!path.exists(), "unplugged");
        assert!(is_closed(&socket).await);
        assert_eq!(soon(links.next()).await, Event::Closed(link));

        let _again = Listener::bind(&path, links.port()).unwrap();
        connect(&path).await;
    });
}

#[test]
fn a_live_socket_is_left_alone() {
    runtime(async {
        let (_directory, path) = place();
        let links = Links::new();
        let _listener = Listener::bind(&path, links.port()).unwrap();
        assert!(matches!(Listener::bind(&path, links.port()), Err(Error::Live(at)) if at == path));
        assert!(path.exists(), "and the live one is still there");
    });
}

#[test]
fn a_crashed_listener_leaves_a_socket_that_is_replaced() {
    runtime(async {
        let (_directory, path) = place();
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::SEQPACKET, None).unwrap();
        socket.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
        socket.listen(1).unwrap();
        drop(socket);
        assert!(path.exists(), "left behind");
        let links = Links::new();
        let _listener = Listener::bind(&path, links.port()).unwrap();
        connect(&path).await;
    });
}

#[test]
fn a_listener_does_not_remove_its_successor() {
    runtime(async {
        let (_directory, path) = place();
        let links = Links::new();
        let first = Listener::bind(&path, links.port()).unwrap();
        std::fs::remove_file(&path).unwrap();
        let _second = Listener::bind(&path, links.port()).unwrap();
        drop(first);
        assert!(path.exists());
    });
}

#[test]
fn other_files_and_open_directories_are_refused() {
    runtime(async {
        let (directory, path) = place();
        let links = Links::new();
        let run = path.parent().unwrap();
        std::fs::create_dir(run).unwrap();
        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(Listener::bind(&path, links.port()), Err(Error::NotASocket(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");

        let open = run.join("other.sock");
        for mode in [0o777, 0o770, 0o702] {
            std::fs::set_permissions(run, PermissionsExt::from_mode(mode)).unwrap();
            assert!(matches!(Listener::bind(&open, links.port()), Err(Error::Exposed(at)) if at == run));
        }
        let long = directory.path().join("x".repeat(200));
        assert!(matches!(Listener::bind(&long, links.port()), Err(Error::Io(..))));
    });
}

#[test]
fn a_peer_that_does_not_read_loses_its_link() {
    runtime(async {
        let (_directory, path) = place();
        let mut links = Links::new();
        let _listener = Listener::bind(&path, links.port()).unwrap();
        let (deaf, good) = (connect(&path).await, connect(&path).await);
        deaf.send(&[1; REPORT]).await.unwrap();
        let Event::Report(link, _) = soon(links.next()).await else { panic!("a report was sent") };
        let closed = async {
            for _ in 0..1_000_000 {
                links.send(link, [0; REPORT]);
                tokio::select! { biased; event = links.next() => return event, () = tokio::task::yield_now() => {} }
            }
            panic!("the queue grows without end");
        };
        assert_eq!(soon(closed).await, Event::Closed(link));
        good.send(&[2; REPORT]).await.unwrap();
        assert!(matches!(soon(links.next()).await, Event::Report(..)), "others are served");
        deaf.send(&[3; REPORT]).await.ok();
    });
}

#[test]
fn connections_are_limited() {
    runtime(async {
        let (_directory, path) = place();
        let mut links = Links::new();
        let _listener = Listener::bind(&path, links.port()).unwrap();
        let mut open = Vec::new();
        for _ in 0..64 {
            let socket = connect(&path).await;
            socket.send(&[1; REPORT]).await.unwrap();
            assert!(matches!(soon(links.next()).await, Event::Report(..)));
            open.push(socket);
        }
        assert!(is_closed(&connect(&path).await).await, "the 65th");
        open.pop();
        assert!(matches!(soon(links.next()).await, Event::Closed(_)));
        let socket = connect(&path).await;
        socket.send(&[1; REPORT]).await.unwrap();
        assert!(matches!(soon(links.next()).await, Event::Report(..)));
    });
}

#[test]
fn a_peer_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can start a process of another user");
        return;
    }
    runtime(async {
        let (directory, path) = place();
        let mut links = Links::new();
        let _listener = Listener::bind(&path, links.port()).unwrap();
        // The file rights would keep it out already; here only the check of the peer is to be tested.
        for open in [directory.path(), path.parent().unwrap(), &path] {
            std::fs::set_permissions(open, PermissionsExt::from_mode(0o777)).unwrap();
        }
        let script = "import socket,sys\n\
            s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n\
            s.connect(sys.argv[1])\n\
            try:\n s.send(bytes([255]*4+[0x86,0,8]+[1]*57)); print('closed' if s.recv(64)==b'' else 'ANSWERED')\n\
            except OSError: print('closed')\n";
        let peer = move || {
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "/usr/bin/env",
                "python3",
                "-c",
            ]);
            command.arg(script).arg(&path).env("PATH", "/usr/bin:/bin").output()
        };
        let Ok(output) = soon(tokio::task::spawn_blocking(peer)).await.unwrap() else {
            println!("skipped: setpriv (util-linux) is not installed");
            return;
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("No such file") {
            println!("skipped: no python3 in /usr/bin");
            return;
        }
        assert_eq!(said.trim(), "closed", "{}", String::from_utf8_lossy(&output.stderr));
        let nothing = tokio::time::timeout(Duration::from_millis(100), links.next()).await;
        assert!(nothing.is_err(), "nothing of it reached the device: {nothing:?}");
    });
}
