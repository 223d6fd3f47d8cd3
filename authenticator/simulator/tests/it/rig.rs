//! A running simulator, and a host that speaks CTAPHID to it report by report.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use latchkey_tests::http::{Answer, Connection};
use latchkey_tests::process::Process;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;

pub const REPORT: usize = 64;
pub const INIT: u8 = 0x06;
pub const PING: u8 = 0x01;
pub const CBOR: u8 = 0x10;
pub const CANCEL: u8 = 0x11;
pub const KEEPALIVE: u8 = 0x3B;
pub const ERROR: u8 = 0x3F;
pub const BROADCAST: [u8; 4] = [0xFF; 4];
/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(20);

pub struct Simulator {
    _process: Process,
    pub folder: TempDir,
    ready: String,
}

impl Simulator {
    /// From the factory, on all carriers.
    pub fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-simulator"));
        command.arg("--unix").arg(folder.path().join("ctaphid.sock"));
        command.args(["--udp", "0", "--tcp", "0", "--http", "0", "--ephemeral"]).args(options);
        let mut process = Process::start("latchkey-simulator", command, &folder.path().join("log"));
        let ready = process.wait_for("latchkey-simulator: ready", LIMIT);
        Self { _process: process, folder, ready }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("ctaphid.sock")
    }

    /// The HTTP control's address.
    pub fn control(&self) -> &str {
        self.place("http://").1
    }

    pub fn get(&self, path: &str) -> Answer {
        self.http().get(path, &[]).expect("an answer")
    }

    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.http().send("POST", path, &[], Some(body)).expect("an answer")
    }

    fn http(&self) -> Connection {
        let (_, port) = self.control().rsplit_once(':').expect("a port");
        Connection::open(port.parse().expect("a number")).expect("it listens")
    }

    pub fn unix(&self) -> Wire {
        let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        socket.connect(&SockAddr::unix(self.socket()).unwrap()).expect("it listens");
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Wire::Unix(socket)
    }

    pub fn udp(&self) -> Wire {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.place("udp:").0).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Wire::Udp(socket)
    }

    pub fn tcp(&self) -> Wire {
        let stream = TcpStream::connect(self.place("tcp:").0).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Wire::Tcp(stream)
    }

    /// What the ready line says after and with a prefix.
    fn place(&self, prefix: &str) -> (&str, &str) {
        let word = self.ready.split_whitespace().find(|word| word.starts_with(prefix));
        let word = word.unwrap_or_else(|| panic!("no {prefix} in {}", self.ready));
        (&word[prefix.len()..], word)
    }
}

pub enum Wire {
    Unix(Socket),
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl Wire {
    pub fn send(&mut self, report: &[u8; REPORT]) {
        match self {
            Self::Unix(socket) => drop(socket.send(report).unwrap()),
            Self::Udp(socket) => drop(socket.send(report).unwrap()),
            Self::Tcp(stream) => stream.write_all(&[&[0, 64][..], report].concat()).unwrap(),
        }
    }

    /// The next report; `None` when the other side has closed.
    pub fn receive(&mut self) -> Option<[u8; REPORT]> {
        let mut report = [0; REPORT];
        match self {
            Self::Unix(socket) => match socket.read(&mut report) {
                Ok(REPORT) => {}
                Ok(0) => return None,
                other => panic!("no report came: {other:?}"),
            },
            Self::Udp(socket) => assert_eq!(socket.recv(&mut report).expect("an answer"), REPORT),
            Self::Tcp(stream) => {
                let mut length = [0; 2];
                match stream.read_exact(&mut length) {
                    Ok(()) => assert_eq!(length, [0, 64]),
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return None,
                    Err(error) => panic!("no report came: {error}"),
                }
                stream.read_exact(&mut report).unwrap();
            }
        }
        Some(report)
    }

    /// Sends a message that fits into one report.
    pub fn begin(&mut self, channel: [u8; 4], command: u8, payload: &[u8]) {
        let mut report = [0; REPORT];
        report[..4].copy_from_slice(&channel);
        report[4] = command | 0x80;
        report[6] = u8::try_from(payload.len()).unwrap();
        report[7..7 + payload.len()].copy_from_slice(payload);
        self.send(&report);
    }

    /// The first report of the next message: its command and what of it is there.
    pub fn answer(&mut self) -> (u8, Vec<u8>) {
        let report = self.receive().expect("an answer");
        let length = usize::from(u16::from_be_bytes([report[5], report[6]]));
        (report[4] & 0x7F, report[7..].iter().copied().take(length).collect())
    }

    /// The next message that is no keepalive.
    pub fn final_answer(&mut self) -> (u8, Vec<u8>) {
        loop {
            let (command, payload) = self.answer();
            if command != KEEPALIVE {
                return (command, payload);
            }
        }
    }

    /// Reads keepalives until one says that the user is needed.
    pub fn until_the_user_is_needed(&mut self) {
        while self.answer() != (KEEPALIVE, vec![2]) {}
    }

    /// Allocates a channel.
    pub fn channel(&mut self) -> [u8; 4] {
        self.begin(BROADCAST, INIT, &[1, 2, 3, 4, 5, 6, 7, 8]);
        let (command, answer) = self.answer();
        assert_eq!((command, &answer[..8]), (INIT, &[1, 2, 3, 4, 5, 6, 7, 8][..]));
        answer[8..12].try_into().unwrap()
    }
}
