//! A wait for a token that blocks no thread: the answer is returned if it is known, and else becomes a message.

use crate::encode::Answer;
use crate::messages::{Message, Messages};
use entrakey_core::{GetToken, Provider};
use std::sync::{Arc, Mutex, PoisonError};

enum Place {
    /// Whoever has started the wait is still there.
    Here,
    /// And finds the answer here.
    Answered(Answer),
    /// The answer becomes a message.
    Away,
}

/// The answer, if it is known at once; else none, and a message with the number of the `wait` follows.
pub(crate) fn start(
    provider: &Provider,
    how: GetToken,
    wait: i64,
    messages: &Arc<Messages>,
) -> Option<Answer> {
    let place = Arc::new(Mutex::new(Place::Here));
    let (answered, messages) = (place.clone(), messages.clone());
    provider.get_token_then(how, move |answer| {
        let mut place = answered.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*place, Place::Away) {
            messages.put(Message::Answer { wait, answer });
        } else {
            *place = Place::Answered(answer);
        }
    });
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    match std::mem::replace(&mut *place, Place::Away) {
        Place::Answered(answer) => Some(answer),
        Place::Here | Place::Away => None,
    }
}
