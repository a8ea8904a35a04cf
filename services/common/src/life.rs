//! Where a service stands in its life: what its health answers, and whether it takes new clients.

use tokio::sync::watch;

/// The stages, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It is not listening yet.
    Starting,
    /// It works.
    Started,
    /// It was told to end, and still takes clients.
    Stopping,
    /// It takes no more clients; those it has may finish.
    Draining,
    /// What is left is cut off.
    Ended,
}

/// A service's life. Clones share it.
#[derive(Clone, Debug)]
pub struct Life(watch::Sender<Stage>);

impl Default for Life {
    fn default() -> Self {
        Self(watch::Sender::new(Stage::Starting))
    }
}

impl Life {
    /// Where it stands.
    #[must_use]
    pub fn stage(&self) -> Stage {
        *self.0.borrow()
    }

    /// Goes on to `stage`. Never back.
    pub fn enter(&self, stage: Stage) {
        self.0.send_if_modified(|now| {
            let is_later = *now < stage;
            *now = stage.max(*now);
            is_later
        });
    }

    /// Waits until it has come to `stage`, or further.
    pub async fn reached(&self, stage: Stage) {
        // The sender lives as long as `self` does.
        let _ = self.0.subscribe().wait_for(|now| *now >= stage).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_never_goes_back() {
        let life = Life::default();
        life.enter(Stage::Stopping);
        life.enter(Stage::Started);
        assert_eq!(life.stage(), Stage::Stopping);
        life.reached(Stage::Started).await;
    }
}
