//! How many connections the program holds at the same time, so that a flood of them takes a bounded amount of memory
//! and files, and one subscriber cannot take all.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// All connections. Each takes a few KiB and one file.
const MOST: usize = 2_000;
/// Those of one address. This machine's are not counted by address: behind a proxy all are its own.
const MOST_OF_ONE: usize = 500;

/// Lets connections in as long as there are not too many; the rest is closed unanswered.
#[derive(Clone, Debug)]
pub(crate) struct Bounded<A> {
    inner: A,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

/// One connection's place among those that are held.
struct Place {
    held: Arc<Mutex<Held>>,
    peer: IpAddr,
}

/// A connection with its place.
pub(crate) struct Placed<S> {
    stream: S,
    _place: Place,
}

impl<A> Bounded<A> {
    /// Hands the connections that are let in to `inner`. The system is asked for as many files as it allows.
    pub(crate) fn new(inner: A) -> Self {
        let mut files = getrlimit(Resource::Nofile);
        files.current = files.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, files) {
            tracing::warn!(%error, "the number of open files stays as low as it is");
        }
        Self { inner, held: Arc::default() }
    }

    fn place(&self, peer: IpAddr) -> Option<Place> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let of_peer = held.of.get(&peer).copied().unwrap_or(0);
        if held.all >= MOST || (of_peer >= MOST_OF_ONE && !peer.is_loopback()) {
            return None;
        }
        held.all += 1;
        held.of.insert(peer, of_peer + 1);
        Some(Place { held: Arc::clone(&self.held), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.saturating_sub(1);
        match held.of.get_mut(&self.peer) {
            Some(left) if *left > 1 => *left -= 1,
            Some(_) | None => {
                held.of.remove(&self.peer);
            }
        }
    }
}

impl<A, S> Accept<TcpStream, S> for Bounded<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
{
    type Stream = Placed<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = stream.peer_addr().ok().and_then(|peer| self.place(peer.ip().to_canonical()));
        let Some(place) = place else {
            return Box::pin(async { Err(io::Error::other("too many connections")) });
        };
        let accepting = self.inner.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            Ok((Placed { stream, _place: place }, service))
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Placed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Placed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
