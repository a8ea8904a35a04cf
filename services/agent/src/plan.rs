//! What an agent is to do.

use entrakey_core::Config;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// All of it. It has no `Debug`: some of it is secret.
#[derive(Clone, Default)]
pub struct Plan {
    /// Whose tokens there are.
    pub identities: Vec<IdentityPlan>,
    /// Who may have them.
    pub clients: Vec<ClientPlan>,
    /// Files that hold one.
    pub token_files: Vec<TokenFilePlan>,
}

/// One identity.
#[derive(Clone)]
pub struct IdentityPlan {
    /// What it is asked for by: a secret store's id of it.
    pub id: String,
    /// Whether it is meant when nobody says which.
    pub is_default: bool,
    /// Its configuration.
    pub config: Config,
}

/// One service, or some users, and what they may have.
#[derive(Clone, Default)]
pub struct ClientPlan {
    /// For the log, metrics and `entrakey agent env NAME`.
    pub name: String,
    /// What it shows in `X-IDENTITY-HEADER`. Without one it cannot use App Service's endpoint.
    pub secret: Option<Zeroizing<String>>,
    /// Nobody is it whom another client names.
    pub is_anybody_else: bool,
    /// Users that are it on the Unix socket.
    pub uids: Vec<u32>,
    /// And groups: that of a process, and its supplementary ones.
    pub gids: Vec<u32>,
    /// The identities that it may have, the one that is meant when it does not say which first. None: all.
    pub identities: Option<Vec<String>>,
    /// What it may have tokens for: `https://redis.azure.com`. Empty: what each identity's scope is for.
    pub resources: Vec<String>,
}

/// A file that holds a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFilePlan {
    /// Whose.
    pub identity: String,
    /// Where.
    pub path: PathBuf,
    /// What is in it.
    pub format: FileFormat,
    /// Who may read it: 0600, or 0640.
    pub mode: u32,
    /// The group that it belongs to, if not this process's.
    pub group: Option<u32>,
}

/// What is in a token's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// The token, without a line's end.
    Token,
    /// An object: what `GET /v1/secrets/{id}` answers.
    Json,
}
