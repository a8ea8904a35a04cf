//! How a caller gets its answer, and a listener its news.

use crate::error::Result;
use crate::sync::{Condvar, Mutex};
use crate::token::Token;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// What every caller is told in the end.
pub(crate) type Answer = Result<Arc<Token>>;

/// What an asynchronous wait calls with its answer.
pub(crate) type Callback = Box<dyn FnOnce(Answer) + Send>;

/// What is called with a new token: on a thread of ours, with no lock held.
pub(crate) type ListenerCallback = Arc<dyn Fn(&Arc<Token>) + Send + Sync>;

/// Where an answer goes.
pub(crate) enum Reply {
    /// A thread waits here.
    Thread(Arc<PendingAnswer>),
    /// A function is to be called, on a thread of ours.
    Callback(Callback),
}

/// If the engine has not answered by this time after a caller's deadline, something is wrong with the timer.
const GRACE: Duration = Duration::from_secs(1);

/// A place for one answer.
#[derive(Default)]
pub(crate) struct PendingAnswer {
    answer: Mutex<Option<Answer>>,
    filled: Condvar,
}

impl PendingAnswer {
    pub(crate) fn fill(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.filled.notify_all();
    }

    pub(crate) fn take(&self) -> Option<Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The answer, which the engine gives by `deadline` on the boot clock. None if the engine gives none.
    pub(crate) fn wait(&self, deadline: Duration) -> Option<Answer> {
        let last = deadline.saturating_add(GRACE);
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        while answer.is_none() {
            let left = last.checked_sub(entrakey_sys::clock::boot()).filter(|left| !left.is_zero())?;
            answer = self.filled.wait_timeout(answer, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        answer.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn an_answer_is_given_once_and_to_whoever_waits_for_it() {
        let kind = |answer: Option<Answer>| answer.map(|answer| answer.unwrap_err().kind());
        let pending = PendingAnswer::default();
        assert_eq!(kind(pending.take()), None, "there is none yet");
        pending.fill(Err(Error::closed()));
        assert_eq!(kind(pending.take()), Some(ErrorKind::Closed));
        assert_eq!(kind(pending.take()), None);
        pending.fill(Err(Error::closed()));
        assert_eq!(kind(pending.wait(entrakey_sys::clock::boot())), Some(ErrorKind::Closed));
    }
}
