//! Arguments that come out of the configuration, as URLs and as upstream takes them.

use crate::error::{Error, Result};
use azure_core::http::Url;

pub(super) fn parse_url(what: &str, url: &str) -> Result<Url> {
    Url::parse(url).map_err(|error| Error::invalid_config(format!("{what} is not a URL: {error}.")))
}

/// The error that `azure_identity` refuses arguments with.
pub(super) fn refused_arguments(error: &azure_core::Error) -> Error {
    Error::invalid_config(format!("{error}. Check the identity's configuration keys."))
}
