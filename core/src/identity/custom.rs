//! The host supplies the token itself.

use super::Source;
use crate::config::Settings;
use crate::error::Result;
use crate::grant::Grant;
use crate::request::HostCallback;
use crate::transport;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Custom {
    pub(super) callback: Arc<HostCallback>,
    pub(super) settings: Arc<Settings>,
}

impl Source for Custom {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        let token = self.callback.ask(Some(&self.settings.scope), timeout)?;
        transport::local(&token.secret, token.expires_unix_ms.map(|ms| ms / 1000), &self.settings)
    }
}
