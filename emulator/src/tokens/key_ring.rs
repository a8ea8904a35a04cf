//! The keys of one issuer, and how they are replaced.

use super::key::SigningKey;
use crate::Error;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The newest key signs; the older ones are published and believed until they are retired.
///
/// The first key is made when it is first needed, which takes some hundredths of a second. A look-up by id never waits
/// for that: nothing can have been signed by a key that is not there yet.
#[derive(Debug, Default)]
pub(crate) struct KeyRing {
    /// Locked while a key is made, so that two callers who need the first key get the same one.
    making: Mutex<()>,
    /// The oldest first.
    keys: RwLock<Vec<Arc<SigningKey>>>,
}

impl KeyRing {
    fn newest(&self) -> Option<Arc<SigningKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    fn add(&self) -> Result<Arc<SigningKey>, Error> {
        let key = Arc::new(SigningKey::new()?);
        self.keys.write().unwrap_or_else(PoisonError::into_inner).push(key.clone());
        Ok(key)
    }

    /// The key that signs. Blocks while the first one is made; [`Self::ready`] waits for that without blocking.
    pub(crate) fn signing(&self) -> Result<Arc<SigningKey>, Error> {
        if let Some(key) = self.newest() {
            return Ok(key);
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        self.newest().map_or_else(|| self.add(), Ok)
    }

    /// Returns once there is a key.
    pub(crate) async fn ready(self: &Arc<Self>) {
        if self.newest().is_none() {
            let ring = self.clone();
            // The next caller that signs gets the error.
            let _ = tokio::task::spawn_blocking(move || ring.signing().map(drop)).await;
        }
    }

    /// The key that a token names. Never waits.
    pub(crate) fn find(&self, key_id: &str) -> Option<Arc<SigningKey>> {
        self.published().into_iter().find(|key| key.key_id == key_id)
    }

    /// All keys that are believed, the oldest first.
    fn published(&self) -> Vec<Arc<SigningKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys as the issuer's keys document shows them.
    pub(crate) fn to_jwks(&self) -> Vec<Value> {
        self.published().iter().map(|key| key.to_jwk()).collect()
    }

    /// The ids of all keys that are believed; the last one signs.
    pub(crate) fn key_ids(&self) -> Vec<String> {
        self.published().iter().map(|key| key.key_id.clone()).collect()
    }

    /// A new key signs from now on. Blocks while it is made.
    pub(crate) fn rotate(&self) -> Result<(), Error> {
        self.signing()?; // a rotation without a key before it would be none
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        self.add().map(drop)
    }

    /// Forgets all keys but the one that signs: what they signed is believed no longer.
    pub(crate) fn retire(&self) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let old = keys.len().saturating_sub(1);
        keys.drain(..old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_is_made_once_when_it_is_needed() {
        let ring = KeyRing::default();
        assert!(ring.key_ids().is_empty() && ring.find("any").is_none());
        let first = std::thread::scope(|scope| {
            let other = scope.spawn(|| ring.signing().unwrap().key_id.clone());
            let mine = ring.signing().unwrap().key_id.clone();
            assert_eq!(other.join().unwrap(), mine);
            mine
        });
        assert_eq!(ring.key_ids(), [first]);
    }

    #[test]
    fn an_old_key_is_found_until_it_is_retired_and_the_new_one_signs() {
        let ring = KeyRing::default();
        let old = ring.signing().unwrap().key_id.clone();
        ring.rotate().unwrap();
        let new = ring.signing().unwrap().key_id.clone();
        assert_ne!(old, new);
        assert_eq!(ring.key_ids(), [old.clone(), new.clone()]);
        assert!(ring.find(&old).is_some());
        ring.retire();
        assert_eq!(ring.key_ids(), [new]);
        assert!(ring.find(&old).is_none());
    }
}
