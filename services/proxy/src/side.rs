//! One of the two connections: what is to be sent, and what was read and could not be taken yet.

use crate::outbox::{BUFFER, Outbox};
use crate::wiped::make_room;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zeroize::Zeroize as _;

thread_local! {
    /// One buffer to read into for all connections of a thread: an idle one needs none of its own.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into_boxed_slice());
}

/// What became of bytes that were offered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) count: usize,
    /// There was a secret in them, or the beginning of one: they are wiped.
    pub(crate) is_secret: bool,
}

/// One end.
pub(crate) struct Side<S> {
    pub(crate) stream: S,
    /// What could not be taken yet.
    pub(crate) rest: Vec<u8>,
    /// Nothing more will come.
    pub(crate) is_over: bool,
    /// Nothing more can be sent.
    pub(crate) is_deaf: bool,
    /// Something was written that the stream may still hold.
    is_unflushed: bool,
    /// Bytes sent since the last time that somebody asked.
    pub(crate) sent: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Side<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, rest: Vec::new(), is_over: false, is_deaf: false, is_unflushed: false, sent: 0 }
    }

    /// Sends as much as the other end takes; whether that was something.
    pub(crate) fn poll_send(&mut self, outbox: &mut Outbox, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        while !outbox.is_empty() && !self.is_deaf {
            match Pin::new(&mut self.stream).poll_write(cx, outbox.unsent()) {
                Poll::Pending => return progress,
                Poll::Ready(Ok(0) | Err(_)) => self.is_deaf = true,
                Poll::Ready(Ok(count)) => {
                    outbox.advance(count);
                    self.sent += u64::try_from(count).unwrap_or(0);
                    self.is_unflushed = true;
                }
            }
            progress = true;
        }
        if self.is_unflushed
            && !self.is_deaf
            && let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(cx)
        {
            (self.is_unflushed, self.is_deaf) = (false, flushed.is_err());
            progress |= self.is_deaf;
        }
        progress
    }

    /// Whether everything was sent, or never will be.
    pub(crate) fn has_sent(&self, outbox: &Outbox) -> bool {
        self.is_deaf || (outbox.is_empty() && !self.is_unflushed)
    }

    /// Reads what there is, and lets `take` take of it as much as it can; whether that was something. An error is the
    /// end.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>, take: impl FnMut(&[u8]) -> Taken) -> bool {
        match self.poll_read(cx, take) {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(_)) => {
                self.is_over = true;
                true
            }
        }
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&[u8]) -> Taken,
    ) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            let read = buffer.filled_mut();
            if read.is_empty() {
                self.is_over = true;
                return Poll::Ready(Ok(()));
            }
            let is_secret = if self.rest.is_empty() {
                let Taken { count, is_secret } = take(read);
                self.keep(read.get(count..).unwrap_or_default());
                is_secret
            } else {
                self.keep(read);
                self.offer(take).is_secret
            };
            if is_secret {
                read.zeroize();
            }
            Poll::Ready(Ok(()))
        })
    }

    fn keep(&mut self, bytes: &[u8]) {
        make_room(&mut self.rest, bytes.len());
        self.rest.extend_from_slice(bytes);
    }

    /// Offers once more what could not be taken; whether something was, now.
    pub(crate) fn offer_rest(&mut self, take: impl FnMut(&[u8]) -> Taken) -> bool {
        !self.rest.is_empty() && self.offer(take).count > 0
    }

    fn offer(&mut self, mut take: impl FnMut(&[u8]) -> Taken) -> Taken {
        let taken = take(&self.rest);
        if taken.is_secret && taken.count > 0 {
            let left = self.rest.get(taken.count..).unwrap_or_default().to_vec();
            self.rest.zeroize();
            self.rest = left;
        } else if taken.count >= self.rest.len() {
            self.rest = Vec::new();
        } else {
            self.rest.drain(..taken.count);
        }
        taken
    }
}

impl<S> Drop for Side<S> {
    fn drop(&mut self) {
        self.rest.zeroize(); // half a password, of a client that has gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncWriteExt as _, duplex};

    fn scratch_has(text: &[u8]) -> bool {
        SCRATCH.with_borrow(|scratch| memchr::memmem::find(scratch, text).is_some())
    }

    #[tokio::test]
    async fn of_a_password_that_came_in_pieces_nothing_stays_where_it_was_read() {
        let (ours, mut theirs) = duplex(1024);
        let mut side = Side::new(ours);
        let mut receive = async |side: &mut Side<_>, text: &str, take: fn(&[u8]) -> Taken| {
            theirs.write_all(text.as_bytes()).await.unwrap();
            poll_fn(|cx| if side.poll_receive(cx, take) { Poll::Ready(()) } else { Poll::Pending }).await;
        };
        receive(&mut side, "AUTH s3cr", |_| Taken { count: 0, is_secret: true }).await;
        assert!(side.rest == b"AUTH s3cr" && !scratch_has(b"s3cr"));
        let whole = |bytes: &[u8]| Taken { count: bytes.len().min(13), is_secret: true };
        receive(&mut side, "et\r\nGET a", whole).await;
        assert!(side.rest == b"GET a" && side.rest.capacity() < 13 && !scratch_has(b"et\r\n"));
        receive(&mut side, "\r\nGET b", |_| Taken { count: 7, is_secret: false }).await;
        assert_eq!(side.rest, b"GET b");
    }
}
