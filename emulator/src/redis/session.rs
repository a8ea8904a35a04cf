//! Who a connection is authenticated as, and until when.

use super::plane::Plane;
use crate::identities::Access;
use crate::tokens;
use std::time::Duration;

/// A connection's standing. Moves only when an AUTH is accepted, or by RESET.
#[derive(Default)]
pub(super) struct Session {
    current: Option<Authenticated>,
    /// The object id that this connection counts for: that of its first accepted AUTH.
    counted_for: Option<String>,
}

struct Authenticated {
    object_id: String,
    access: Access,
    /// Since the Unix epoch, on the emulator's clock.
    expires: Duration,
}

/// What a client is told, whatever the reason.
pub(super) const REFUSED: &str = "WRONGPASS invalid username-password pair or user is disabled.";

impl Session {
    pub(super) fn is_authenticated(&self) -> bool {
        self.current.is_some()
    }

    pub(super) fn access(&self) -> Option<Access> {
        self.current.as_ref().map(|current| current.access)
    }

    /// When the server closes the connection, unless an AUTH comes first.
    pub(super) fn expires(&self) -> Option<Duration> {
        self.current.as_ref().map(|current| current.expires)
    }

    /// Checks a token. A refused one changes nothing: who was authenticated stays so, and not for longer.
    pub(super) fn authenticate(&mut self, plane: &Plane, user: &str, token: &str) -> Result<(), ()> {
        let world = &plane.world;
        match tokens::verify(world, user, token) {
            Ok(accepted) => {
                let left = accepted.expires.saturating_sub(world.now());
                world.log.note(format_args!(
                    "AUTH accepted for {}, {} s left",
                    accepted.object_id,
                    left.as_secs()
                ));
                let first = self.counted_for.is_none();
                let counted_for = self.counted_for.get_or_insert_with(|| accepted.object_id.clone());
                world.stats.on(counted_for, |counts| {
                    counts.auths += 1;
                    counts.connections += u64::from(first);
                    counts.connected += u64::from(first);
                });
                let tokens::Accepted { object_id, access, expires } = accepted;
                self.current = Some(Authenticated { object_id, access, expires });
                Ok(())
            }
            Err(reason) => {
                world.stats.auth_rejected(reason);
                world.log.note(format_args!("AUTH refused: {reason}"));
                Err(())
            }
        }
    }

    pub(super) fn user(&self) -> &str {
        self.current.as_ref().map_or("default", |current| &current.object_id)
    }

    pub(super) fn reset(&mut self) {
        self.current = None;
    }

    pub(super) fn count_command(&self, plane: &Plane) {
        if let Some(object_id) = &self.counted_for {
            plane.world.stats.on(object_id, |counts| counts.commands += 1);
        }
    }

    /// The connection is closed.
    pub(super) fn end(&self, plane: &Plane, expired: bool) {
        if let Some(object_id) = &self.counted_for {
            plane.world.stats.on(object_id, |counts| {
                counts.connected = counts.connected.saturating_sub(1);
                counts.expired += u64::from(expired);
            });
        }
        if expired {
            plane.world.log.note(format_args!("connection of {} closed: its token expired", self.user()));
        }
    }
}
