//! The tokens of one identity for one resource, and what is answered with them.

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use entrakey_core::{Config, Error, Level, Observation, Provider, Token, read_claims};
use entrakey_service::{Log, log_events};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{oneshot, watch};
use zeroize::Zeroizing;

/// A secret store's name for what this is.
pub(crate) const TYPE: &str = "AzureEntraIdAuth";

/// After the provider's own next request there should be another token.
const AFTER_REFRESH: Duration = Duration::from_secs(10);
/// Whoever has a token that ages may ask again after a hundredth of its life, and these bounds.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Less is no jump: the clocks are read one after the other, and some of them are coarse.
const CLOCKS_DIFFER: Duration = Duration::from_secs(1);

/// What hands out tokens for one resource.
pub(crate) struct Supply {
    pub(crate) resource: String,
    pub(crate) provider: Provider,
    pub(crate) handed_out: AtomicU64,
    /// Changes when the provider has something to tell.
    news: watch::Sender<()>,
    rendered: ArcSwapOption<Rendered>,
    _told: [Observation; 2],
}

/// The answers with one token, which is in the memory of this process once for each of them.
pub(crate) struct Rendered {
    token: Arc<Token>,
    /// When the client should ask again, in seconds since 1970.
    refresh_after: u64,
    pub(crate) expires_on: u64,
    /// For `GET /v1/secrets/{id}`.
    pub(crate) secret: Bytes,
    /// For App Service's endpoint.
    pub(crate) app_service: Bytes,
    /// What the token says of itself.
    claims: Value,
}

/// Which claim has the value of a key: <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>.
const CLAIMS: [(&str, &str); 4] =
    [("client_id", "appid"), ("client_id", "azp"), ("object_id", "oid"), ("resource_id", "xms_mirid")];

impl Rendered {
    fn says(&self, key: &str) -> Option<&str> {
        said(&self.claims, key).or_else(|| (key == "object_id").then(|| self.token.username()))
    }
}

fn said<'a>(claims: &'a Value, key: &str) -> Option<&'a str> {
    let mut all = CLAIMS.iter().filter(|(of, _)| *of == key);
    all.find_map(|(_, claim)| claims[claim].as_str())
}

/// A token and the answers with it.
pub(crate) struct HandOut {
    pub(crate) token: Arc<Token>,
    pub(crate) rendered: Arc<Rendered>,
}

/// Bytes that are wiped when the last one who has them lets go.
struct Wiped(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// What `GET /v1/secrets/{id}` answers.
#[derive(Serialize)]
struct Secret<'a> {
    id: &'a str,
    r#type: &'static str,
    username: &'a str,
    value: &'a str,
    expires_on: u64,
    refresh_after: u64,
}

/// What App Service answers.
#[derive(Serialize)]
struct AppService<'a> {
    access_token: &'a str,
    /// A text for a number.
    expires_on: String,
    resource: &'a str,
    token_type: &'static str,
    client_id: &'a str,
}

/// As JSON, in memory that does not move while it is written: what a buffer leaves behind when it grows is not wiped.
fn body(value: &impl Serialize, text_bytes: usize) -> Bytes {
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * text_bytes + 1024));
    let _ = serde_json::to_writer(&mut *bytes, value); // texts and numbers, to memory
    Bytes::from_owner(Wiped(bytes))
}

impl Supply {
    pub(crate) fn new(name: String, resource: String, config: &Config, log: &Log) -> Result<Self, Error> {
        let provider = Provider::new(config)?;
        let news = watch::Sender::new(());
        let tell = news.clone();
        let told = [
            log_events(&provider, Some(name), log)?,
            provider.observe(Level::Debug, move |_| tell.send_replace(()))?,
        ];
        Ok(Self {
            resource,
            provider,
            handed_out: AtomicU64::new(0),
            news,
            rendered: ArcSwapOption::empty(),
            _told: told,
        })
    }

    /// How it is, without values.
    pub(crate) fn status(&self) -> Value {
        let status = self.provider.status();
        json!({
            "resource": self.resource,
            "ready": status.ready,
            "version": status.version,
            "expires_on": status.expires_unix_ms.map(|ms| ms / 1000),
            "validity_left_s": status.validity_left_ms.map(|ms| ms / 1000),
            "next_refresh_in_s": status.next_refresh_in_ms.map(|ms| ms / 1000),
            "requests": status.counters.fetches,
            "handed_out": self.handed_out.load(Relaxed),
            "last_error": status.last_error.map(|error| json!({"kind": error.kind, "message": error.message})),
        })
    }

    /// Told whenever the provider may have another token, or has failed to get one.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// A token for somebody who keeps it for a while.
    ///
    /// # Errors
    /// There is none, or too little is left of it.
    pub(crate) async fn hand_out(&self, id: &str, timeout: Duration) -> Result<HandOut, Error> {
        let token = match self.provider.with_fresh(Arc::clone) {
            Some(token) => token,
            None => self.wait(timeout).await?,
        };
        let rendered = self.render(id, &token);
        Ok(HandOut { token, rendered })
    }

    /// What the usable token says of a key: an id that no configuration has.
    pub(crate) fn says(&self, id: &str, key: &str) -> Option<String> {
        self.provider.with_usable(|token| self.render(id, token).says(key).map(str::to_owned))?
    }

    async fn wait(&self, timeout: Duration) -> Result<Arc<Token>, Error> {
        let (tell, told) = oneshot::channel();
        self.provider.hand_on_then(timeout, move |answer| drop(tell.send(answer)));
        told.await.unwrap_or_else(|_| Err(Error::internal("A wait for a token ended without an answer.")))
    }

    fn render(&self, id: &str, token: &Arc<Token>) -> Arc<Rendered> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let expires = expires(token, now);
        if let Some(last) = self.rendered.load_full()
            && Arc::ptr_eq(&last.token, token)
            && now.as_secs() < last.refresh_after
            && last.expires_on.abs_diff(expires.as_secs()) <= CLOCKS_DIFFER.as_secs()
        {
            return last;
        }
        let (refresh_after, expires_on) = (refresh_after(token, now, expires).as_secs(), expires.as_secs());
        let claims = read_claims(token.secret()).unwrap_or_default();
        let client_id = said(&claims, "client_id").unwrap_or_default();
        let (username, value) = (token.username(), token.secret());
        let secret = Secret { id, r#type: TYPE, username, value, expires_on, refresh_after };
        let app_service = AppService {
            access_token: value,
            expires_on: expires_on.to_string(),
            resource: &self.resource,
            token_type: "Bearer",
            client_id,
        };
        let rendered = Arc::new(Rendered {
            token: token.clone(),
            refresh_after,
            expires_on,
            secret: body(&secret, id.len() + token.username().len() + token.secret().len()),
            app_service: body(&app_service, self.resource.len() + client_id.len() + token.secret().len()),
            claims,
        });
        self.rendered.store(Some(rendered.clone()));
        rendered
    }
}

/// When it expires, by this machine's clock as it is now: set back after the token came, it would promise more than there is.
fn expires(token: &Token, now: Duration) -> Duration {
    let (as_it_came, by_now) = (Duration::from_millis(token.expires_unix_ms()), now + token.left_now());
    if as_it_came.saturating_sub(by_now) > CLOCKS_DIFFER { by_now } else { as_it_came }
}

/// When whoever has this token should ask for another one: soon after the provider has asked, and never at once.
fn refresh_after(token: &Token, now: Duration, expires: Duration) -> Duration {
    let lifetime = token.lifetime();
    let set_back = Duration::from_millis(token.expires_unix_ms()).saturating_sub(expires);
    let planned = Duration::from_millis(token.refresh_unix_ms()).saturating_sub(set_back)
        + AFTER_REFRESH.min(lifetime.mul_f64(0.02));
    let soonest = now + lifetime.mul_f64(0.01).clamp(ASK_AGAIN.0, ASK_AGAIN.1);
    // Whole seconds: a part of one would make it come before the provider has asked.
    planned.max(soonest) + Duration::from_millis(999)
}
