//! An emulator, and clients of its Redis.

use super::Client;
use crate::stream::Stream;
use crate::{Options, Proxy, Upstream};
use entrakey_core::{Config, Provider};
use entrakey_emulator::{Emulator, Options as EmulatorOptions};
use std::sync::Arc;

/// One that runs, and a proxy in front of it.
pub(crate) struct Emulated {
    _emulator: Emulator,
    pub(crate) proxy: Proxy,
}

pub(crate) async fn start() -> Emulated {
    let emulator = Emulator::start(EmulatorOptions::default()).await.unwrap();
    let name = format!("entrakey-proxy-trial-{}-{:x}.pem", std::process::id(), fastrand::u64(..));
    let ca = std::env::temp_dir().join(name);
    std::fs::write(&ca, emulator.ca_pem()).unwrap();
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    config.set("imds_endpoint", &format!("http://{}", emulator.http_address())).unwrap();
    config.set("ca_file", ca.to_str().unwrap()).unwrap();
    let provider = Provider::new(&config).unwrap();
    let tls = Arc::new(provider.server_tls().unwrap());
    std::fs::remove_file(&ca).unwrap();
    let upstream = Upstream::verified("127.0.0.1", emulator.redis_address().port(), tls).unwrap();
    let proxy = Proxy::new(upstream, provider, Options::default());
    Emulated { _emulator: emulator, proxy }
}

impl Emulated {
    /// A client without a proxy, signed in.
    pub(super) async fn signed_in(&self) -> Client<Stream> {
        let stream = self.proxy.shared.dial(None, &mut None).await.unwrap().stream;
        Client { stream, received: Vec::new() }
    }
}
