//! A client that goes away while nothing of it is read: what it has sent stands in the system's buffers, and its end behind
//! that. So the system is asked on a second way.

use std::future::pending;
use std::io::ErrorKind;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, Interest};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

/// A client's end of a connection.
pub trait ClientStream: AsyncRead + AsyncWrite + Unpin + Send {
    /// The socket that its bytes come from; none if there is none.
    fn socket(&self) -> Option<BorrowedFd<'_>>;
}

impl ClientStream for TcpStream {
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl ClientStream for UnixStream {
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl<S: ClientStream> ClientStream for TlsStream<S> {
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.get_ref().0.socket()
    }
}

impl ClientStream for DuplexStream {
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Knows of the end of a client that is not read.
pub(crate) struct Hangup(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Hangup {
    /// A descriptor of its own: what this one has heard of, the client's still has to hear of.
    pub(crate) fn of(client: &impl ClientStream) -> Self {
        let socket = client.socket().and_then(|socket| socket.try_clone_to_owned().ok());
        // Whichever kind of socket it is: it is only asked whether there is something.
        let socket = socket.and_then(|socket| UnixStream::from_std(socket.into()).ok());
        Self(Box::pin(async move {
            match socket {
                Some(socket) => closed(&socket).await,
                None => pending().await,
            }
        }))
    }

    /// Ready once the client has closed the connection, or its half of it. Without a descriptor that is never known.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

async fn closed(socket: &UnixStream) {
    loop {
        match socket.ready(Interest::READABLE).await {
            Ok(ready) if ready.is_read_closed() => return,
            Err(_) => return pending().await, // the runtime ends
            Ok(_) => {
                // More has come, and stays where it is.
                let unread = || Err::<(), _>(ErrorKind::WouldBlock.into());
                let _ = socket.try_io(Interest::READABLE, unread);
            }
        }
    }
}
