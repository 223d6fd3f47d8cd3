//! Virtual authenticators: a report per packet, over a unix socket or UDP.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use super::{Carrier, REPORT, readable};

/// A connected socket that keeps packets apart.
pub(super) struct Socket(socket2::Socket);

impl Socket {
    pub(super) fn unix(path: &Path) -> io::Result<Self> {
        let socket = socket2::Socket::new(Domain::UNIX, Type::SEQPACKET, None)?;
        socket.connect(&SockAddr::unix(path)?)?;
        Ok(Self(socket))
    }

    pub(super) fn udp(port: u16) -> io::Result<Self> {
        let socket = socket2::Socket::new(Domain::IPV4, Type::DGRAM, None)?;
        socket.connect(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into())?;
        Ok(Self(socket))
    }
}

impl Carrier for Socket {
    fn send(&mut self, report: &[u8; REPORT]) -> io::Result<()> {
        self.0.write_all(report)
    }

    fn receive(&mut self, wait: Duration) -> io::Result<Option<[u8; REPORT]>> {
        if !readable(&self.0, wait)? {
            return Ok(None);
        }
        // One byte more than a report, so that a longer packet is not mistaken for one.
        let mut buffer = [0; REPORT + 1];
        match self.0.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            REPORT => Ok(buffer.first_chunk().copied()),
            length => {
                Err(io::Error::other(format!("a packet of {length} bytes, where a report has {REPORT}")))
            }
        }
    }
}
