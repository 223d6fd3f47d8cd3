//! CTAPHID over TCP on the loopback interface, a convention of simulators: each report with its length (two bytes,
//! big-endian) before it. Every connection is a link; those of other users are closed.

use std::io;
use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::carrier::Port;
use crate::ctaphid::{LinkId, REPORT};
use crate::loopback::Listener;
use crate::owner::{self, Table};

/// Links that may be open at once; each costs a descriptor and a queue.
const LINKS: usize = 64;

/// Listens on `127.0.0.1:number` and nowhere else; 0 lets the system choose.
///
/// # Errors
/// What the operating system says, e.g. that the port is in use.
pub async fn bind(number: u16, port: Port) -> io::Result<Listener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).await?;
    let address = listener.local_addr()?;
    Ok(Listener::start(address, |closing| accept(listener, port, closing)))
}

async fn accept(listener: TcpListener, port: Port, mut closing: watch::Receiver<()>) {
    let mut links = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = closing.changed() => break,
            Some(_ended) = links.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) if links.len() < LINKS && owner::is_ours(Table::Tcp, peer) => {
                links.spawn(serve(stream, port.clone(), closing.clone()));
            }
            Ok((_, peer)) => {
                tracing::warn!(%peer, "one CTAPHID connection too many, or another user's, was refused");
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a CTAPHID connection");
                // Out of descriptors, most likely: without a pause this would spin.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    while links.join_next().await.is_some() {}
}

/// Moves reports both ways until either side ends.
async fn serve(stream: TcpStream, port: Port, mut closing: watch::Receiver<()>) {
    // A report is a packet of its own; waiting for more only delays it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "CTAPHID over TCP");
    }
    let (incoming, outgoing) = stream.into_split();
    let (link, answers) = port.open().await;
    let ended = tokio::select! {
        _ = closing.changed() => Ok(()),
        ended = receive(incoming, &port, link) => ended,
        ended = send(outgoing, answers) => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(link = link.0, %error, "CTAPHID link over");
    }
    port.closed(link).await;
}

async fn receive(mut from: OwnedReadHalf, port: &Port, link: LinkId) -> io::Result<()> {
    loop {
        let length = from.read_u16().await?;
        if usize::from(length) != REPORT {
            let text = format!("a frame of {length} bytes is not a report");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let mut report = [0; REPORT];
        from.read_exact(&mut report).await?;
        port.report(link, report).await;
    }
}

async fn send(mut to: OwnedWriteHalf, mut answers: mpsc::Receiver<[u8; REPORT]>) -> io::Result<()> {
    let length = u16::try_from(REPORT).unwrap_or(u16::MAX).to_be_bytes();
    while let Some(report) = answers.recv().await {
        to.write_all(&[length.as_slice(), &report].concat()).await?;
    }
    Ok(())
}
