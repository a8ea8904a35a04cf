//! The cache's access keys, which Entra is there to replace. Off unless switched on.

use super::access::Permissions;
use super::commands::Catalogue;
use crate::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Two, as Azure has them, so that one can be renewed while the other is used.
pub(crate) struct AccessKeys {
    keys: [String; 2],
    everything: Arc<Permissions>,
    enabled: Mutex<bool>,
}

impl AccessKeys {
    pub(super) fn new(enabled: bool, catalogue: &Catalogue) -> Result<Self, Error> {
        let key = || {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".as_slice();
            let letter = || fastrand::choice(alphabet).map_or('A', |letter| char::from(*letter));
            std::iter::repeat_with(letter).take(43).chain(['=']).collect()
        };
        let everything = Arc::new(Permissions::parse("owner", catalogue).map_err(Error::new)?);
        Ok(Self { keys: [key(), key()], everything, enabled: Mutex::new(enabled) })
    }

    fn enabled(&self) -> MutexGuard<'_, bool> {
        self.enabled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys, if they are of use.
    pub(crate) fn current(&self) -> Option<&[String; 2]> {
        self.enabled().then_some(&self.keys)
    }

    pub(super) fn set(&self, enabled: bool) {
        *self.enabled() = enabled;
    }

    pub(super) fn permissions_for(&self, key: &str) -> Result<Arc<Permissions>, &'static str> {
        let keys = self.current().ok_or("access keys are switched off")?;
        if keys.iter().any(|known| known == key) {
            Ok(self.everything.clone())
        } else {
            Err("the access key is wrong")
        }
    }
}
