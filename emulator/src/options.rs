//! How an emulator is started.

use crate::{GraphSettings, RedisOptions};
use std::path::PathBuf;
use std::time::Duration;

/// How an emulator is started. The default takes free ports, mints tokens of an hour and follows the system's clock.
///
/// ```
/// use entrakey_emulator::Options;
/// use std::time::Duration;
///
/// let options = Options::default().with_token_lifetime(Duration::from_secs(300)).with_clock_scale(60.0);
/// let fixed = Options { http_port: 8080, ..options };
/// # assert_eq!((fixed.token_lifetime.as_secs(), fixed.clock_scale), (300, 60.0));
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// Port of the managed identity endpoints and the control API; 0 takes a free one.
    pub http_port: u16,
    /// Port of Entra; 0 takes a free one.
    pub https_port: u16,
    /// Port of Service Fabric's endpoint; 0 takes a free one.
    pub fabric_port: u16,
    /// The Redis.
    pub redis: RedisOptions,
    /// How long a token is valid, on the emulator's clock.
    pub token_lifetime: Duration,
    /// How far the emulator's clock is ahead of the system's, in milliseconds; behind, if negative.
    pub clock_offset_ms: i64,
    /// How many seconds of the emulator's clock pass in one of the system's, at most 100 000; 0 stops it.
    pub clock_scale: f64,
    /// Whether IMDS answers 20 requests a second and 5 at a time only, as on a virtual machine.
    pub imds_limits: bool,
    /// Where the certificate of the emulator's authority is written; to the emulator's folder if not given.
    pub ca_file: Option<PathBuf>,
    /// Who exists: a TOML or JSON file; a default set if not given.
    pub identities: Option<PathBuf>,
    /// Where Azure Arc's key files are written; to the emulator's folder if not given. Microsoft's libraries
    /// read them in `/var/opt/azcmagent/tokens` only.
    pub arc_key_folder: Option<PathBuf>,
    /// How soon the tenant knows what Graph was told, and what its policies refuse.
    pub graph: GraphSettings,
    /// Writes one line to standard error for each thing that happens.
    pub verbose: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            http_port: 0,
            https_port: 0,
            fabric_port: 0,
            redis: RedisOptions::default(),
            token_lifetime: Duration::from_secs(3600),
            clock_offset_ms: 0,
            clock_scale: 1.0,
            imds_limits: false,
            ca_file: None,
            identities: None,
            arc_key_folder: None,
            graph: GraphSettings::default(),
            verbose: false,
        }
    }
}

impl Options {
    /// Sets [`Options::token_lifetime`].
    #[must_use]
    pub fn with_token_lifetime(self, token_lifetime: Duration) -> Self {
        Self { token_lifetime, ..self }
    }

    /// Sets [`Options::clock_offset_ms`].
    #[must_use]
    pub fn with_clock_offset_ms(self, clock_offset_ms: i64) -> Self {
        Self { clock_offset_ms, ..self }
    }

    /// Sets [`Options::clock_scale`].
    #[must_use]
    pub fn with_clock_scale(self, clock_scale: f64) -> Self {
        Self { clock_scale, ..self }
    }

    /// Sets [`Options::imds_limits`].
    #[must_use]
    pub fn with_imds_limits(self, imds_limits: bool) -> Self {
        Self { imds_limits, ..self }
    }

    /// Sets [`Options::redis`].
    #[must_use]
    pub fn with_redis(self, redis: RedisOptions) -> Self {
        Self { redis, ..self }
    }

    /// Sets [`Options::identities`].
    #[must_use]
    pub fn with_identities(self, file: impl Into<PathBuf>) -> Self {
        Self { identities: Some(file.into()), ..self }
    }
}
