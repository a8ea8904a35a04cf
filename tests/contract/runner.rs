//! One provider from `key value …` on the command line, one call of `get_token`: what a Rust program sees of it.

use entrakey_core::{Config, Error, Provider, Token};
use std::sync::Arc;

fn attempt() -> Result<(Provider, Arc<Token>), Error> {
    let mut config = Config::new();
    let words: Vec<String> = std::env::args().skip(1).collect();
    for pair in words.chunks(2) {
        config.set(&pair[0], &pair[1])?;
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
