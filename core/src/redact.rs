//! Texts of others, shown without the tokens that may be in them.

/// Runs of characters that tokens are made of, from this length on, are not shown. Object ids have 36.
const SHORTEST_TOKEN: usize = 40;
/// So much of a known secret tells it, also when it was cut short.
const TELLING: usize = 8;

/// The text with tokens replaced: what begins as `secret` does, JWTs (which begin with `{"` in base64), and
/// whatever is as long as only tokens are.
pub(crate) fn without_tokens(text: &str, secret: Option<&str>) -> String {
    let start = secret.map(|secret| secret.chars().take(TELLING).collect::<String>());
    let start = start.filter(|start| start.chars().count() == TELLING);
    let (mut shown, mut word) = (String::new(), String::new());
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || "._~+/=-".contains(c) {
            word.push(c);
            continue;
        }
        let is_known = start.as_ref().is_some_and(|start| word.contains(start.as_str()));
        let is_token = is_known || word.len() >= SHORTEST_TOKEN || word.contains("eyJ");
        shown.push_str(if is_token { "[token]" } else { &word });
        word.clear();
        shown.push(c);
    }
    shown.pop(); // the one that was put there to end the last word
    shown
}
