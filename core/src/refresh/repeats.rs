//! How often the same trouble has come with one token: a thousand connections must not make a thousand warnings.

/// Counts from the newest version on that it has heard of.
#[derive(Default)]
pub(super) struct Repeats {
    version: u64,
    times: u64,
}

impl Repeats {
    /// Once more, with the token of `version`: how often that makes.
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
