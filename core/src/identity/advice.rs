//! Tokens that are valid and will hardly be taken.

use super::{Source, Stamp};
use crate::claims::Claims;
use crate::config::Settings;
use crate::error::Result;
use crate::grant::Grant;
use crate::rejection::REDIS_AUDIENCES;
use std::time::Duration;

/// Any source, whose tokens are looked at.
pub(super) struct Advised {
    inner: Box<dyn Source>,
    /// Whether the scope is that of Redis: then so has to be the audience.
    for_redis: bool,
}

impl Advised {
    pub(super) fn new(settings: &Settings, inner: Box<dyn Source>) -> Self {
        let resource = settings.scope.strip_suffix("/.default").unwrap_or(&settings.scope);
        Self { inner, for_redis: is_redis(resource) }
    }
}

fn is_redis(resource: &str) -> bool {
    REDIS_AUDIENCES.contains(&resource.trim_end_matches('/'))
}

impl Source for Advised {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        self.inner.fetch(timeout)
    }

    fn stamp(&self) -> Option<Stamp> {
        self.inner.stamp()
    }

    fn advice(&self, grant: &Grant) -> Option<String> {
        let claims = Claims::parse(&grant.secret).unwrap_or_default();
        let wrong = claims.text("aud").filter(|audience| self.for_redis && !is_redis(audience));
        let wrong = wrong.map(|audience| {
            format!(
                "The token is for {audience} and not for Redis: the cache will refuse it. Check how it is obtained; \
                 the scope asked for is that of Redis."
            )
        });
        wrong.or_else(|| self.inner.advice(grant))
    }
}
