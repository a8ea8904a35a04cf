//! Redis's patterns: `*`, `?`, `[abc]`, `[^a-z]`, `\` before a letter that means itself.

/// Whether `text` matches `pattern`. Takes time in proportion to both, whatever the pattern.
pub(super) fn matches(mut pattern: &[u8], mut text: &[u8]) -> bool {
    // Where to go on if the last star was too greedy or not greedy enough: only the last one can matter.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match pattern.split_first() {
            None if text.is_empty() => return true,
            Some((b'*', rest)) => {
                retry = Some((rest, text));
                pattern = rest;
                continue;
            }
            Some(_) => {
                if let Some((letter, left)) = text.split_first()
                    && let Some(rest) = one(pattern, *letter)
                {
                    (pattern, text) = (rest, left);
                    continue;
                }
            }
            None => (),
        }
        let Some((after_star, from)) = retry else { return false };
        let Some((_, from)) = from.split_first() else { return false };
        retry = Some((after_star, from));
        (pattern, text) = (after_star, from);
    }
}

/// What is left of a pattern whose first element matches the letter. It is not empty and no star.
fn one(pattern: &[u8], letter: u8) -> Option<&[u8]> {
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'[', rest @ ..] => class(rest, letter),
        [b'\\', escaped, rest @ ..] => (*escaped == letter).then_some(rest),
        [first, rest @ ..] => (*first == letter).then_some(rest),
        [] => None,
    }
}

fn class(pattern: &[u8], letter: u8) -> Option<&[u8]> {
    let (negated, mut left) = match pattern {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, pattern),
    };
    let mut found = false;
    loop {
        left = match left {
            [] => break, // never closed: Redis takes the end for the bracket
            [b']', rest @ ..] => {
                left = rest;
                break;
            }
            [b'\\', escaped, rest @ ..] => {
                found |= *escaped == letter;
                rest
            }
            [from, b'-', to, rest @ ..] => {
                found |= (from.min(to)..=from.max(to)).contains(&&letter);
                rest
            }
            [one, rest @ ..] => {
                found |= *one == letter;
                rest
            }
        };
    }
    (found != negated).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_what_redis_says_they_do() {
        let yes = [
            ("*", ""),
            ("a*c", "abbc"),
            ("a?c", "abc"),
            ("news.*", "news."),
            ("", ""),
            ("h[ae]llo", "hello"),
        ];
        for (pattern, text) in yes {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        for (pattern, text) in
            [("h[^e]llo", "hallo"), ("h[a-c]", "hb"), (r"a\*", "a*"), ("*a*b*", "xxaxxbxx"), ("[ab", "b")]
        {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        let no = [
            ("a?c", "ac"),
            ("a*c", "ab"),
            ("", "a"),
            ("h[^e]llo", "hello"),
            (r"a\*", "ab"),
            ("*a*b", "xbxa"),
        ];
        for (pattern, text) in no {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_they_must() {
        let (pattern, text) = ("*a".repeat(30) + "b", "a".repeat(30_000));
        assert!(!matches(pattern.as_bytes(), text.as_bytes()));
    }
}
