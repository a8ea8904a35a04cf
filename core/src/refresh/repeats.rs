//! How often the same trouble has come with one token: a thousand connections must not make a thousand warnings.

/// Counts the trouble with the newest version that was reported, and forgets that of older ones.
#[derive(Default)]
pub(super) struct Repeats {
    version: u64,
    times: u64,
}

impl Repeats {
    /// The trouble came once more, with the token of `version`. Returns how often it has come.
    pub(super) fn again(&mut self, version: u64) -> u64 {
        if version > self.version {
            *self = Self { version, times: 0 };
        }
        self.times += 1;
        self.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_token_begins_anew_and_an_older_one_does_not() {
        let mut repeats = Repeats::default();
        assert_eq!([1, 1, 2, 1, 2].map(|version| repeats.again(version)), [1, 2, 1, 2, 3]);
    }
}
