//! A token of the crate webauthn-authenticator-rs: reports to a security key, over the daemon's socket or the kernel's device.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use async_trait::async_trait;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use webauthn_authenticator_rs::error::WebauthnCError;
use webauthn_authenticator_rs::transport::Token;
use webauthn_authenticator_rs::types::{CableRequestType, CableState, EnrollSampleStatus};
use webauthn_authenticator_rs::ui::UiCallback;
use webauthn_rs_proto::AuthenticatorTransport;

const REPORT: usize = 64;
/// What an initialisation packet has before its data, and a continuation packet.
const INITIAL: usize = 7;
const CONTINUED: usize = 5;
const BROADCAST: u32 = u32::MAX;
const INIT: u8 = 0x86;
const CBOR: u8 = 0x90;
const CANCEL: u8 = 0x91;
const KEEPALIVE: u8 = 0xbb;

/// A channel of a security key.
pub struct Reports {
    device: File,
    /// Whether the kernel wants to hear a report's number first; there is one kind of report, without a number.
    numbered: bool,
    channel: u32,
}

#[allow(dead_code, reason = "each test program has one of the two")]
impl Reports {
    /// The security key behind the daemon's socket.
    pub fn over_socket(path: &Path) -> Self {
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .expect("a socket");
        let address = SocketAddrUnix::new(path).expect("a path that fits");
        connect(&socket, &address).expect("the daemon listens");
        Self::on(socket.into(), false)
    }

    /// The security key that the kernel knows.
    pub fn over_hidraw(path: &Path) -> Self {
        let device = OpenOptions::new().read(true).write(true).open(path).expect("the device opens");
        Self::on(device, true)
    }

    fn on(device: File, numbered: bool) -> Self {
        Self { device, numbered, channel: BROADCAST }
    }

    fn write(&mut self, packet: &[u8]) -> std::io::Result<()> {
        let mut report = [0; REPORT + 1];
        report[1..=packet.len()].copy_from_slice(packet);
        self.device.write_all(if self.numbered { &report } else { &report[1..] })
    }

    /// Sends a message, cut into packets.
    fn send(&mut self, command: u8, message: &[u8]) -> std::io::Result<()> {
        let channel = self.channel.to_be_bytes();
        let (first, rest) = message.split_at(message.len().min(REPORT - INITIAL));
        let length = u16::try_from(message.len()).expect("a message fits").to_be_bytes();
        self.write(&[&channel[..], &[command], &length, first].concat())?;
        for (number, data) in (0..).zip(rest.chunks(REPORT - CONTINUED)) {
            self.write(&[&channel[..], &[number], data].concat())?;
        }
        Ok(())
    }

    /// The next packet of this channel; those of others are for others.
    fn packet(&mut self) -> std::io::Result<[u8; REPORT]> {
        loop {
            let mut report = [0; REPORT];
            self.device.read_exact(&mut report)?;
            if report.starts_with(&self.channel.to_be_bytes()) {
                return Ok(report);
            }
        }
    }

    /// The next message: its command and its data.
    fn receive(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let first = self.packet()?;
        let length = usize::from(u16::from_be_bytes([first[5], first[6]]));
        let mut message = first[INITIAL..].to_vec();
        while message.len() < length {
            message.extend_from_slice(&self.packet()?[CONTINUED..]);
        }
        message.truncate(length);
        Ok((first[4], message))
    }
}

impl fmt::Debug for Reports {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reports").field("channel", &self.channel).finish_non_exhaustive()
    }
}

fn failed(error: &std::io::Error) -> WebauthnCError {
    WebauthnCError::IoError(error.to_string())
}

#[async_trait]
impl Token for Reports {
    type Id = ();

    fn get_transport(&self) -> AuthenticatorTransport {
        AuthenticatorTransport::Usb
    }

    async fn transmit_raw<U: UiCallback>(
        &mut self,
        request: &[u8],
        ui: &U,
    ) -> Result<Vec<u8>, WebauthnCError> {
        self.send(CBOR, request).map_err(|error| failed(&error))?;
        loop {
            match self.receive().map_err(|error| failed(&error))? {
                (KEEPALIVE, _) => ui.request_touch(),
                (CBOR, answer) => {
                    let (&status, data) = answer.split_first().ok_or(WebauthnCError::MessageTooShort)?;
                    return if status == 0 {
                        Ok(data.to_vec())
                    } else {
                        Err(WebauthnCError::Ctap(status.into()))
                    };
                }
                (other, _) => return Err(WebauthnCError::IoError(format!("an answer to {other:#x}"))),
            }
        }
    }

    async fn cancel(&mut self) -> Result<(), WebauthnCError> {
        self.send(CANCEL, &[]).map_err(|error| failed(&error))
    }

    async fn init(&mut self) -> Result<(), WebauthnCError> {
        let nonce: [u8; 8] = std::process::id().to_be_bytes().repeat(2).try_into().expect("eight bytes");
        self.send(INIT, &nonce).map_err(|error| failed(&error))?;
        loop {
            let (command, answer) = self.receive().map_err(|error| failed(&error))?;
            if command == INIT && answer.starts_with(&nonce) {
                let channel = answer[8..12].try_into().expect("four bytes");
                self.channel = u32::from_be_bytes(channel);
                return Ok(());
            }
        }
    }

    async fn close(&mut self) -> Result<(), WebauthnCError> {
        Ok(())
    }
}

/// The person at the client, who knows a PIN.
#[derive(Debug)]
pub struct Typist(pub &'static str);

impl UiCallback for Typist {
    fn request_pin(&self) -> Option<String> {
        Some(self.0.to_owned())
    }

    fn request_touch(&self) {}

    fn processing(&self) {}

    fn fingerprint_enrollment_feedback(&self, _remaining: u32, _feedback: Option<EnrollSampleStatus>) {}

    fn cable_qr_code(&self, _request: CableRequestType, _url: String) {}

    fn dismiss_qr_code(&self) {}

    fn cable_status_update(&self, _state: CableState) {}
}
