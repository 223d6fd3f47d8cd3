use std::os::unix::net::UnixListener;
use std::process::Command;

use super::*;

/// A TPM that answers every command with the same ten bytes and counts its visitors by answering at all.
fn answering(socket: &Path) -> JoinHandle<usize> {
    let listener = UnixListener::bind(socket).expect("bound");
    thread::spawn(move || {
        let mut answered = 0;
        for stream in listener.incoming() {
            let mut stream = stream.expect("accepted");
            while let Ok(Some(command)) = read_message(&mut stream) {
                if command.ends_with(b"stop") {
                    return answered;
                }
                answered += 1;
                stream.write_all(&[0x80, 1, 0, 0, 0, 10, 0, 0, 0, 0]).expect("answered");
            }
        }
        answered
    })
}

fn command(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).expect("short").to_be_bytes();
    [&[0x80, 1], &length[..], &[0, 0, 1, 0x7A], body].concat()
}

#[test]
fn commands_pass_for_our_own_user_only() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let socket = dir.path().join("tpm.sock");
    let tpm = answering(&socket);
    let bridge = Bridge::start(&socket).expect("two free ports");

    let mut own = TcpStream::connect((Ipv4Addr::LOCALHOST, bridge.port())).expect("listening");
    own.write_all(&command(b"hello")).expect("sent");
    assert_eq!(read_message(&mut own).expect("answered").map(|response| response.len()), Some(HEADER));
    drop(own);

    // Another user can only be played by root; elsewhere the kernel's table is all that is tested above.
    if rustix::process::geteuid().is_root() {
        // SIGPIPE is ignored: the bridge may hang up before the command is written. "connected" shows that it was
        // the bridge that refused, and not a connection that never came about.
        let script = format!(
            "trap '' PIPE; exec 3<>/dev/tcp/127.0.0.1/{} && echo connected; \
             printf '\\x80\\x01\\0\\0\\0\\x0a\\0\\0\\x01\\x7a' >&3; timeout 5 cat <&3 | wc -c",
            bridge.port()
        );
        let stranger = Command::new("setpriv")
            .args(["--reuid", "65534", "--clear-groups", "bash", "-c", &script])
            .output()
            .expect("setpriv and bash are installed");
        let output = String::from_utf8_lossy(&stranger.stdout);
        assert_eq!(
            output.split_whitespace().collect::<Vec<_>>(),
            ["connected", "0"],
            "not a byte for a stranger"
        );
    }

    let mut last = TcpStream::connect((Ipv4Addr::LOCALHOST, bridge.port())).expect("listening");
    last.write_all(&command(b"stop")).expect("sent");
    assert_eq!(tpm.join().expect("ended"), 1, "one command has reached the TPM");
}

#[test]
fn nonsense_lengths_are_refused() {
    for length in [0_u32, 9, 1 << 20] {
        let mut message = vec![0x80, 1];
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(&[0; 64]);
        assert!(read_message(&mut message.as_slice()).is_err(), "{length}");
    }
    let mut nothing: &[u8] = &[];
    assert_eq!(read_message(&mut nothing).expect("the end"), None);
}
