//! HTTP for token requests: a blocking client, also under `azure_identity`.
//!
//! Where `azure_identity` writes the request, everything that follows is ours. The transport reads the answer
//! itself (`answer`), keeps the real expiry, and hands upstream a canonical answer with an expiry of zero
//! and no token in it: upstream's cache then never answers in our place, and its retry loop, which would
//! hold a caller for 100 seconds, sees nothing to retry.

mod answer;
mod endpoint;
mod failure;
mod head;
mod outgoing;
mod pin;
mod presented;
mod refusal;
mod resolver;
mod tls;

#[cfg(feature = "internals")]
pub use answer::Answers;
pub(crate) use endpoint::{Endpoint, Presence};
pub use failure::describe_tls_error;
pub(crate) use outgoing::Outgoing;
pub use presented::{certificate_fault, describe_certificate, refused_certificates};
pub(crate) use tls::resuming_config;

use crate::clock::unix_now;
use crate::config::{Settings, Thumbprint};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use crate::https::{HttpsAnswer, HttpsRequest};
use arc_swap::ArcSwapOption;
use azure_core::error::ErrorKind as UpstreamKind;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request, StatusCode, Url, headers::Headers};
use head::Head;
use rustls::ClientConfig;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use ureq::http::request::Builder as RequestBuilder;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector as _, TcpConnector};
use ureq::{Agent, http};
use zeroize::Zeroizing;

/// IMDS answers on the machine's own link: what takes longer to connect is not there. Microsoft's
/// libraries allow 2 s too.
const MANAGED_IDENTITY_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A token answer is a few kilobytes; more is a mistake or an attack.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// What every answer looks like to `azure_identity`, for either of its parsers: a token that has expired.
const CANONICAL_ANSWER: &str =
    r#"{"access_token":"-","expires_in":0,"expires_on":"0","resource":"-","token_type":"Bearer"}"#;

/// The HTTP client of one identity. Each request makes its own connection and leaves nothing behind that
/// a forked child could inherit.
pub(crate) struct Transport {
    endpoint: Endpoint,
    settings: Arc<Settings>,
    /// The only certificate to trust.
    pin: Option<Thumbprint>,
    /// With the roots as they were when a request last got an answer. What could not be read, or was being replaced, is
    /// read again.
    tls: ArcSwapOption<ClientConfig>,
    /// This machine's clock less that of the endpoint that answered last, in milliseconds; 0 before the first answer.
    skew_ms: AtomicI64,
}

thread_local! {
    /// The exchange under way on this thread. A fetch runs on one thread from end to end.
    static EXCHANGE: RefCell<Option<Exchange>> = const { RefCell::new(None) };
}

struct Exchange {
    timeout: Duration,
    outcome: Option<Result<Grant>>,
}

/// Drives `request` (a `get_token` of upstream's over a [`Transport`]) on this thread and returns what the
/// transport made of the answer. Blocks for `timeout` at most.
pub(crate) fn exchange<F, T>(timeout: Duration, request: F) -> Result<Grant>
where
    F: Future<Output = azure_core::Result<T>>,
{
    EXCHANGE.set(Some(Exchange { timeout, outcome: None }));
    let upstream = pollster::block_on(request);
    let outcome = EXCHANGE.take().and_then(|exchange| exchange.outcome);
    match (outcome, upstream) {
        (Some(outcome), _) => outcome,
        // Upstream gave up before it sent anything; its texts hold ids and file names, no secrets.
        (None, Err(error)) => Err(Error::new(ErrorKind::InvalidConfig, error.to_string())),
        (None, Ok(_)) => Err(Error::new(ErrorKind::Internal, "azure_identity answered without a request.")),
    }
}

impl Transport {
    pub(crate) fn new(endpoint: Endpoint, settings: Arc<Settings>) -> Self {
        Self { endpoint, settings, pin: None, tls: ArcSwapOption::empty(), skew_ms: AtomicI64::new(0) }
    }

    /// This machine's clock less the other side's, in milliseconds, as far as is known.
    pub(crate) fn skew_ms(&self) -> i64 {
        self.skew_ms.load(Ordering::Relaxed)
    }

    /// For an endpoint that has one certificate of its own making.
    pub(crate) fn pinned(self, pin: Thumbprint) -> Self {
        Self { pin: Some(pin), ..self }
    }

    /// Sends a request of ours. Blocks for `timeout` at most.
    pub(crate) fn fetch(&self, request: &Outgoing, timeout: Duration) -> Result<Grant> {
        let answer = self.send(&request.url, request.builder(), request.body(), timeout)?;
        self.read(&request.url, answer)
    }

    /// Sends a request that is to be refused, and returns what the refusal asks for (`WWW-Authenticate`). An
    /// answer of another kind is the error that it amounts to; a token would not be an answer here.
    pub(crate) fn challenge(&self, request: &Outgoing, timeout: Duration) -> Result<Option<String>> {
        let answer = self.send(&request.url, request.builder(), request.body(), timeout)?;
        if answer.0.status == 401 {
            return Ok(answer.0.challenge);
        }
        self.read(&request.url, answer).map(|_| None)
    }

    /// Sends a request whose answer is a JSON object, and returns one text of it.
    pub(crate) fn fetch_text(
        &self,
        request: &Outgoing,
        field: &str,
        timeout: Duration,
    ) -> Result<Zeroizing<String>> {
        let (head, body) = self.send(&request.url, request.builder(), request.body(), timeout)?;
        let address = request.url.origin().ascii_serialization();
        answer::read_text(self.endpoint, &address, &head, body, field)
    }

    /// Sends a request that Azure's instance metadata service refuses, and says whether that service answers.
    pub(crate) fn knock(&self, request: &Outgoing, timeout: Duration) -> Result<Presence> {
        match self.exchange(&request.url, request.builder(), request.body(), timeout)? {
            Ok((head, body)) => Ok(answer::presence(&head, body)),
            Err(Broken { error, is_ours: true }) => Err(error),
            Err(Broken { error, .. }) if error.kind() == ErrorKind::BadResponse => {
                Ok(Presence::Stranger(error.message().to_owned()))
            }
            Err(_) => Ok(Presence::Nobody),
        }
    }

    /// The answer to a request to another service of Azure's, whatever its status.
    pub(crate) fn call(&self, url: &Url, request: &HttpsRequest<'_>) -> Result<HttpsAnswer> {
        let mut builder = http::Request::builder().method(request.method).uri(url.as_str());
        if let Some(token) = request.bearer {
            builder = builder.header("Authorization", Zeroizing::new(format!("Bearer {token}")).as_str());
        }
        for (name, value) in request.headers {
            builder = builder.header(*name, *value);
        }
        let body = request.json.unwrap_or_default();
        if request.json.is_some() {
            builder = builder.header("Content-Type", "application/json");
        }
        let (head, body) = self.send(url, builder, body, request.timeout)?;
        Ok(HttpsAnswer::new(head.status, body, head.retry_after, head.clocks.skew_ms, head.headers))
    }

    fn read(&self, url: &Url, (head, body): (Head, Vec<u8>)) -> Result<Grant> {
        let address = url.origin().ascii_serialization();
        answer::read(self.endpoint, &address, &head, body, &self.settings)
    }

    /// An agent of one request. ureq's own way to configure one reads the environment, which the host may be changing
    /// now; what it is made of was made with the provider.
    fn agent(&self, tls: Option<Arc<ClientConfig>>) -> Agent {
        let connector =
            ConnectProxyConnector::default().chain(TcpConnector::default()).chain(tls::Connector::new(tls));
        Agent::with_parts(self.settings.http.clone(), connector, resolver::HostNames)
    }

    /// The proxy to Entra. Managed identity endpoints are never asked through one.
    fn proxy(&self, url: &Url) -> Option<&ureq::Proxy> {
        self.settings.proxies.to(url).filter(|_| self.endpoint.is_far())
    }

    fn run<S: ureq::AsSendBody>(
        &self,
        agent: &Agent,
        request: http::Request<S>,
        proxy: Option<&ureq::Proxy>,
        timeout: Duration,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let managed = !self.endpoint.is_far();
        let request = agent
            .configure_request(request)
            .timeout_global(Some(timeout))
            .timeout_connect(managed.then(|| MANAGED_IDENTITY_CONNECT_TIMEOUT.min(timeout)))
            .proxy(proxy.cloned())
            .build();
        agent.run(request)
    }

    /// Roots are read and parsed only if something speaks https, and kept while they serve.
    fn tls_config(&self, target: &Url) -> Result<Option<Arc<ClientConfig>>> {
        if target.scheme() != "https" {
            return Ok(None);
        }
        match self.tls.load_full() {
            None => tls::client_config(&self.settings, self.pin).map(|config| Some(Arc::new(config))),
            kept => Ok(kept),
        }
    }

    /// What `azure_identity` wants sent.
    fn forward(&self, request: &Request, timeout: Duration) -> Result<Grant> {
        let url = request.url();
        let mut builder = http::Request::builder().method(request.method().as_ref()).uri(url.as_str());
        for (name, value) in request.headers().iter() {
            builder = builder.header(name.as_str(), value.as_str());
        }
        let Body::Bytes(body) = request.body() else {
            return Err(internal("with a streamed body"));
        };
        let answer = self.send(url, builder, body, timeout)?;
        self.read(url, answer)
    }

    fn send(
        &self,
        url: &Url,
        builder: RequestBuilder,
        body: &[u8],
        timeout: Duration,
    ) -> Result<(Head, Vec<u8>)> {
        self.exchange(url, builder, body, timeout)?.map_err(|broken| broken.error)
    }

    /// A user who is told to set `ca_file` may have set the same for other programs already.
    fn with_unread_roots(&self, error: Error) -> Error {
        match &self.settings.trust.unread {
            Some(sentence) if error.message().contains("ca_file") => error.with_sentence(sentence),
            _ => error,
        }
    }

    /// The inner error: no answer came.
    fn exchange(
        &self,
        url: &Url,
        builder: RequestBuilder,
        body: &[u8],
        timeout: Duration,
    ) -> Result<Result<(Head, Vec<u8>), Broken>> {
        let address = url.origin().ascii_serialization();
        let tls = self.tls_config(url)?;
        let agent = self.agent(tls.clone());
        let sent_at = entrakey_sys::clock::boot();
        let proxy = self.proxy(url);
        let sent = match body.is_empty() {
            true => builder.body(()).map(|request| self.run(&agent, request, proxy, timeout)),
            false => builder.body(body).map(|request| self.run(&agent, request, proxy, timeout)),
        };
        let sent = sent.map_err(|_| internal("that is not valid HTTP"))?;
        let way = self.settings.proxies.way_to(url);
        let party = failure::Party { endpoint: self.endpoint, address: &address, way };
        let broken = |error: &ureq::Error| Broken {
            error: self.with_unread_roots(failure::describe(error, &party, timeout)),
            is_ours: failure::is_ours(error),
        };
        match &sent {
            Ok(_) => self.tls.store(tls),
            // Roots read anew may serve. Another failure says nothing of the roots, and their files may be gone by now.
            Err(error) if failure::is_tls(error) => self.tls.store(None),
            Err(_) => {}
        }
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return Ok(Err(broken(&error))),
        };
        let head = Head::read(&response, sent_at, unix_now());
        if let Some(skew_ms) = head.clocks.skew_ms {
            self.skew_ms.store(skew_ms, Ordering::Relaxed);
        }
        let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        Ok(body.map(|body| (head, body)).map_err(|error| broken(&error)))
    }
}

/// A request that got no answer.
struct Broken {
    error: Error,
    /// The cause is in this process, so the failure says nothing of the other side.
    is_ours: bool,
}

/// No server takes a longer address than this; most take a quarter.
const MAX_ADDRESS_CHARS: usize = 8192;

/// The address of a request, if it can be one.
pub(crate) fn checked(url: Url) -> Result<Url> {
    let length = url.as_str().len();
    if length <= MAX_ADDRESS_CHARS {
        return Ok(url);
    }
    let longest = url.query_pairs().max_by_key(|(_, value)| value.len());
    let longest = longest.filter(|(_, value)| value.len() > length / 2).map(|(name, _)| name.into_owned());
    let message = format!(
        "The address of the token request would have {length} characters, and no server takes more than \
         {MAX_ADDRESS_CHARS}: {} is too long.",
        longest.as_deref().unwrap_or("the configured address")
    );
    Err(Error::new(ErrorKind::InvalidConfig, message))
}

fn internal(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("A token request was made {what}. Please report this."))
}

#[async_trait::async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let upstream = |text| azure_core::Error::with_message(UpstreamKind::Other, text);
        let timeout = EXCHANGE.with_borrow(|exchange| exchange.as_ref().map(|exchange| exchange.timeout));
        let timeout = timeout.ok_or_else(|| upstream("a request outside an exchange"))?;
        let outcome = self.forward(request, timeout);
        let failed = outcome.is_err();
        EXCHANGE.with_borrow_mut(|exchange| {
            if let Some(exchange) = exchange {
                exchange.outcome = Some(outcome);
            }
        });
        if failed {
            return Err(upstream("see the transport's own account")); // of a kind that is not retried
        }
        Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), CANONICAL_ANSWER))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
