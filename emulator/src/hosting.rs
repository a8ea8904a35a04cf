//! What the hosting environments share with the programs that run in them: secrets, and Azure Arc's key files.

use crate::home::{Home, replace};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How many challenges may be open at once: clients that ask and never come back must not fill a disk.
const OPEN_CHALLENGES: usize = 64;

pub(crate) struct HostingSecrets {
    pub(crate) app_service: String,
    pub(crate) azure_ml: String,
    pub(crate) service_fabric: String,
    pub(crate) pipelines: String,
    pub(crate) arc: ArcKeys,
}

impl HostingSecrets {
    /// Azure Arc's key files are in `arc_folder`, or in the emulator's own folder.
    pub(crate) fn new(arc_folder: Option<PathBuf>, home: &Home) -> Self {
        Self {
            app_service: secret(),
            azure_ml: secret(),
            service_fabric: secret(),
            pipelines: secret(),
            arc: ArcKeys {
                folder: arc_folder.unwrap_or_else(|| home.path().join("arc")),
                open: Mutex::default(),
            },
        }
    }
}

impl fmt::Debug for HostingSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostingSecrets")
    }
}

fn secret() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// The challenges of Azure Arc's agent: a client that can read the file gets a token, once.
pub(crate) struct ArcKeys {
    folder: PathBuf,
    /// What is in each file, in the order of the files' names, which is that of their making.
    open: Mutex<BTreeMap<PathBuf, String>>,
}

impl ArcKeys {
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a new key file.
    pub(crate) fn challenge(&self, now: u128) -> io::Result<PathBuf> {
        std::fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(format!("{now:020}-{:08x}.key", fastrand::u32(..)));
        let key = secret();
        replace(&path, &key)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(path.clone(), key);
        while open.len() > OPEN_CHALLENGES {
            if let Some((oldest, _)) = open.pop_first() {
                let _ = std::fs::remove_file(oldest); // it may have been removed from outside
            }
        }
        Ok(path)
    }

    /// Whether this is what one of the files says. Each is good for one token.
    pub(crate) fn redeem(&self, key: &str) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let found = open.iter().find(|(_, mine)| *mine == key).map(|(path, _)| path.clone());
        let Some(path) = found else { return false };
        open.remove(&path);
        let _ = std::fs::remove_file(path); // it may have been removed from outside
        true
    }

    /// Removes the files, which may be in a folder that is not the emulator's.
    pub(crate) fn clear(&self) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        for path in open.into_keys() {
            let _ = std::fs::remove_file(path); // it may have been removed from outside
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_good_for_one_token_and_old_ones_go() {
        let home = Home::create().unwrap();
        let keys = HostingSecrets::new(None, &home).arc;
        let first = keys.challenge(1).unwrap();
        let key = std::fs::read_to_string(&first).unwrap();
        assert!(!keys.redeem("something else") && first.exists());
        assert!(keys.redeem(&key) && !keys.redeem(&key) && !first.exists());
        let second = keys.challenge(2).unwrap();
        for now in 3..3 + OPEN_CHALLENGES as u128 {
            keys.challenge(now).unwrap();
        }
        assert!(!second.exists());
        assert_eq!(std::fs::read_dir(keys.folder()).unwrap().count(), OPEN_CHALLENGES);
        keys.clear();
        assert_eq!(std::fs::read_dir(keys.folder()).unwrap().count(), 0);
        home.remove();
    }
}
