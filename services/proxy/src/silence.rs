//! `CLIENT REPLY`, played here: the server keeps answering, or nobody would know whose a reply is.

/// Which requests the client wants no reply to.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    off: bool,
    skips_next: bool,
}

/// What `CLIENT REPLY` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    On,
    Off,
    Skip,
}

impl Mode {
    pub(crate) fn named(word: &[u8]) -> Option<Self> {
        let modes = [("on", Self::On), ("off", Self::Off), ("skip", Self::Skip)];
        let mut named = modes.into_iter().filter(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        named.next().map(|(_, mode)| mode)
    }
}

impl Silence {
    /// Another request: whether nobody wants to hear what is answered.
    #[inline]
    pub(crate) fn take_next(&mut self) -> bool {
        std::mem::take(&mut self.skips_next) || self.off
    }

    /// Whether everything is silent.
    pub(crate) fn is_on(&self) -> bool {
        self.off
    }

    /// `CLIENT REPLY`: whether it is answered, with OK.
    pub(crate) fn set(&mut self, mode: Mode) -> bool {
        match mode {
            Mode::On => *self = Self::default(),
            Mode::Off => *self = Self { off: true, skips_next: false },
            Mode::Skip => self.skips_next = !self.off,
        }
        mode == Mode::On
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skip_silences_the_next_request_and_does_not_add_up() {
        let mut silence = Silence::default();
        assert!(!silence.take_next());
        assert!(!silence.set(Mode::Skip) && !silence.set(Mode::Skip));
        assert!(silence.take_next() && !silence.take_next());
        assert!(!silence.set(Mode::Off) && silence.take_next() && silence.take_next());
        assert!(!silence.set(Mode::Skip) && silence.set(Mode::On) && !silence.take_next());
        assert!(
            !silence.set(Mode::Skip) && silence.set(Mode::On) && !silence.take_next(),
            "ON ends a SKIP too"
        );
        assert_eq!((Mode::named(b"sKiP"), Mode::named(b"maybe")), (Some(Mode::Skip), None));
    }
}
