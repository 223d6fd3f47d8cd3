//! CTAPHID over UDP on the loopback interface: one 64-byte report per datagram, the convention of simulators.
//!
//! Answers go to the sender's address, and every address is a link of its own. A datagram carries no credentials, so
//! the kernel's table of sockets says whose it is; those of other users are dropped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::carrier::Port;
use crate::ctaphid::{LinkId, REPORT};
use crate::loopback::Listener;
use crate::owner::{self, Table};

/// Addresses that are remembered. UDP has no end of a connection, so the one unused for longest goes.
const LINKS: usize = 64;

/// Listens on `127.0.0.1:number` and nowhere else; 0 lets the system choose.
///
/// # Errors
/// What the operating system says, e.g. that the port is in use.
pub async fn bind(number: u16, port: Port) -> io::Result<Listener> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).await?;
    let address = socket.local_addr()?;
    Ok(Listener::start(address, |closing| serve(Arc::new(socket), port, closing)))
}

/// The addresses heard from, least recently heard first.
struct Senders {
    socket: Arc<UdpSocket>,
    port: Port,
    known: Vec<Sender>,
}

struct Sender {
    address: SocketAddr,
    link: LinkId,
    answering: JoinHandle<()>,
}

async fn serve(socket: Arc<UdpSocket>, port: Port, mut closing: watch::Receiver<()>) {
    let mut senders = Senders { socket: Arc::clone(&socket), port: port.clone(), known: Vec::new() };
    let mut buffer = [0; REPORT + 1];
    loop {
        let received = tokio::select! {
            _ = closing.changed() => break,
            received = socket.recv_from(&mut buffer) => received,
        };
        match received {
            Ok((REPORT, address)) if owner::is_ours(Table::Udp, address) => {
                let link = senders.link(address).await;
                if let Some(report) = buffer.first_chunk() {
                    port.report(link, *report).await;
                }
            }
            Ok((length, address)) => {
                tracing::warn!(%address, length, "a datagram that is no report, or another user's, was dropped");
            }
            // ICMP's "nobody listens there" about an earlier answer ends up here; the socket is still good.
            Err(error) => tracing::debug!(%error, "CTAPHID over UDP"),
        }
    }
    for sender in senders.known {
        sender.answering.abort();
        // It holds the socket, too.
        let _aborted = sender.answering.await;
        port.closed(sender.link).await;
    }
}

impl Senders {
    /// The sender's link, opened if it is new or was dropped for not reading.
    async fn link(&mut self, address: SocketAddr) -> LinkId {
        if let Some(place) = self.known.iter().position(|sender| sender.address == address) {
            let sender = self.known.remove(place);
            if !sender.answering.is_finished() {
                let link = sender.link;
                self.known.push(sender);
                return link;
            }
        } else if self.known.len() >= LINKS {
            let oldest = self.known.remove(0);
            oldest.answering.abort();
            self.port.closed(oldest.link).await;
        }
        let (link, outgoing) = self.port.open().await;
        let answering = tokio::spawn(answer(Arc::clone(&self.socket), address, outgoing));
        self.known.push(Sender { address, link, answering });
        link
    }
}

/// Sends what is to be sent to one address.
async fn answer(socket: Arc<UdpSocket>, address: SocketAddr, mut outgoing: mpsc::Receiver<[u8; REPORT]>) {
    while let Some(report) = outgoing.recv().await {
        if let Err(error) = socket.send_to(&report, address).await {
            tracing::debug!(%address, %error, "a CTAPHID answer was lost");
        }
    }
}
