//! One of the two connections: what is to be sent, and what was read and could not be taken yet.

use crate::outbox::{BUFFER, Outbox};
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

thread_local! {
    /// One buffer to read into for all connections of a thread: an idle one needs none of its own.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into_boxed_slice());
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
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>, take: impl FnMut(&[u8]) -> usize) -> bool {
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
        mut take: impl FnMut(&[u8]) -> usize,
    ) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            let read = buffer.filled();
            if read.is_empty() {
                self.is_over = true;
            } else if self.rest.is_empty() {
                let taken = take(read);
                self.rest.extend_from_slice(read.get(taken..).unwrap_or_default());
            } else {
                self.rest.extend_from_slice(read);
                self.offer_rest(take);
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Offers once more what could not be taken; whether something was, now.
    pub(crate) fn offer_rest(&mut self, mut take: impl FnMut(&[u8]) -> usize) -> bool {
        if self.rest.is_empty() {
            return false;
        }
        let taken = take(&self.rest);
        if taken >= self.rest.len() {
            self.rest = Vec::new();
        } else {
            self.rest.drain(..taken);
        }
        taken > 0
    }
}
