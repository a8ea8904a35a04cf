//! The agent: what it knows, and whether somebody gets a token.

use crate::access::Client;
use crate::answer::retry_after;
use crate::counts::{Counts, Refusal};
use crate::identity::{Identity, NoSupply, bare};
use crate::peer::{Caller, Holder};
use crate::plan::Plan;
use crate::state::{State, Unfit};
use crate::supply::{HandOut, Supply};
use crate::token_file::TokenFiles;
use crate::{app_service, audit, metrics};
use arc_swap::ArcSwap;
use entrakey_core::Error;
use entrakey_service::{Connections, Health, Life, Log, Places, Repeats, Shares, Workers};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// What clients may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time: half of them by the Unix socket, and half by loopback.
    pub connections: usize,
    /// Of each user on the Unix socket (of its places half at most), and of each client on loopback.
    pub connections_of_each: usize,
    /// Requests a second of each client, 0 for any number.
    pub requests_per_second: u32,
    /// How long a request waits for a token when there is none.
    pub wait: Duration,
}

/// What the process has that it serves in.
#[derive(Clone)]
pub struct Process {
    /// Threads that carry clients.
    pub workers: Workers,
    /// Open connections are counted here, for the end of the process.
    pub connections: Connections,
    /// Its stages.
    pub life: Life,
    /// What it says.
    pub log: Log,
}

/// It serves until its life ends.
pub struct Agent {
    state: ArcSwap<State>,
    files: Mutex<TokenFiles>,
    pub(crate) limits: Limits,
    /// Of the Unix socket. Whoever fills the others cannot keep its users out.
    pub(crate) unix_places: Places,
    pub(crate) tcp_places: Places,
    /// Of the clients on loopback.
    pub(crate) shares: Shares<Holder>,
    /// Of the users of the Unix socket.
    pub(crate) users: Shares<Holder>,
    pub(crate) counts: Counts,
    pub(crate) connections: Connections,
    pub(crate) life: Life,
    pub(crate) log: Log,
    pub(crate) workers: Workers,
    misuses: Repeats,
    /// Where App Service's endpoint is, once it is.
    app_service: Mutex<Option<SocketAddr>>,
}

/// What somebody wants.
pub(crate) enum Question {
    /// An identity's own tokens, by its id; the default one's if not given.
    ById(Option<String>),
    /// As App Service's clients ask.
    ByAzure {
        resource: String,
        /// The parameter that says which, the key that it stands for, and the value.
        identity: Option<(&'static str, &'static str, String)>,
    },
}

impl Question {
    /// What says which identity: the name that it was given under, what that stands for, and the value.
    pub(crate) fn identity(&self) -> Option<(&'static str, &'static str, &str)> {
        match self {
            Self::ById(id) => id.as_deref().map(|id| (ID, ID, id)),
            Self::ByAzure { identity, .. } => {
                identity.as_ref().map(|(name, key, value)| (*name, *key, value.as_str()))
            }
        }
    }
}

/// What an identity is called here.
pub(crate) const ID: &str = "id";

/// Why somebody gets nothing.
pub(crate) enum Denied {
    /// It may not have it, or there is no such thing.
    Refused(String),
    TooOften(Duration),
    /// What the files say of the identity is not what was accepted.
    Unsettled,
    /// There is no token that could be handed on.
    Unavailable {
        error: Error,
        /// None: asking again does not help before somebody has mended something.
        wait: Option<Duration>,
    },
}

impl Agent {
    /// Must be made in a runtime, in which token files are kept. No request is made yet.
    ///
    /// # Errors
    /// The plan contradicts itself, or an identity cannot be made.
    pub fn new(plan: &Plan, limits: Limits, process: Process) -> Result<Arc<Self>, Unfit> {
        let Process { workers, connections, life, log } = process;
        let agent = Self {
            state: ArcSwap::default(),
            files: Mutex::default(),
            limits,
            unix_places: Places::at_most(limits.connections.div_ceil(2)),
            tcp_places: Places::at_most((limits.connections / 2).max(1)),
            shares: Shares::at_most(limits.connections_of_each),
            // However few places there are, one user cannot keep the others out, root and the agent's own among them.
            users: Shares::at_most(limits.connections_of_each.min((limits.connections / 4).max(1))),
            counts: Counts::default(),
            connections,
            life,
            log,
            workers,
            misuses: Repeats::default(),
            app_service: Mutex::default(),
        };
        let agent = Arc::new(agent);
        agent.follow(plan)?;
        Ok(agent)
    }

    /// Follows another plan from now on. Requests that are under way end by the old one.
    ///
    /// # Errors
    /// As [`Agent::new`]; the old one then holds.
    pub fn reload(self: &Arc<Self>, plan: &Plan) -> Result<(), Unfit> {
        self.follow(plan)
    }

    /// Counts that files were read again, and whether they were any good.
    pub fn count_reload(&self, is_good: bool) {
        let count = if is_good { &self.counts.reloaded } else { &self.counts.reload_failed };
        count.fetch_add(1, Relaxed);
    }

    fn follow(self: &Arc<Self>, plan: &Plan) -> Result<(), Unfit> {
        let before = self.state.load_full();
        let state = State::new(plan, &before, self.limits.requests_per_second, &self.log)?;
        let state = Arc::new(state);
        self.state.store(state.clone());
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.follow(&state.token_files, &state.identities, self);
        Ok(())
    }

    /// Asks for the first token of each identity, and waits until each has one or has failed. What goes wrong is in the log.
    pub async fn fetch(&self) {
        self.first_tokens(self.identities()).await;
    }

    /// Why some of these have none.
    async fn first_tokens(&self, of: Vec<Arc<Identity>>) -> Vec<Error> {
        let mut all = JoinSet::new();
        for identity in of {
            let wait = self.limits.wait;
            all.spawn(async move { identity.own.hand_out(&identity.id, wait).await.err() });
        }
        all.join_all().await.into_iter().flatten().collect()
    }

    /// Whether any client may use App Service's endpoint.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.state.load().clients.has_secrets()
    }

    pub(crate) fn listens_on(&self, address: SocketAddr) {
        *self.app_service.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    pub(crate) fn by_secret(&self, shown: &str) -> Option<Arc<Client>> {
        self.state.load().clients.by_secret(shown).cloned()
    }

    pub(crate) fn of_user(&self, uid: u32, gids: &[u32]) -> Vec<Arc<Client>> {
        self.state.load().clients.of_user(uid, gids)
    }

    /// The identities that these clients may have.
    pub(crate) fn listed(&self, clients: &[Arc<Client>]) -> Vec<Arc<Identity>> {
        let state = self.state.load();
        let may = |identity: &&Arc<Identity>| {
            clients.iter().any(|client| client.may_have(identity) && client.may_have_own(identity))
        };
        state.identities.values().filter(may).cloned().collect()
    }

    /// Hands out a token, and says so in the log.
    pub(crate) async fn answer(
        &self,
        question: &Question,
        clients: &[Arc<Client>],
        caller: &Caller<'_>,
    ) -> Result<HandOut, Denied> {
        let state = self.state.load_full();
        let (client, identity) = self.find(&state.identities, question, clients, caller).await?;
        let supply = self.supply(question, &client, &identity, caller)?;
        // Who waits for a first token has none that it could ask for again at once.
        let ages =
            supply.provider.with_usable(|_| ()).is_some() && supply.provider.with_fresh(|_| ()).is_none();
        if let Err(wait) = client.rate.take(caller.uid(), !ages) {
            self.refuse(Refusal::Rate, caller, "too many requests");
            return Err(Denied::TooOften(wait));
        }
        match supply.hand_out(&identity.id, self.limits.wait).await {
            Ok(hand_out) => {
                client.handed_out.fetch_add(1, Relaxed);
                supply.handed_out.fetch_add(1, Relaxed);
                audit::handed_out(&self.log, &client, caller, &identity, &supply, &hand_out);
                Ok(hand_out)
            }
            Err(error) => {
                client.unavailable.fetch_add(1, Relaxed);
                let wait = retry_after(&error);
                Err(Denied::Unavailable { error, wait })
            }
        }
    }

    async fn find(
        &self,
        identities: &BTreeMap<String, Arc<Identity>>,
        question: &Question,
        clients: &[Arc<Client>],
        caller: &Caller<'_>,
    ) -> Result<(Arc<Client>, Arc<Identity>), Denied> {
        if let Some(found) = found(identities, question, clients) {
            return Ok(found);
        }
        // One whose ids only its token tells may be the one.
        let may_be = |identity: &&Arc<Identity>| {
            identity.may_be_meant(question) && clients.iter().any(|client| client.may_have(identity))
        };
        let nameless: Vec<_> = identities.values().filter(may_be).cloned().collect();
        let errors = self.first_tokens(nameless).await;
        if let Some(found) = found(identities, question, clients) {
            return Ok(found);
        }
        if let Some(error) = errors.into_iter().find(Error::is_retriable) {
            return Err(Denied::Unavailable { wait: retry_after(&error), error });
        }
        let what = match question.identity() {
            None => "There are several identities: say which one.".to_owned(),
            Some((name, ..)) => format!("No identity with this {name} is there for this client."),
        };
        self.refuse(Refusal::Identity, caller, &what);
        Err(Denied::Refused(what))
    }

    fn supply(
        &self,
        question: &Question,
        client: &Client,
        identity: &Identity,
        caller: &Caller<'_>,
    ) -> Result<Arc<Supply>, Denied> {
        let asked = match question {
            Question::ByAzure { resource, .. } => Some(bare(resource)),
            Question::ById(_) => None,
        };
        if !may_have(client, identity, question) {
            let what = "This client may not have tokens for this resource: the agent's file lists those that it may.";
            self.refuse(Refusal::Resource, caller, what);
            return Err(Denied::Refused(what.to_owned()));
        }
        match asked {
            Some(resource) => {
                let supply = identity.supply(resource);
                supply.map_err(|why| match why {
                    NoSupply::IsAnother => Denied::Unsettled,
                    NoSupply::Unfit(error) => Denied::Unavailable { error, wait: None },
                })
            }
            None => Ok(identity.own.clone()),
        }
    }

    /// Counts somebody who got nothing, and says so.
    pub(crate) fn refuse(&self, why: Refusal, caller: &Caller<'_>, what: &str) {
        self.counts.refuse(why);
        audit::refused(&self.log, &self.misuses, why, caller, &what);
    }

    /// How the agent is, as far as it is these clients' affair, without secrets.
    pub(crate) fn status(&self, of: &[Arc<Client>]) -> Value {
        let state = self.state.load();
        let may = |identity: &Identity, resource: &str| {
            of.iter().any(|client| client.may_have(identity) && client.may_have_for(identity, resource))
        };
        let identities = state.identities.values().filter_map(|identity| {
            let supplies: Vec<_> = identity.supplies();
            let tokens =
                supplies.iter().filter(|supply| may(identity, &supply.resource)).map(|one| one.status());
            let tokens: Vec<_> = tokens.collect();
            let status = json!({"id": identity.id, "default": identity.is_default(), "tokens": tokens});
            (!tokens.is_empty()).then_some(status)
        });
        let identities: Vec<_> = identities.collect();
        let sees_all = of.iter().any(|client| client.is_anybody_else);
        let clients =
            state.clients.0.iter().filter(|one| sees_all || of.iter().any(|known| known.name == one.name));
        let clients = clients.map(|client| {
            json!({
                "name": client.name, "handed_out": client.handed_out.load(Relaxed),
                "unavailable": client.unavailable.load(Relaxed),
            })
        });
        let clients: Vec<_> = clients.collect();
        let may_by_id =
            |id: &str| state.identities.get(id).is_some_and(|identity| may(identity, &identity.own.resource));
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner).status(may_by_id);
        let address = *self.app_service.lock().unwrap_or_else(PoisonError::into_inner);
        json!({
            "app_service": address.map(|address| format!("http://{address}{}", app_service::PATH)),
            "identities": identities,
            "clients": clients,
            "token_files": files,
        })
    }

    pub(crate) fn identities(&self) -> Vec<Arc<Identity>> {
        self.state.load().identities.values().cloned().collect()
    }

    pub(crate) fn clients(&self) -> Vec<Arc<Client>> {
        self.state.load().clients.0.clone()
    }
}

/// Who is asked for. Of several clients that somebody is, the first that may have what is asked; if none may, the first that
/// has such an identity, of which that is said.
fn found(
    identities: &BTreeMap<String, Arc<Identity>>,
    question: &Question,
    clients: &[Arc<Client>],
) -> Option<(Arc<Client>, Arc<Identity>)> {
    let of_client = |client: &Arc<Client>| {
        let meant = match question.identity() {
            None => client.default_identity(identities),
            Some((_, key, value)) => {
                let is_it = |one: &&Arc<Identity>| one.is_called(key, value) && client.may_have(one);
                identities.values().find(is_it).cloned()
            }
        };
        meant.filter(|identity| client.may_have(identity)).map(|identity| (client.clone(), identity))
    };
    let mut found: Vec<_> = clients.iter().filter_map(of_client).collect();
    let at = found.iter().position(|(client, identity)| may_have(client, identity, question));
    (!found.is_empty()).then(|| found.swap_remove(at.unwrap_or_default()))
}

/// Whether that client may have that identity's tokens for what is asked.
fn may_have(client: &Client, identity: &Identity, question: &Question) -> bool {
    match question {
        Question::ById(_) => client.may_have_own(identity),
        Question::ByAzure { resource, .. } => client.may_have_for(identity, bare(resource)),
    }
}

impl Health for Agent {
    fn readiness(&self) -> Result<(), String> {
        let identities = self.identities();
        let without = identities.iter().find(|one| one.own.provider.with_usable(|_| ()).is_none());
        let Some(identity) = without else { return Ok(()) };
        let error = identity.own.provider.status().last_error;
        let last = error.map(|error| format!(" ({}, see the log)", error.kind)).unwrap_or_default();
        Err(format!("no usable token of {}{last}", identity.id))
    }

    fn metrics(&self) -> (String, &'static str) {
        metrics::render(self)
    }
}
