//! Bytes on their way out. Tokens among them are wiped once they are sent.

use crate::wiped::make_room;
use zeroize::Zeroize as _;

/// A read takes as much at most, and with so much waiting nothing is read.
pub(crate) const BUFFER: usize = 16 * 1024;

/// What one side is to be sent. Empty it has no memory.
#[derive(Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
    holds_secret: bool,
}

impl Outbox {
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.forget_sent();
        if self.holds_secret {
            make_room(&mut self.bytes, bytes.len());
        } else if self.bytes.capacity() == 0 && !bytes.is_empty() {
            self.bytes.reserve(bytes.len().max(BUFFER));
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// A reader that always leaves a byte must not make it grow for ever.
    fn forget_sent(&mut self) {
        if self.sent < BUFFER {
            return;
        }
        let left = self.unsent().len();
        self.bytes.copy_within(self.sent.., 0);
        if self.holds_secret
            && let Some(moved) = self.bytes.get_mut(left..)
        {
            moved.zeroize();
        }
        self.bytes.truncate(left);
        self.sent = 0;
    }

    /// Something that must not stay in memory.
    pub(crate) fn push_secret(&mut self, bytes: &[u8]) {
        self.holds_secret = true;
        self.push(bytes);
    }

    #[inline]
    pub(crate) fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// So many bytes were sent.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        self.sent += count;
        if self.sent >= self.bytes.len() {
            self.clear();
        }
    }

    fn clear(&mut self) {
        if self.holds_secret {
            self.bytes.zeroize();
        }
        *self = Self::default();
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.unsent().is_empty()
    }

    /// So much waits that nothing should be added.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.unsent().len() >= BUFFER
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        if self.holds_secret {
            self.bytes.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_gone_and_an_empty_one_has_no_memory() {
        let mut outbox = Outbox::default();
        outbox.push(b"hello ");
        outbox.push_secret(b"token");
        outbox.push(&[b'x'; BUFFER]);
        assert!(outbox.is_full());
        outbox.advance(6);
        assert_eq!(&outbox.unsent()[..5], b"token");
        outbox.advance(5 + BUFFER);
        assert!(outbox.is_empty() && outbox.bytes.capacity() == 0);
    }

    #[test]
    fn one_that_is_never_quite_empty_does_not_grow() {
        let mut outbox = Outbox::default();
        outbox.push_secret(b"token");
        for _ in 0..1000 {
            outbox.push(&[b'x'; BUFFER]);
            outbox.advance(outbox.unsent().len() - 1);
        }
        assert_eq!(outbox.unsent(), b"x");
        assert!(outbox.bytes.capacity() < 5 * BUFFER, "{}", outbox.bytes.capacity());
    }
}
