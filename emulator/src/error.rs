//! Why the emulator did not start.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the emulator did not start. Shown, it is one sentence that says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A port could not be opened.
    Port {
        /// What was to listen there: `HTTP`, `HTTPS` or `Redis`.
        plane: &'static str,
        /// The port.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
    /// The CA's certificate could not be written.
    CaFile {
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The token lifetime is not a whole number of seconds from one second to 365 days.
    TokenLifetime,
    /// A key or certificate could not be made.
    Cryptography(String),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { plane, port, source } if source.kind() == io::ErrorKind::AddrInUse => write!(
                out,
                "Port {port} for {plane} is in use: end what listens there or choose another port (0 takes a free one)."
            ),
            Self::Port { plane, port, source } => write!(
                out,
                "Port {port} for {plane} cannot be opened on 127.0.0.1 ({source}): choose another port (0 takes a free one)."
            ),
            Self::CaFile { path, source } => write!(
                out,
                "The CA certificate cannot be written to {} ({source}): choose a file in a folder that exists and is yours.",
                path.display()
            ),
            Self::TokenLifetime => {
                out.write_str("The token lifetime must be a whole number of seconds, from 1 second to 365 days.")
            }
            Self::Cryptography(what) => write!(
                out,
                "A key or certificate could not be made ({what}): check that the system's random numbers work."
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Port { source, .. } | Self::CaFile { source, .. } => Some(source),
            Self::TokenLifetime | Self::Cryptography(_) => None,
        }
    }
}
