//! One upstream and its clients.

use crate::cluster::Announced;
use crate::connection::Connection;
use crate::credentials::Credentials;
use crate::dial::{self, lost, timed_out};
use crate::dial_error::{DialError, DialFailure, ask_the_doctor};
use crate::stream::Stream;
use crate::warm::Pool;
use crate::wire;
use crate::{ClientStream, Ended, Metrics, Options, Upstream};
use entrakey_core::{
    Connection as Entry, DuringOutage, Error, GetToken, Provider, Refusal, Subscription, Token,
};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// One upstream for any number of clients. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Proxy {
    pub(crate) shared: Arc<Shared>,
}

/// What all connections of a proxy share.
pub(crate) struct Shared {
    pub(crate) upstream: Upstream,
    pub(crate) provider: Provider,
    pub(crate) options: Options,
    pub(crate) metrics: Arc<Metrics>,
    /// Connections that are ready before a client comes.
    pub(crate) pool: Pool,
    /// It is one node of a cluster, of several.
    pub(crate) is_node: bool,
    /// The newest token as it is sent: one copy for all connections.
    sent: Mutex<Option<Arc<Credentials>>>,
    /// Authenticates far more often than any token is renewed.
    #[cfg(test)]
    pub(crate) every: Option<Duration>,
}

/// A connection to the server, ready for requests.
pub(crate) struct Authenticated {
    pub(crate) stream: Stream,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) address: SocketAddr,
}

/// What a test of the connection has found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dialed {
    /// The address that answered.
    pub address: SocketAddr,
    /// The user name that was let in.
    pub username: String,
    /// How long it took from asking for a token to the answer to PING.
    pub took: Duration,
}

impl Proxy {
    /// Makes no connection and asks for no token yet.
    #[must_use]
    pub fn new(upstream: Upstream, provider: Provider, options: Options) -> Self {
        Self { shared: Arc::new(Shared::new(upstream, provider, options)) }
    }

    #[cfg(test)]
    pub(crate) fn that_authenticates_every(self, every: Duration) -> Self {
        let Shared { upstream, provider, options, .. } = &*self.shared;
        let shared = Shared::new(upstream.clone(), provider.clone(), options.clone());
        Self { shared: Arc::new(Shared { every: Some(every), ..shared }) }
    }

    /// The same for one node of a cluster: the public host at the port that the server announces, with the name on its
    /// certificate. What is counted is counted together.
    #[must_use]
    pub fn node(&self, port: u16) -> Self {
        let Shared { upstream, provider, options, metrics, .. } = &*self.shared;
        let upstream = Upstream { port, ..upstream.clone() };
        let shared = Shared::new(upstream, provider.clone(), options.clone());
        Self { shared: Arc::new(Shared { metrics: metrics.clone(), is_node: true, ..shared }) }
    }

    /// Serves one client until its connection ends; dropping the future closes it at once. `reached` is the address of this
    /// machine by which it has come: nodes of a cluster that listen on all addresses are announced at it. Runs on a tokio
    /// runtime with I/O and time.
    pub async fn serve(&self, client: impl ClientStream, reached: Option<IpAddr>) -> Ended {
        Connection::new(&self.shared, client, reached).run().await
    }

    /// Dials, and asks whether the Redis has the OSS cluster policy: with another, and without a cluster, `CLUSTER` is
    /// refused.
    ///
    /// # Errors
    /// Where dialling failed, and what to do.
    pub async fn has_cluster_policy(&self) -> Result<bool, DialError> {
        let (deadline, upstream) =
            (Instant::now() + self.shared.upstream.connect_timeout, &self.shared.upstream);
        let Authenticated { mut stream, .. } = self.shared.dial(None, &mut None).await?;
        let said = timeout_at(deadline, dial::ask(&mut stream, &["CLUSTER", "INFO"])).await;
        let said =
            said.map_err(|_| timed_out(upstream, "it let the token in but does not answer CLUSTER INFO"))?;
        let said = said.map_err(|error| lost(upstream, "CLUSTER INFO", &error))?;
        if let Some(message) = wire::error_text(&said)
            && !message.starts_with("ERR ")
            && Refusal::read(&message) != Some(Refusal::Permission)
        {
            let message = format!("{upstream}: it answers CLUSTER INFO with \"{message}\".");
            return Err(DialError::new(failure_of(&message), true, message));
        }
        Ok(wire::text(&said).is_some_and(|text| text.starts_with(b"cluster_")))
    }

    /// Dials, makes TLS, authenticates, says PING, and closes: whether this works at all. An access policy may leave out
    /// PING: that it is forbidden is an answer too.
    ///
    /// # Errors
    /// Where it failed, and what to do.
    pub async fn test(&self) -> Result<Dialed, DialError> {
        let (started, upstream) = (Instant::now(), &self.shared.upstream);
        let Authenticated { mut stream, credentials, address } = self.shared.dial(None, &mut None).await?;
        let pong = timeout_at(started + upstream.connect_timeout, dial::ask(&mut stream, &["PING"])).await;
        let pong = pong.map_err(|_| timed_out(upstream, "it let the token in but does not answer PING"))?;
        let pong = pong.map_err(|error| lost(upstream, "PING", &error))?;
        if let Some(message) = wire::error_text(&pong)
            && Refusal::read(&message) != Some(Refusal::Permission)
        {
            let advice = ask_the_doctor(upstream);
            let message =
                format!("{upstream}: it let the token in but answers PING with \"{message}\"; {advice}.");
            return Err(DialError::new(failure_of(&message), true, message));
        }
        Ok(Dialed { address, username: credentials.username.clone(), took: started.elapsed() })
    }

    /// What has been counted.
    #[must_use]
    pub fn observe(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// The upstream.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.shared.upstream
    }
}

impl Shared {
    fn new(upstream: Upstream, provider: Provider, options: Options) -> Self {
        Self {
            upstream,
            provider,
            options,
            metrics: Arc::default(),
            pool: Pool::default(),
            is_node: false,
            sent: Mutex::default(),
            #[cfg(test)]
            every: None,
        }
    }

    /// Where one client, who has come by this address, finds the nodes.
    pub(crate) fn announced(&self, reached: Option<IpAddr>) -> Option<Announced> {
        let nodes = self.options.nodes.clone()?;
        Some(Announced::new(nodes, reached, self.upstream.tls.is_some()))
    }

    /// The newest token, if it is good.
    pub(crate) fn newest(&self) -> Option<Arc<Credentials>> {
        self.provider.with_usable(Arc::clone).map(|token| self.credentials(&token))
    }

    /// The token as it is sent.
    fn credentials(&self, token: &Arc<Token>) -> Arc<Credentials> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        match &*sent {
            Some(credentials) if credentials.are_of(token) => credentials.clone(),
            _ => sent.insert(Arc::new(Credentials::from_token(token))).clone(),
        }
    }

    /// Makes a connection, within the upstream's limit. A token that was refused but is no longer the newest was refused
    /// because it is not: the newest gets its chance.
    pub(crate) async fn dial(
        &self,
        subscription: Option<&Subscription>,
        entry: &mut Option<Entry>,
    ) -> Result<Authenticated, DialError> {
        let started = Instant::now();
        let deadline = started + self.upstream.connect_timeout;
        loop {
            let credentials = self.token(deadline).await?;
            *entry = subscription.map(|subscription| subscription.opened(credentials.version));
            let (mut stream, address) = dial::connect(&self.upstream, deadline).await?;
            // That has taken a while: if there is a newer token by now, the older one is near its end.
            let credentials = self.newest().unwrap_or(credentials);
            let version = credentials.version;
            let said = timeout_at(deadline, dial::sign_in(&mut stream, &credentials)).await;
            let said = said.map_err(|_| timed_out(&self.upstream, "it does not answer AUTH"))?;
            let Err(message) = said.map_err(|error| lost(&self.upstream, "AUTH", &error))? else {
                entry.iter().for_each(|entry| entry.authenticated(version));
                self.metrics.record_connect(started.elapsed());
                return Ok(Authenticated { stream, credentials, address });
            };
            let error = self.refused(entry.as_ref(), version, &message);
            if self.provider.version() <= version || Instant::now() >= deadline {
                return Err(error);
            }
        }
    }

    async fn token(&self, deadline: Instant) -> Result<Arc<Credentials>, DialError> {
        let timeout = Some(deadline.saturating_duration_since(Instant::now()));
        let (sender, token) = tokio::sync::oneshot::channel();
        self.provider.get_token_then(GetToken { timeout, ..GetToken::default() }, |token| {
            let _ = sender.send(token); // the client may have gone
        });
        let token = token.await.unwrap_or_else(|_| self.provider.get_token_with(NOW));
        token.map(|token| self.credentials(&token)).map_err(|error| Self::no_token(&error))
    }

    pub(crate) fn no_token(error: &Error) -> DialError {
        DialError::new(
            DialFailure::Token,
            error.is_retriable(),
            format!("There is no token: {}", error.message()),
        )
    }

    /// The provider explains a verdict on the token. Everything else the server says is passed on.
    fn refused(&self, entry: Option<&Entry>, version: u64, message: &str) -> DialError {
        let rejection = match entry {
            Some(entry) => entry.refused(version, message),
            None => self.provider.report_rejected(version, message),
        };
        let explanation =
            rejection.map_or_else(|error| error.message().to_owned(), |rejection| rejection.explanation);
        DialError::new(failure_of(message), true, format!("{}: {explanation}", self.upstream))
    }
}

/// Whether an error of the server's refuses the token, or says that it takes nobody now.
fn failure_of(message: &str) -> DialFailure {
    match Refusal::read(message) {
        Some(_) => DialFailure::Auth,
        None => DialFailure::Unready,
    }
}

/// What is known here and now.
const NOW: GetToken = GetToken { timeout: Some(Duration::ZERO), during_outage: DuringOutage::Report };

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.shared.upstream)
    }
}
