//! Fingers and faces for a daemon whose `--biometric` is `virtual:SOCKET`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long somebody may take until they wait for a gesture.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

/// Presents a finger or a face, such as `finger 1`, as soon as somebody waits for one.
///
/// # Panics
/// When nobody does, or there is no daemon.
pub fn present(socket: &Path, sample: &str) {
    let start = Instant::now();
    while offer(socket, sample) != "seen\n" {
        assert!(start.elapsed() < PATIENCE, "nobody waits for {sample}");
        sleep(POLL);
    }
}

fn offer(socket: &Path, sample: &str) -> String {
    let mut stream = UnixStream::connect(socket).expect("the sensor listens");
    stream.write_all(format!("{sample}\n").as_bytes()).expect("the sensor reads");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("the sensor answers");
    answer
}
