//! The public face: one identity, one scope, one policy.

use crate::clock::Now;
use crate::config::{Config, Environment, Settings};
use crate::error::{Error, Result};
use crate::event::{Level, ProviderEvent};
use crate::https::Https;
use crate::identity::{self, Asked};
use crate::metrics::render_metrics;
use crate::observation::Observation;
use crate::refresh::{DuringOutage, Engine, Input, ListenerCallback, Newest, Published, Snapshot, Wish};
use crate::rejection::Rejection;
use crate::status::Status;
use crate::subscription::Subscription;
use crate::token::Token;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::Duration;

/// Supplies the access token of one identity and keeps it fresh. Cheap to clone; clones share everything.
///
/// Making one does no network I/O. The first `get_token` fetches; from then on a background thread renews
/// the token well before it expires, for as long as the provider lives. Dropping the last clone closes it.
///
/// Safe to use from any thread, and in a forked child: the child starts from the parent's token.
#[derive(Clone)]
pub struct Provider {
    shared: Arc<Shared>,
}

/// How a call of [`Provider::get_token_with`] behaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct GetToken {
    /// The most the call may take; the configured `get_token_timeout_ms` if not given.
    pub timeout: Option<Duration>,
    /// What the call does while requests fail.
    pub during_outage: DuringOutage,
}

/// A token and the moment at which it was a provider's newest: see [`Provider::hold`].
pub struct HeldToken {
    token: Arc<Token>,
    changes: u64,
    generation: u64,
}

impl HeldToken {
    /// The token.
    #[must_use]
    pub fn token(&self) -> &Arc<Token> {
        &self.token
    }
}

struct Shared {
    settings: Arc<Settings>,
    current: Published,
    closed: AtomicBool,
}

impl Provider {
    /// A provider for what `config` and the environment say. Reads the environment, on this thread and
    /// only now; does no network I/O.
    ///
    /// # Errors
    /// `INVALID_CONFIG`: a key is missing, contradicts another, or has an unsafe value.
    pub fn new(config: &Config) -> Result<Self> {
        entrakey_sys::unload::prevent();
        entrakey_sys::fork::watch();
        let settings = Arc::new(Settings::resolve(config, Environment::read())?);
        let source = identity::source(&settings)?;
        let current: Published = Arc::new(Newest::new());
        let engine = Engine::new(&settings, source, current.clone(), None);
        current.store(Snapshot { engine: Some(engine), ..Snapshot::empty() });
        Ok(Self { shared: Arc::new(Shared { settings, current, closed: AtomicBool::new(false) }) })
    }

    /// A valid token: from memory if there is one, else from the source. See [`Provider::get_token_with`].
    ///
    /// # Errors
    /// As [`Provider::get_token_with`].
    #[inline]
    pub fn get_token(&self) -> Result<Arc<Token>> {
        self.get_token_with(GetToken::default())
    }

    /// A valid token. With one in memory: no lock, no system call, no allocation. Else this call waits for
    /// the one request that is made for all callers, through failures that pass, until its time-out.
    ///
    /// # Errors
    /// `CALLBACK_FAILED` inside the provider's own token or assertion callback; else
    /// what the source said last, if it will not be asked again in time; a refusal at once; `TIMEOUT`;
    /// `CLOSED` after [`Provider::close`].
    #[inline]
    pub fn get_token_with(&self, how: GetToken) -> Result<Arc<Token>> {
        if let Some(token) = self.with_usable(Arc::clone) {
            return Ok(token);
        }
        self.fetch(how)
    }

    /// Runs `read` on the token in memory, if it is usable. Never blocks, allocates or fetches: the path on
    /// which a binding copies credentials out.
    #[inline]
    pub fn with_usable<R>(&self, read: impl FnOnce(&Arc<Token>) -> R) -> Option<R> {
        let snapshot = self.shared.current.load();
        snapshot.token.as_ref().filter(|token| snapshot.is_ours() && token.is_usable()).map(read)
    }

    /// The usable token in memory, for a caller who means to hand it out again and again and compares before each time.
    #[must_use]
    pub fn hold(&self) -> Option<HeldToken> {
        let changes = self.shared.current.changes(); // before the token is read: it can only be too old
        let generation = entrakey_sys::fork::generation();
        self.with_usable(|token| HeldToken { token: token.clone(), changes, generation })
    }

    /// Whether [`Provider::with_usable`] would still give the token that this provider has handed out by
    /// [`Provider::hold`]. Loads and two coarse clocks: an instruction that locks the bus, as a reference count is, takes
    /// as long as all of it.
    #[must_use]
    #[inline]
    pub fn is_newest(&self, held: &HeldToken) -> bool {
        held.changes == self.shared.current.changes()
            && held.generation == entrakey_sys::fork::generation()
            && held.token.is_usable()
    }

    /// As [`Provider::get_token_with`] without blocking, for event loops: `done` is called exactly once, with what `get_token_with`
    /// would have returned and no later than it would have. It is called here and now if the answer is
    /// known, else on a thread of the library's, with no lock held, and may call anything.
    /// It may block too; but with 1,024 that block at a time, those behind them wait.
    /// In a forked child the parent's waits are dead: `done` is neither called nor dropped.
    pub fn get_token_then<F>(&self, how: GetToken, done: F)
    where
        F: FnOnce(Result<Arc<Token>>) + Send + 'static,
    {
        if let Some(token) = self.with_usable(Arc::clone) {
            return done(Ok(token));
        }
        match self.engine() {
            Ok(engine) => engine.get_then(self.wish(how), Box::new(done)),
            Err(error) => done(Err(error)),
        }
    }

    /// Runs `read` on the token in memory, if enough is left of it for somebody who keeps it for a while. Never blocks,
    /// allocates or fetches.
    #[inline]
    pub fn with_fresh<R>(&self, read: impl FnOnce(&Arc<Token>) -> R) -> Option<R> {
        let snapshot = self.shared.current.load();
        snapshot.token.as_ref().filter(|token| snapshot.is_ours() && token.is_fresh()).map(read)
    }

    /// A token for somebody who keeps it for a while, as another process does that has a cache of its own. As
    /// [`Provider::get_token_then`], but with another measure. Enough is left of a token if that is 15 minutes (a quarter of
    /// a life that is shorter than an hour) and 30 % of what it had when it came. If less is left and a request is under way,
    /// its answer is waited for, for the time-out of one request; unless the request before it failed. Then `done` gets what
    /// there is, down to `reauth_margin_ms` before the expiry (it shrinks with tokens of less than 20 minutes).
    ///
    /// Below that, and without a token, the error of an outage that is known comes at once, with the time of the next
    /// attempt; without an outage `done` waits for `timeout` at most.
    pub fn hand_on_then<F>(&self, timeout: Duration, done: F)
    where
        F: FnOnce(Result<Arc<Token>>) + Send + 'static,
    {
        if let Some(token) = self.with_fresh(Arc::clone) {
            return done(Ok(token));
        }
        let how = GetToken { timeout: Some(timeout), during_outage: DuringOutage::Report };
        match self.engine() {
            Ok(engine) => engine.get_then(Wish { hands_on: true, ..self.wish(how) }, Box::new(done)),
            Err(error) => done(Err(error)),
        }
    }

    /// The token in memory if it is valid, however little is left of it. Never blocks, never fetches.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Token>> {
        let engine_is_ours = self.engine().is_ok(); // wakes the refresher in a forked child
        let token = self.shared.current.load().token.clone();
        token.filter(|token| engine_is_ours && !token.left(Now::read()).is_zero())
    }

    /// The version of the token in memory, 0 while there is none. One load: cheap enough to compare before
    /// every command.
    #[must_use]
    #[inline]
    pub fn version(&self) -> u64 {
        self.shared.current.version()
    }

    /// Waits until `get_token` would answer from memory: for health checks at start-up. Blocks for `timeout`
    /// at most (`get_token_timeout_ms` if not given), and causes the first request if there was none.
    ///
    /// # Errors
    /// As [`Provider::get_token_with`].
    pub fn ready(&self, timeout: Option<Duration>) -> Result<()> {
        self.get_token_with(GetToken { timeout, during_outage: DuringOutage::Wait }).map(drop)
    }

    /// Asks for a new token soon, whatever is left of the current one, which stays in service meanwhile. Call
    /// it when a secret was replaced. Never blocks. Requests stay one at a time and spaced, ever more widely
    /// (to 10 minutes) as long as they bring nothing new; after a fatal answer this one comes at once.
    ///
    /// # Errors
    /// `CLOSED` after [`Provider::close`].
    pub fn refresh(&self) -> Result<()> {
        self.engine()?.tell(Input::Refresh);
        Ok(())
    }

    /// Says that a server refused the token of `version`, and with what message (`WRONGPASS …`), and explains
    /// it. If another token could help, one is asked for: once for each version, then ever more rarely. An
    /// older version than the current one is ignored, and so is a message that is no verdict on the token
    /// ([`RejectionReason::NotARefusal`](crate::RejectionReason)). Never blocks.
    ///
    /// # Errors
    /// `CLOSED` after [`Provider::close`].
    pub fn report_rejected(&self, version: u64, message: &str) -> Result<Rejection> {
        Ok(self.engine()?.rejected(version, message))
    }

    /// How long from now a connection on the token of `version` may wait before it authenticates again: until a newer
    /// token is due, if there is none, and then up to a random moment inside what `reauth_spread` allows, well before
    /// its token expires. Each call draws anew, so draw once for each connection: a listener's moment is one for all of its
    /// connections. Zero for a token that should be left at once, and after [`Provider::close`]. Takes a short lock.
    #[must_use]
    pub fn reauth_in(&self, version: u64) -> Duration {
        self.engine().map_or(Duration::ZERO, |engine| engine.reauth_in(version))
    }

    /// A snapshot of what the provider is doing. Takes a short lock; never blocks on I/O, never fetches.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = match self.engine() {
            Ok(engine) => engine.status(),
            Err(_) => Status::closed(),
        };
        status.name.clone_from(&self.shared.settings.name);
        status
    }

    /// This provider's metrics as text for Prometheus. See [`render_metrics`] for several.
    #[must_use]
    pub fn metrics(&self) -> String {
        render_metrics(vec![self.status()])
    }

    /// Calls `observer` with each event up to `level`, in their order, on a thread of the library's, with no
    /// lock held. With an observer that is too slow events are dropped and counted (`events_dropped`). The
    /// `Display` of an event is a line for a log. In a forked child the observation is dead.
    ///
    /// # Errors
    /// `CLOSED` after [`Provider::close`].
    pub fn observe<F>(&self, level: Level, observer: F) -> Result<Observation>
    where
        F: Fn(&ProviderEvent) + Send + Sync + 'static,
    {
        let engine = self.engine()?;
        let id = engine.observe(level, Arc::new(observer))?;
        Ok(Observation { id, engine: Arc::downgrade(&engine) })
    }

    /// Calls `callback` with each token that replaces another, on a thread of the library's, one call at a
    /// time, each listener at its own random moment early enough to re-authenticate. (The first token
    /// replaces none; whoever needs it asks for it.) Subscribe first and connect with `get_token` afterwards: a
    /// token that came in between would be missed the other way round.
    ///
    /// The callback may block (with 1,024 that block at a time, those behind them wait) and may call anything
    /// here; what it panics with is dropped. One that holds a clone of the provider keeps it open until it is
    /// gone.
    ///
    /// In a forked child the subscription is dead.
    ///
    /// # Errors
    /// `CLOSED` after [`Provider::close`].
    pub fn subscribe<F>(&self, callback: F) -> Result<Subscription>
    where
        F: Fn(&Arc<Token>) + Send + Sync + 'static,
    {
        self.listen(Arc::new(callback), false)
    }

    pub(crate) fn listen(&self, listener: ListenerCallback, awaits_first: bool) -> Result<Subscription> {
        let engine = self.engine()?;
        let id = engine.subscribe(listener, awaits_first)?;
        Ok(Subscription { id, engine: Arc::downgrade(&engine) })
    }

    /// TLS for connections to the server that the tokens are for: versions 1.2 and 1.3, trusting what token requests trust
    /// (the system's roots, Mozilla's and `ca_file`). Blocks while it reads those files. Make one for all connections, so
    /// that sessions resume. [`crate::describe_tls_error`] explains what it refuses.
    ///
    /// # Errors
    /// `INVALID_CONFIG` if `ca_file` cannot be read or holds no certificate.
    pub fn server_tls(&self) -> Result<rustls::ClientConfig> {
        crate::transport::resuming_config(&self.shared.settings, None)
    }

    /// Requests to Azure's other services, by this provider's proxies and certificate authorities.
    #[must_use]
    pub fn https(&self) -> Https {
        Https::new(self.shared.settings.clone())
    }

    /// What each identity of the default chain said when the provider last went through them: its name and that. Empty before
    /// the first request, after [`Provider::close`], and if one identity is configured and no chain. Asks nobody.
    #[must_use]
    pub fn asked_identities(&self) -> Vec<(&'static str, Asked)> {
        self.engine().map(|engine| engine.asked_identities()).unwrap_or_default()
    }

    /// Ends the background work and forgets the token. Waits for nothing; callers that wait get `CLOSED`.
    /// Further calls do nothing.
    pub fn close(&self) {
        self.shared.close();
    }

    #[cold]
    fn fetch(&self, how: GetToken) -> Result<Arc<Token>> {
        if self.shared.settings.identity.runs_callback_here() {
            return Err(Error::reentered());
        }
        self.engine()?.get(self.wish(how))
    }

    fn wish(&self, how: GetToken) -> Wish {
        let timeout = how.timeout.unwrap_or(self.shared.settings.get_token_timeout);
        Wish {
            deadline: entrakey_sys::clock::boot().saturating_add(timeout),
            during_outage: how.during_outage,
            hands_on: false,
        }
    }

    fn engine(&self) -> Result<Arc<Engine>> {
        let snapshot = self.shared.current.load_full();
        if self.shared.closed.load(Ordering::SeqCst) {
            return Err(Error::closed());
        }
        if snapshot.is_ours() {
            return snapshot.engine.clone().ok_or_else(Error::closed);
        }
        self.after_fork(snapshot)
    }

    /// The first call in a forked child: a new engine from the same settings and the parent's token. The
    /// old one is leaked, not dropped: its locks may be held by threads that do not exist here.
    #[cold]
    fn after_fork(&self, inherited: Arc<Snapshot>) -> Result<Arc<Engine>> {
        let source = identity::source(&self.shared.settings)?;
        let token = inherited.token.clone();
        let engine = Engine::new(&self.shared.settings, source, self.shared.current.clone(), token.clone());
        let fresh = Snapshot { token, engine: Some(engine.clone()), ..Snapshot::empty() };
        if !self.shared.current.replace(&inherited, fresh) {
            engine.close(); // another thread of the child was first, and the engine of this thread must not act
        }
        std::mem::forget(inherited);
        fence(Ordering::SeqCst);
        if self.shared.closed.load(Ordering::SeqCst) {
            self.shared.end(); // `close` came between and saw the parent's engine only
        }
        self.engine() // perhaps the engine of another thread of the child, which was first
    }
}

impl Shared {
    fn close(&self) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            fence(Ordering::SeqCst); // as in `after_fork`: one of the two sees what the other did
            self.end();
        }
    }

    fn end(&self) {
        let before = self.current.load_full();
        if !before.is_ours() {
            std::mem::forget(before); // the parent's engine is not ours to end
            return;
        }
        if let Some(engine) = &before.engine {
            engine.close();
        }
        self.current.store(Snapshot::empty());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("version", &self.version()).finish_non_exhaustive()
    }
}
