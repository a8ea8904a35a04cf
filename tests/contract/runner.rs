//! One provider from `key value …` on the command line, one call of `get_token`: what a Rust program sees of it.

use entrakey_core::{Config, CredentialRequest, Error, Provider, Token};
use std::sync::Arc;

/// What a callback of the host's does: a text that begins with `!` is why it fails.
fn supply(request: CredentialRequest, supplied: &str) {
    match supplied.strip_prefix('!') {
        Some(reason) => request.fail(reason),
        None => request.complete(supplied.to_owned().into(), None),
    }
}

fn attempt() -> Result<(Provider, Arc<Token>), Error> {
    let mut config = Config::new();
    let words: Vec<String> = std::env::args().skip(1).collect();
    for pair in words.chunks(2) {
        let supplied = pair[1].clone();
        match pair[0].as_str() {
            "token_callback" => config.on_token_request(move |request| supply(request, &supplied)),
            "assertion_callback" => config.on_assertion_request(move |request| supply(request, &supplied)),
            key => config.set(key, &supplied)?,
        }
    }
    let provider = Provider::new(&config)?;
    let token = provider.get_token()?;
    Ok((provider, token))
}

fn main() {
    match attempt() {
        Ok((provider, token)) => {
            println!("username: {}\nversion: {}", token.username(), token.version());
            println!("shown: {provider:?} {token:?} {} {}", provider.status().to_json(), provider.metrics());
        }
        Err(error) => {
            println!("error: {}\nretriable: {}", error.kind().name(), error.is_retriable());
            println!("aadsts: {}\nmessage: {error}\nshown: {error:?}", error.aadsts().unwrap_or(0));
        }
    }
}
