//! The provider as Java holds it.

use crate::connections::Books;
use crate::events::Events;
use crate::messages::{Message, Messages};
use crate::requests::Requests;
use crate::wire::Reader;
use entrakey_core::{Config, Error, Provider};
use std::sync::Arc;

/// A provider, what its Java object subscribed to, and what is to be said to it.
pub(crate) struct Handle {
    pub(crate) provider: Provider,
    pub(crate) messages: Arc<Messages>,
    pub(crate) requests: Arc<Requests>,
    pub(crate) books: Books,
    pub(crate) events: Events,
}

/// Who supplies what, if it is not one of the identities.
#[derive(Clone, Copy)]
pub(crate) struct Supplies {
    pub(crate) tokens: bool,
    pub(crate) assertions: bool,
}

impl Handle {
    /// A provider from keys and values, one after the other.
    pub(crate) fn open(entries: &[u8], supplies: Supplies, observed: bool) -> Result<Self, Error> {
        let (messages, requests) = (Arc::<Messages>::default(), Arc::<Requests>::default());
        let mut config = Config::new();
        let mut reader = Reader::new(entries);
        while let Some(key) = reader.text() {
            let value = reader.text().ok_or_else(|| Error::internal("A key came without its value."))?;
            config.set(key, value)?;
        }
        if supplies.tokens {
            config.on_token_request(requests.supplier(&messages));
        }
        if supplies.assertions {
            config.on_assertion_request(requests.supplier(&messages));
        }
        let provider = Provider::new(&config)?;
        let events = Events::default();
        if observed {
            events.start(&provider)?;
        }
        Ok(Self { provider, messages, requests, books: Books::default(), events })
    }

    /// Closes the provider; who waits for a message gets the last one.
    pub(crate) fn close(&self) {
        self.provider.close();
        self.books.close();
        self.requests.give_up();
        self.events.close();
        self.messages.put(Message::End(Error::closed()));
    }
}
