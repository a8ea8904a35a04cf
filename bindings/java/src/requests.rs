//! The host is asked for tokens or assertions: requests under way, until Java answers them.

use crate::messages::{Message, Messages};
use entrakey_core::CredentialRequest;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Each is answered once; a second answer does nothing.
#[derive(Default)]
pub(crate) struct Requests(Mutex<Pending>);

#[derive(Default)]
struct Pending {
    last: i64,
    by_number: HashMap<i64, CredentialRequest>,
}

impl Requests {
    /// A callback for the core that tells Java of each request.
    pub(crate) fn supplier(
        self: &Arc<Self>,
        messages: &Arc<Messages>,
    ) -> impl Fn(CredentialRequest) + Send + Sync + 'static {
        let (requests, messages) = (self.clone(), messages.clone());
        move |request| {
            let scope = request.scope().map(str::to_owned);
            let number = requests.keep(request);
            messages.put(Message::Request { request: number, scope });
        }
    }

    fn keep(&self, request: CredentialRequest) -> i64 {
        let mut pending = self.lock();
        pending.last += 1;
        let number = pending.last;
        pending.by_number.insert(number, request);
        number
    }

    pub(crate) fn take(&self, number: i64) -> Option<CredentialRequest> {
        self.lock().by_number.remove(&number)
    }

    /// Requests that nobody will answer any more fail by being dropped, with no lock held.
    pub(crate) fn give_up(&self) {
        let unanswered = std::mem::take(&mut self.lock().by_number);
        drop(unanswered);
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
