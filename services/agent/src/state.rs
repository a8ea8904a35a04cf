//! What an agent knows at a time: identities, clients, files. It is replaced as a whole.

use crate::access::{Client, Clients};
use crate::header_secret::is_strong;
use crate::identity::Identity;
use crate::plan::{ClientPlan, Plan, TokenFilePlan};
use entrakey_core::Error;
use entrakey_service::Log;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a plan cannot be followed.
#[derive(Debug)]
pub enum Unfit {
    /// It contradicts itself. The sentence says where.
    Plan(String),
    /// An identity cannot be made.
    Identity {
        /// Which.
        id: String,
        /// Why.
        error: Error,
    },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(what) => f.write_str(what),
            Self::Identity { id, error } => write!(f, "identity \"{id}\": {}", error.message()),
        }
    }
}

impl std::error::Error for Unfit {}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) identities: BTreeMap<String, Arc<Identity>>,
    pub(crate) clients: Clients,
    pub(crate) token_files: Vec<TokenFilePlan>,
}

impl State {
    /// What the plan says. An identity whose configuration says the same as before goes on, with its token.
    pub(crate) fn new(plan: &Plan, before: &Self, rate: u32, log: &Log) -> Result<Self, Unfit> {
        let mut identities = BTreeMap::new();
        for one in &plan.identities {
            check_id("the identity's id", &one.id)?;
            let unfit = |error| Unfit::Identity { id: one.id.clone(), error };
            let effective = one.config.effective().map_err(unfit)?;
            let kept = before.identities.get(&one.id);
            let kept = kept.filter(|kept| kept.effective == effective);
            let identity = match kept {
                Some(kept) => kept.clone(),
                None => Arc::new(Identity::new(one, log).map_err(unfit)?),
            };
            if identities.insert(one.id.clone(), identity).is_some() {
                return Err(Unfit::Plan(format!("two identities are called \"{}\": rename one", one.id)));
            }
        }
        if identities.is_empty() {
            return Err(Unfit::Plan("there is no identity".to_owned()));
        }
        let mut defaults = plan.identities.iter().filter(|one| one.is_default).map(|one| &one.id);
        if let (Some(one), Some(other)) = (defaults.next(), defaults.next()) {
            let what = format!(
                "several identities are the default one, \"{one}\" and \"{other}\": one of them may be"
            );
            return Err(Unfit::Plan(what));
        }
        plan.clients.iter().try_for_each(|client| check_client(client, &identities))?;
        check_clients(&plan.clients)?;
        check_files(&plan.token_files, &identities)?;
        let clients = plan.clients.iter().map(|client| {
            // What was counted goes on.
            let before = before.clients.0.iter().find(|known| known.name == client.name);
            let mut fresh = Client::new(client, rate);
            before.into_iter().for_each(|known| fresh.go_on_from(known));
            Arc::new(fresh)
        });
        let clients = Clients(clients.collect());
        // Nothing is refused any more: what goes on may follow.
        for one in &plan.identities {
            identities.get(&one.id).into_iter().for_each(|identity| identity.follow(one));
        }
        Ok(Self { identities, clients, token_files: plan.token_files.clone() })
    }
}

/// It is a part of a path, of a log's line and of a metric's label.
fn check_id(whose: &str, id: &str) -> Result<(), Unfit> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    match !id.is_empty() && id.len() <= 100 && id.chars().all(is_plain) {
        true => Ok(()),
        false => {
            let shown: String = id.chars().take(40).collect();
            Err(Unfit::Plan(format!(
                "{whose} {shown:?} must have letters of English, digits, \"-\", \"_\" and \".\" only, 100 at most"
            )))
        }
    }
}

fn check_client(client: &ClientPlan, identities: &BTreeMap<String, Arc<Identity>>) -> Result<(), Unfit> {
    let refuse = |what: String| Err(Unfit::Plan(format!("client \"{}\": {what}", client.name)));
    if let Some(unknown) = client.identities.iter().flatten().find(|id| !identities.contains_key(*id)) {
        let known: Vec<_> = identities.keys().map(|id| format!("\"{id}\"")).collect();
        return refuse(format!("there is no identity \"{unknown}\": there are {}", known.join(", ")));
    }
    if client.identities.as_ref().is_some_and(Vec::is_empty) {
        return refuse("its list of identities is empty: it could have nothing".to_owned());
    }
    if client.secret.as_ref().is_some_and(|secret| !is_strong(secret)) {
        return refuse(
            "its secret can be guessed: 43 random letters and digits or more are needed".to_owned(),
        );
    }
    Ok(())
}

fn check_clients(clients: &[ClientPlan]) -> Result<(), Unfit> {
    let mut names = BTreeSet::new();
    for client in clients {
        check_id("the client's name", &client.name)?;
        if !names.insert(&client.name) {
            return Err(Unfit::Plan(format!("two clients are called \"{}\": rename one", client.name)));
        }
    }
    let mut secrets = BTreeSet::new();
    match clients
        .iter()
        .filter_map(|client| client.secret.as_ref())
        .all(|secret| secrets.insert(secret.as_str()))
    {
        true => Ok(()),
        false => Err(Unfit::Plan("two clients have the same secret: give each its own".to_owned())),
    }
}

/// A file by the one name of its directory: by two names two would write it in turn.
fn place(path: &Path) -> PathBuf {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    path.file_name().map_or_else(|| path.to_owned(), |name| directory.join(name))
}

fn check_files(files: &[TokenFilePlan], identities: &BTreeMap<String, Arc<Identity>>) -> Result<(), Unfit> {
    let mut paths = BTreeSet::new();
    for file in files {
        let path = file.path.display();
        if !identities.contains_key(&file.identity) {
            return Err(Unfit::Plan(format!(
                "token file {path}: there is no identity \"{}\"",
                file.identity
            )));
        }
        if file.mode & !0o640 != 0 || file.mode & 0o400 == 0 {
            return Err(Unfit::Plan(format!(
                "token file {path}: its mode may be 0600, or 0640 for its group, and not {:04o}",
                file.mode
            )));
        }
        if !paths.insert(place(&file.path)) {
            return Err(Unfit::Plan(format!("token file {path} is there twice")));
        }
    }
    Ok(())
}
