//! Our host side against our device side over a real socket, and against devices that misbehave.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use latchkey_transports::carrier::{Event, Links};
use latchkey_transports::ctaphid::{
    Action, Cid, Command, Device, ErrorCode, KeepaliveStatus, REPORT, capabilities, reports,
};
use latchkey_transports::host::{Error, HostChannel};
use latchkey_transports::unix::Listener;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ctaphid.sock");
    (directory, path)
}

/// The daemon's loop in small, on a thread that ends with the test. It answers a request with its own bytes; `hold`
/// waits for the user until it is cancelled.
fn daemon(path: &Path) {
    let path = path.to_owned();
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut links = Links::new();
            let _listener = Listener::bind(&path, links.port()).unwrap();
            ready.send(()).unwrap();
            serve(&mut links).await;
        });
    });
    is_ready.recv().unwrap();
}

async fn serve(links: &mut Links) {
    let mut device = Device::new();
    let start = tokio::time::Instant::now();
    let mut rng = rng();
    loop {
        let due = start + device.next_deadline().unwrap_or(Duration::from_hours(1));
        let mut todo = tokio::select! {
            event = links.next() => match event {
                Event::Report(link, report) => device.report(link, &report, start.elapsed(), &mut rng),
                Event::Closed(link) => device.close_link(link),
            },
            () = tokio::time::sleep_until(due) => device.tick(start.elapsed()),
        };
        while !todo.is_empty() {
            let mut further = Vec::new();
            for action in todo {
                further.extend(perform(action, links, &mut device, start.elapsed()));
            }
            todo = further;
        }
    }
}

fn perform(action: Action, links: &mut Links, device: &mut Device, now: Duration) -> Vec<Action> {
    match action {
        Action::Send(link, report) => {
            links.send(link, report);
            vec![]
        }
        Action::Cbor { request, .. } if request == b"hold" => device.set_waiting_for_user(true, now),
        Action::Cbor { transaction, request, .. } => device.respond(transaction, &request),
        Action::Cancel(transaction) => device.respond(transaction, &[0x2D]),
        Action::Message { .. } | Action::Wink | Action::ChannelClosed(_) => vec![],
    }
}

#[test]
fn requests_are_answered() {
    let (_directory, path) = place();
    daemon(&path);
    let mut channel = HostChannel::connect(&path, &mut rng()).unwrap();
    assert_eq!(channel.capabilities(), capabilities::CBOR | capabilities::WINK | capabilities::NMSG);
    for length in [1, 57, 58, 1024, 7609] {
        let request = vec![0xA5; length];
        assert_eq!(channel.cbor(&request, &mut |_| {}).unwrap(), request);
        assert_eq!(channel.ping(&request).unwrap(), request);
    }
    assert!(matches!(channel.cbor(&[1; 7610], &mut |_| {}), Err(Error::TooLong)));
    assert!(matches!(channel.cbor(&[], &mut |_| {}), Err(Error::Refused(ErrorCode::INVALID_LEN))));
}

#[test]
fn a_cancel_from_another_thread_ends_the_request_and_all_later_ones() {
    let (_directory, path) = place();
    daemon(&path);
    let mut channel = HostChannel::connect(&path, &mut rng()).unwrap();
    let canceller = channel.canceller().unwrap();
    let mut seen = Vec::new();
    let answer = channel.cbor(b"hold", &mut |status| {
        seen.push(status);
        // The third: keepalives do flow.
        if seen.len() == 3 {
            std::thread::scope(|scope| scope.spawn(|| canceller.cancel().unwrap()).join().unwrap());
        }
    });
    assert_eq!(answer.unwrap(), [0x2D]);
    assert_eq!(seen[0], KeepaliveStatus::USER_PRESENCE_NEEDED);
    assert!(matches!(channel.cbor(&[4], &mut |_| {}), Err(Error::Cancelled)));
    HostChannel::connect(&path, &mut rng()).unwrap().cbor(&[4], &mut |_| {}).unwrap();
}

#[test]
fn the_device_is_busy_for_a_second_host_until_the_first_is_gone() {
    let (_directory, path) = place();
    daemon(&path);
    let mut first = HostChannel::connect(&path, &mut rng()).unwrap();
    let canceller = first.canceller().unwrap();
    std::thread::scope(|scope| {
        let (started, has_started) = std::sync::mpsc::channel();
        let request = scope.spawn(move || {
            first.cbor(b"hold", &mut |_| {
                started.send(()).ok();
            })
        });
        has_started.recv().unwrap();
        let mut second = HostChannel::connect(&path, &mut rng()).unwrap();
        assert!(matches!(second.cbor(&[4], &mut |_| {}), Err(Error::Refused(ErrorCode::CHANNEL_BUSY))));
        canceller.cancel().unwrap();
        assert_eq!(request.join().unwrap().unwrap(), [0x2D]);
        second.cbor(&[4], &mut |_| {}).unwrap();
    });
}

#[test]
fn nobody_there() {
    let (_directory, path) = place();
    assert!(matches!(HostChannel::connect(&path, &mut rng()), Err(Error::Absent(_))));
}

/// A device that answers INIT well and then sends `answer` whatever it is asked. Its channel is 5.
fn impostor(path: &Path, answer: Vec<[u8; REPORT]>) -> JoinHandle<()> {
    let listener = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
    listener.bind(&SockAddr::unix(path).unwrap()).unwrap();
    listener.listen(1).unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut socket, _) = listener.accept().unwrap();
        let mut report = [0; REPORT];
        assert_eq!(socket.read(&mut report).unwrap(), REPORT);
        let init = [&report[7..15], &[0, 0, 0, 5, 2, 0, 0, 0, capabilities::CBOR]].concat();
        socket.write_all(&reports(Cid::BROADCAST, Command::INIT, &init).unwrap()[0]).unwrap();
        assert_eq!(socket.read(&mut report).unwrap(), REPORT);
        for report in answer {
            socket.write_all(&report).unwrap();
        }
    })
}

#[test]
fn answers_of_other_channels_are_passed_over() {
    let (_directory, path) = place();
    let mut answer = reports(Cid(6), Command::CBOR, &[1; 100]).unwrap();
    answer.extend(reports(Cid(5), Command::KEEPALIVE, &[1]).unwrap());
    answer.extend(reports(Cid(6), Command::ERROR, &[0x7F]).unwrap());
    answer.extend(reports(Cid(5), Command::CBOR, &[2; 100]).unwrap());
    let device = impostor(&path, answer);
    let mut channel = HostChannel::connect(&path, &mut rng()).unwrap();
    assert_eq!(channel.cbor(&[4], &mut |_| {}).unwrap(), [2; 100]);
    device.join().unwrap();
}

/// Whether it is the error that is due.
type Verdict = fn(&Error) -> bool;

#[test]
fn a_device_that_breaks_the_protocol_is_not_believed() {
    let own = Cid(5);
    let long = reports(own, Command::CBOR, &[1; 200]).unwrap();
    let mut claims_too_much = long[0];
    claims_too_much[5..7].copy_from_slice(&[0xFF, 0xFF]);
    let broken: Verdict = |error| matches!(error, Error::Broken(_));
    let rows: [(&str, Vec<_>, Verdict); 9] = [
        ("it hangs up", vec![], |error| matches!(error, Error::Gone)),
        ("amid a message", long[..2].to_vec(), |error| matches!(error, Error::Gone)),
        ("an error", reports(own, Command::ERROR, &[6]).unwrap(), |error| {
            matches!(error, Error::Refused(ErrorCode::CHANNEL_BUSY))
        }),
        ("another command", reports(own, Command::PING, &[1]).unwrap(), broken),
        ("no status", reports(own, Command::CBOR, &[]).unwrap(), broken),
        ("a packet left out", vec![long[0], long[2]], broken),
        ("no first packet", vec![long[1]], broken),
        ("two first packets", vec![long[0], long[0]], broken),
        ("an impossible length", vec![claims_too_much], broken),
    ];
    for (name, answer, expected) in rows {
        let (_directory, path) = place();
        let device = impostor(&path, answer);
        let mut channel = HostChannel::connect(&path, &mut rng()).unwrap();
        let error = channel.cbor(&[4], &mut |_| {}).expect_err(name);
        assert!(expected(&error), "{name}: {error:?}");
        device.join().unwrap();
    }
}

#[test]
fn a_silent_device_is_given_up() {
    let (_directory, path) = place();
    let listener = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
    listener.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    listener.listen(1).unwrap();
    assert!(matches!(HostChannel::connect(&path, &mut rng()), Err(Error::Silent)));
}
