//! UDP on loopback: every sender is a link, and gets its own answers.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use latchkey_transports::carrier::{Event, Links};
use latchkey_transports::ctaphid::REPORT;
use latchkey_transports::loopback::Listener;
use latchkey_transports::udp;

fn runtime<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(test)
}

async fn next(links: &mut Links) -> Event {
    tokio::time::timeout(Duration::from_secs(10), links.next()).await.expect("an event should have come")
}

fn peer(listener: &Listener) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.connect(listener.local_addr()).unwrap();
    socket
}

#[test]
fn answers_go_to_the_sender() {
    runtime(async {
        let mut links = Links::new();
        let listener = udp::bind(0, links.port()).await.unwrap();
        assert!(listener.local_addr().ip().is_loopback());
        let peers = [peer(&listener), peer(&listener)];
        let mut seen = Vec::new();
        for (number, peer) in (1..).zip(&peers) {
            peer.send(&[number; REPORT]).unwrap();
            let Event::Report(link, report) = next(&mut links).await else { panic!("a report was sent") };
            assert_eq!(report, [number; REPORT]);
            seen.push(link);
        }
        assert_ne!(seen[0], seen[1]);
        peers[0].send(&[8; REPORT]).unwrap();
        assert_eq!(
            next(&mut links).await,
            Event::Report(seen[0], [8; REPORT]),
            "the same sender, the same link"
        );
        links.send(seen[1], [6; REPORT]);
        links.send(seen[0], [5; REPORT]);
        for (peer, expected) in peers.iter().zip([5, 6]) {
            let mut buffer = [0; 100];
            assert_eq!(peer.recv(&mut buffer).unwrap(), REPORT);
            assert_eq!(buffer[0], expected);
        }
    });
}

#[test]
fn datagrams_that_are_not_reports_are_dropped() {
    runtime(async {
        let mut links = Links::new();
        let listener = udp::bind(0, links.port()).await.unwrap();
        let peer = peer(&listener);
        for length in [0, 1, 63, 65, 1000] {
            peer.send(&vec![9; length]).unwrap();
        }
        peer.send(&[1; REPORT]).unwrap();
        assert!(matches!(next(&mut links).await, Event::Report(_, report) if report == [1; REPORT]));
    });
}

#[test]
fn senders_are_limited_and_the_oldest_goes() {
    runtime(async {
        let mut links = Links::new();
        let listener = udp::bind(0, links.port()).await.unwrap();
        let mut first = None;
        let peers: Vec<UdpSocket> = (0..65).map(|_| peer(&listener)).collect();
        for peer in &peers {
            peer.send(&[1; REPORT]).unwrap();
            match next(&mut links).await {
                Event::Report(link, _) => {
                    first.get_or_insert(link);
                }
                Event::Closed(link) => {
                    assert_eq!(Some(link), first);
                    assert!(matches!(next(&mut links).await, Event::Report(..)));
                    return;
                }
            }
        }
        panic!("65 senders were remembered");
    });
}

#[test]
fn an_answer_to_nobody_does_no_harm() {
    runtime(async {
        let mut links = Links::new();
        let listener = udp::bind(0, links.port()).await.unwrap();
        let (gone, good) = (peer(&listener), peer(&listener));
        gone.send(&[1; REPORT]).unwrap();
        let Event::Report(link, _) = next(&mut links).await else { panic!("a report was sent") };
        drop(gone);
        for _ in 0..10 {
            links.send(link, [0; REPORT]);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        good.send(&[2; REPORT]).unwrap();
        assert!(matches!(next(&mut links).await, Event::Report(_, report) if report == [2; REPORT]));
    });
}

#[test]
fn a_taken_port_is_an_error_and_a_dropped_listener_frees_it() {
    runtime(async {
        let mut links = Links::new();
        let listener = udp::bind(0, links.port()).await.unwrap();
        let number = listener.local_addr().port();
        assert!(udp::bind(number, links.port()).await.is_err());
        let peer = peer(&listener);
        peer.send(&[1; REPORT]).unwrap();
        let Event::Report(link, _) = next(&mut links).await else { panic!("a report was sent") };
        drop(listener);
        assert_eq!(next(&mut links).await, Event::Closed(link));
        for _ in 0..100 {
            if udp::bind(number, links.port()).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the port is still taken");
    });
}

#[test]
fn a_datagram_of_another_user_never_reaches_the_device() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can send as another user");
        return;
    }
    runtime(async {
        let mut links = Links::new();
        let listener = udp::bind(0, links.port()).await.unwrap();
        let number = listener.local_addr().port().to_string();
        let script = "import socket,sys,time\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n\
            s.sendto(b'x'*64,('127.0.0.1',int(sys.argv[1])))\ntime.sleep(0.3)\n";
        let send_as = move |uid: &str| {
            let mut command = std::process::Command::new("setpriv");
            command.args([&format!("--reuid={uid}"), "--regid=65534", "--clear-groups"]);
            command
                .args(["/usr/bin/env", "python3", "-c", script, &number])
                .env("PATH", "/usr/bin:/bin")
                .output()
        };
        let (stranger, own) = (send_as("65534"), send_as("0"));
        let (Ok(stranger), Ok(own)) = (stranger, own) else {
            println!("skipped: setpriv (util-linux) is not installed");
            return;
        };
        if !stranger.status.success() || !own.status.success() {
            println!("skipped: no python3 in /usr/bin");
            return;
        }
        assert!(matches!(next(&mut links).await, Event::Report(..)), "root's own datagram arrives");
        let more = tokio::time::timeout(Duration::from_millis(100), links.next()).await;
        assert!(more.is_err(), "the other user's did not: {more:?}");
    });
}
