//! Whose socket is at the other end, as the kernel's tables have it (`proc(5)`, `/proc/net/udp`, `/proc/net/tcp`).

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// Which of the kernel's tables.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Table {
    Udp,
    Tcp,
}

impl Table {
    const fn path(self) -> &'static str {
        match self {
            Self::Udp => "/proc/net/udp",
            Self::Tcp => "/proc/net/tcp",
        }
    }
}

/// Whether every socket that can have sent from `address` belongs to our own user. A socket that is gone already, or
/// a table that cannot be read, means no.
pub(crate) fn is_ours(table: Table, address: SocketAddr) -> bool {
    let SocketAddr::V4(address) = address else { return false };
    let own = rustix::process::geteuid().as_raw();
    address.ip().is_loopback()
        && fs::read_to_string(table.path()).is_ok_and(|table| {
            let owners = owners(&table, address);
            !owners.is_empty() && owners.iter().all(|owner| *owner == own)
        })
}

/// The users of the sockets bound to `address`, or to its port on every address. A line of the table is: number,
/// local address, remote address, state, queues, timer, retransmits, user, …
fn owners(table: &str, address: SocketAddrV4) -> Vec<u32> {
    let everywhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, address.port());
    let wanted = [in_table(address), in_table(everywhere)];
    let lines = table.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    lines
        .filter(|fields| fields.get(1).is_some_and(|local| wanted.iter().any(|wanted| wanted == local)))
        .filter_map(|fields| fields.get(7)?.parse().ok())
        .collect()
}

/// An address as the table has it: the four bytes as one number in the machine's byte order, then the port.
fn in_table(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

#[cfg(test)]
mod tests;
