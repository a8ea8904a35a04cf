//! The host supplies the token itself.

use super::source::Source;
use crate::clock::unix_now;
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use crate::request::HostCallback;
use std::sync::Arc;
use std::time::Duration;

/// An expiry in the wrong unit (seconds for milliseconds, or the other way round) is years away. No token lives for a year.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn is_mistaken(expires_unix: Duration) -> bool {
    unix_now().abs_diff(expires_unix) > YEAR
}

struct CallbackSource {
    callback: Arc<HostCallback>,
    settings: Arc<Settings>,
}

pub(super) fn source(settings: &Arc<Settings>, callback: &Arc<HostCallback>) -> Box<dyn Source> {
    Box::new(CallbackSource { callback: callback.clone(), settings: settings.clone() })
}

impl Source for CallbackSource {
    fn blocked(&self) -> &'static str {
        "the token callback has not returned."
    }

    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        let token = self.callback.ask(Some(&self.settings.scope), timeout)?;
        let expires = token.expires_unix_ms.map(Duration::from_millis);
        if expires.is_some_and(is_mistaken) {
            let message =
                "The token callback gave an expiry that is years from now or past: is it in the wrong unit?";
            return Err(Error::new(ErrorKind::CallbackFailed, message).with_retriable(false));
        }
        Grant::supplied(&token.secret, expires, token.username.as_deref(), &self.settings)
    }
}
