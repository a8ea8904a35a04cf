//! What is drawn at random has to look like it.

/// What is drawn at random, so that processes that were started together do not stay together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    First,
    Renewal,
    Retry,
    Asked,
    Refusal,
    /// When a listener hears of a token: of one that lives long, and of a short one.
    News,
    ShortNews,
}

impl Draw {
    pub const ALL: [Self; 7] =
        [Self::First, Self::Renewal, Self::Retry, Self::Asked, Self::Refusal, Self::News, Self::ShortNews];
}

/// How what is drawn at random is spread over the tenths of its span.
#[derive(Clone, Default)]
pub struct Draws([[u64; 10]; Draw::ALL.len()]);

impl Draws {
    pub fn extend(&mut self, draws: impl IntoIterator<Item = (Draw, f64)>) {
        for (draw, share) in draws {
            self.0[draw as usize][((share * 10.0) as usize).min(9)] += 1;
        }
    }

    pub fn add(&mut self, other: &Self) {
        let all = self.0.iter_mut().flatten().zip(other.0.iter().flatten());
        all.for_each(|(sum, more)| *sum += more);
    }

    /// What is always the same, or nearly so: more than half of many lie in one tenth.
    pub fn lopsided(&self) -> Option<(Draw, [u64; 10])> {
        let is_lopsided = |tenths: &[u64; 10]| {
            let sum: u64 = tenths.iter().sum();
            sum >= 500 && tenths.iter().any(|tenth| *tenth > sum / 2)
        };
        Draw::ALL.into_iter().zip(self.0).find(|(_, tenths)| is_lopsided(tenths))
    }
}
