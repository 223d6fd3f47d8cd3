//! Which user the other end of a loopback connection belongs to.

use std::fs;
use std::io;
use std::net::{SocketAddr, SocketAddrV4, TcpStream};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, socket_with};

/// `SOCK_DIAG_BY_FAMILY` (`sock_diag(7)`).
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST` (`netlink(7)`).
const REQUEST: u16 = 1;
const AF_INET: u8 = 2;
const IPPROTO_TCP: u8 = 6;
/// `nlmsghdr` and `inet_diag_req_v2` together.
const REQUEST_LENGTH: u32 = 16 + 56;
/// Where `idiag_uid` is in the answer: after `nlmsghdr`, four single bytes, the 48 bytes of the socket's identity,
/// and three counters.
const UID_OFFSET: usize = 16 + 4 + 48 + 12;

/// Whether the other end of `client` belongs to our own user.
pub fn is_ours(client: &TcpStream) -> io::Result<bool> {
    let (SocketAddr::V4(peer), SocketAddr::V4(local)) = (client.peer_addr()?, client.local_addr()?) else {
        return Ok(false);
    };
    let own = rustix::process::geteuid().as_raw();
    // The exact question costs microseconds. A kernel without inet_diag has only the table of all connections, which
    // costs milliseconds.
    let owner = ask_kernel(peer, local).or_else(|_| search_table(peer, local))?;
    Ok(owner == Some(own))
}

/// Asks `sock_diag(7)` for the one socket that has `peer` as its local and `local` as its remote address.
fn ask_kernel(peer: SocketAddrV4, local: SocketAddrV4) -> io::Result<Option<u32>> {
    let mut request = Vec::with_capacity(72);
    request.extend_from_slice(&REQUEST_LENGTH.to_ne_bytes());
    request.extend_from_slice(&BY_FAMILY.to_ne_bytes());
    request.extend_from_slice(&REQUEST.to_ne_bytes());
    request.extend_from_slice(&[0; 8]); // sequence number and sender
    request.extend_from_slice(&[AF_INET, IPPROTO_TCP, 0, 0]);
    request.extend_from_slice(&[0xFF; 4]); // any state
    request.extend_from_slice(&peer.port().to_be_bytes());
    request.extend_from_slice(&local.port().to_be_bytes());
    for address in [peer, local] {
        request.extend_from_slice(&address.ip().octets());
        request.extend_from_slice(&[0; 12]);
    }
    request.extend_from_slice(&[0; 4]); // any interface
    request.extend_from_slice(&[0xFF; 8]); // no cookie

    let kernel = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    rustix::net::send(&kernel, &request, SendFlags::empty())?;
    let mut answer = [0; 512];
    let (length, _) = rustix::net::recv(&kernel, answer.as_mut_slice(), RecvFlags::empty())?;
    let answer = answer.get(..length).unwrap_or_default();
    // Any other type is an error: the kernel cannot, or there is no such socket any more.
    if answer.get(4..6) != Some(BY_FAMILY.to_ne_bytes().as_slice()) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let uid = answer.get(UID_OFFSET..).and_then(|rest| rest.first_chunk::<4>());
    Ok(uid.map(|uid| u32::from_ne_bytes(*uid)))
}

/// One line per socket: "number: local-address remote-address state queues timer retransmits uid ..." (`proc(5)`).
fn search_table(peer: SocketAddrV4, local: SocketAddrV4) -> io::Result<Option<u32>> {
    let (peer, local) = (kernel_form(peer), kernel_form(local));
    let table = fs::read_to_string("/proc/net/tcp")?;
    Ok(table.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let found = fields.next() == Some(peer.as_str()) && fields.next() == Some(local.as_str());
        if found { fields.nth(4)?.parse().ok() } else { None }
    }))
}

/// An address as the table has it: the four bytes as one number in the machine's byte order, then the port.
fn kernel_form(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

#[cfg(test)]
mod tests;
