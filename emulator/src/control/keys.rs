//! The keys that sign tokens, as they are shown and replaced.

use super::{Control, blocking};
use crate::Error;
use crate::tokens::KeyRing;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Whose keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeySet {
    /// Entra's, which sign access tokens.
    #[default]
    Entra,
    /// Those of the outside issuers that the emulator plays, which sign federated tokens.
    Issuers,
}

/// How keys are replaced.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rotation {
    /// Whose keys; Entra's if not given.
    pub keys: KeySet,
    /// Whether the older keys go at once: what they signed is believed no longer. If not, they stay in the keys
    /// document until they are retired.
    pub retire: bool,
}

/// The ids (`kid`) of the keys in an issuer's keys document.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeyState {
    /// The one that signs; null as long as none was needed.
    pub signing: Option<String>,
    /// All that are published and believed, the oldest first.
    pub published: Vec<String>,
}

impl KeyState {
    fn new(ring: &KeyRing) -> Self {
        let published = ring.key_ids();
        Self { signing: published.last().cloned(), published }
    }
}

impl Control {
    fn ring(&self, keys: KeySet) -> &Arc<KeyRing> {
        match keys {
            KeySet::Entra => &self.tenant.signing_keys,
            KeySet::Issuers => &self.tenant.issuer_keys,
        }
    }

    pub(crate) fn keys(&self, keys: KeySet) -> KeyState {
        KeyState::new(self.ring(keys))
    }

    pub(crate) async fn rotate_keys(&self, rotation: Rotation) -> Result<KeyState, Error> {
        let ring = self.ring(rotation.keys).clone();
        let state = blocking(move || {
            ring.rotate()?;
            if rotation.retire {
                ring.retire();
            }
            Ok(KeyState::new(&ring))
        })
        .await?;
        self.witness.log.note(format_args!(
            "keys of {:?}: {} published",
            rotation.keys,
            state.published.len()
        ));
        Ok(state)
    }

    pub(crate) fn retire_keys(&self, keys: KeySet) -> KeyState {
        self.ring(keys).retire();
        self.keys(keys)
    }
}
