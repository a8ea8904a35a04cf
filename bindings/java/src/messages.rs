//! What the core has to say to Java, until Java's thread takes it.

use crate::encode::{self, Answer};
use crate::wire::Writer;
use entrakey_core::Error;
use std::collections::{HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One thing to say.
pub(crate) enum Message {
    /// What became of the wait with this number.
    Answer { wait: i64, answer: Answer },
    /// The subscription's moment for a newer token has come.
    News { subscription: i64 },
    /// The host is asked for a token for this scope; for an assertion, if there is no scope.
    Request { request: i64, scope: Option<String> },
    /// Nothing follows any more, and this is why.
    End(Error),
}

impl Message {
    pub(crate) fn encoded(&self) -> Vec<u8> {
        match self {
            Self::Answer { wait, answer } => {
                Writer::new(b'A').number(*wait).bytes(&encode::answer(answer)).done()
            }
            Self::News { subscription } => Writer::new(b'N').number(*subscription).done(),
            Self::Request { request, scope } => {
                Writer::new(b'Q').number(*request).optional_text(scope.as_deref()).done()
            }
            Self::End(error) => Writer::new(b'Z').bytes(&encode::error(error)).done(),
        }
    }
}

/// A queue for one taker. It is bounded by what it holds: one answer for each caller that waits, and news once for each
/// subscription.
#[derive(Default)]
pub(crate) struct Messages {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Message>,
    /// The subscriptions that have news among the messages.
    news: HashSet<i64>,
    /// The taker is to come out, also without a message.
    woken: bool,
}

impl Messages {
    pub(crate) fn put(&self, message: Message) {
        let mut waiting = self.lock();
        if let Message::News { subscription } = message
            && !waiting.news.insert(subscription)
        {
            return; // Java reads the newest token when it gets to the news that is there
        }
        waiting.messages.push_back(message);
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Ends the wait of the taker, or the next one.
    pub(crate) fn wake(&self) {
        self.lock().woken = true;
        self.arrived.notify_one();
    }

    /// The next message, or none within `timeout` or once it was woken. Blocks.
    pub(crate) fn take(&self, timeout: Duration) -> Option<Message> {
        let waiting = self.lock();
        let nothing = |waiting: &mut Waiting| waiting.messages.is_empty() && !waiting.woken;
        let waited = self.arrived.wait_timeout_while(waiting, timeout, nothing);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.woken = false;
        let message = waiting.messages.pop_front();
        if let Some(Message::News { subscription }) = &message {
            waiting.news.remove(subscription);
        }
        message
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_woken_comes_out_once() {
        let messages = Messages::default();
        messages.wake();
        assert!(messages.take(Duration::MAX).is_none());
        assert!(messages.take(Duration::ZERO).is_none());
    }

    #[test]
    fn news_waits_once_for_each_subscription() {
        let messages = Messages::default();
        for subscription in [1, 2, 1, 1] {
            messages.put(Message::News { subscription });
        }
        let subscription = || match messages.take(Duration::ZERO) {
            Some(Message::News { subscription }) => subscription,
            _ => 0,
        };
        assert_eq!([subscription(), subscription(), subscription()], [1, 2, 0]);
        messages.put(Message::News { subscription: 1 });
        assert_eq!(subscription(), 1, "what was taken may come again");
    }
}
