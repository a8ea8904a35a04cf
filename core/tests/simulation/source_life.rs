//! What answers show of how long a source's tokens live, and so which of them are the ends of longer ones.

use crate::promise::{LONG_LIVED, Promise};
use std::time::Duration;

/// An answer that brought the end of a token: as far as anybody can know, and as far as it is certain.
#[derive(Clone, Copy, Default)]
pub struct Ending {
    pub maybe: Option<Duration>,
    pub surely: Option<Duration>,
}

/// How long the tokens of a source live, as its answers show it.
#[derive(Clone, Copy, Default)]
pub struct SourceLife {
    least: Option<Duration>,
    most: Duration,
}

impl SourceLife {
    pub fn from(nominal: Duration) -> Self {
        Self { least: Some(nominal), most: nominal }
    }

    /// Whether an answer is the end of a token. One that does not say how long it lives is judged by the others.
    pub fn judge(&mut self, left: Duration, lifetime: Duration, is_stated: bool) -> Ending {
        let (least, most) = match is_stated {
            true => (Some(lifetime), lifetime),
            false => (self.least, self.most.max(lifetime)),
        };
        let unknown = if most.is_zero() { 3 * LONG_LIVED } else { most };
        let ending = Ending {
            maybe: Some(unknown).filter(|_| Promise::is_end(left, most)),
            surely: least.filter(|least| Promise::is_end(left, *least)),
        };
        if ending.surely.is_none() && !left.is_zero() {
            let shown = lifetime.max(left);
            self.most = self.most.max(shown);
            self.least = Some(self.least.map_or(shown, |least| least.min(shown)));
        }
        ending
    }
}
