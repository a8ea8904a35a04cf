//! What leases there can be: the entries of the configuration, read once and checked for what can be known without Azure.

use crate::access::{Client, EVERY_SECRET, Grant, Role};
use crate::lease::{Kind, Waits};
use crate::ttl::parse_ttl;
use crate::ttl::take_time;
use entrakey_core::{Config, ServiceValue};
use entrakey_service::{Table, take_list, take_number, take_table, take_text, used_up};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// All of it. It has no `Debug`: some of it is secret.
#[derive(Clone)]
pub struct Plan {
    /// Whose leases these are: it is a part of what they are called at Azure.
    pub installation: String,
    /// Whether the file says so: a name that nobody chose is that of other services too.
    pub is_named: bool,
    /// What there can be leases of, by name.
    pub secrets: BTreeMap<String, SecretPlan>,
    /// Who may come by the Unix socket.
    pub clients: Vec<Client>,
    /// How long things may take.
    pub waits: Waits,
    /// How long a new secret may take until Entra takes it.
    pub propagation: Duration,
    /// How long leases that are over are kept, and rows of the audit trail; without an end if it is none.
    pub keep: Option<Duration>,
}

/// One of what there can be leases of.
#[derive(Clone)]
pub struct SecretPlan {
    /// What it is called.
    pub name: String,
    /// What its leases begin with.
    pub prefix: String,
    /// How long one lives if nobody says.
    pub default_ttl: Duration,
    /// How long one lives at most, with all renewals.
    pub max_ttl: Duration,
    /// How many there may be at a time.
    pub most_leases: u32,
    /// By whose permission.
    pub identity: Config,
    /// The tenant, if it is known.
    pub tenant_id: Option<String>,
    /// What is handed out.
    pub what: What,
}

/// What a lease hands out, and of whom.
#[derive(Clone, Debug)]
pub enum What {
    /// A client secret of an application's.
    ApplicationPassword {
        /// The application's client id.
        application_id: String,
        /// What a new secret is tried with.
        scope: String,
    },
    /// An assignment on a cache.
    RedisAccess {
        /// The cache's resource id.
        cache: String,
        /// Object ids that may be given access.
        users: Vec<String>,
        /// The access policy.
        policy: String,
        /// The permissions, on Azure Managed Redis.
        access_string: Option<String>,
        /// The version of the API, if another one is wanted.
        api_version: Option<String>,
    },
    /// Another password for a user.
    UserPassword {
        /// Object ids or principal names.
        users: Vec<String>,
    },
}

impl SecretPlan {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.what {
            What::ApplicationPassword { .. } => Kind::ApplicationPassword,
            What::RedisAccess { .. } => Kind::RedisAccess,
            What::UserPassword { .. } => Kind::UserPassword,
        }
    }

    /// For whom there may be leases; empty where nobody has to be chosen.
    #[must_use]
    pub fn users(&self) -> &[String] {
        match &self.what {
            What::ApplicationPassword { .. } => &[],
            What::RedisAccess { users, .. } | What::UserPassword { users } => users,
        }
    }
}

/// Of tables of the file.
const SETTINGS: &str = "docs/leases.md lists them";
const DEFAULT_INSTALLATION: &str = "default";
const DEFAULT_TTL: Duration = Duration::from_secs(3600);
const MAX_TTL: Duration = Duration::from_secs(24 * 3600);
/// Graph has refused more than about 600 keys of one application.
const MOST_LEASES: u32 = 100;
/// New secrets were seen to take up to 18 s; Vault waits for 80.
const PROPAGATION: Duration = Duration::from_secs(80);
const LEAST_KEPT: Duration = Duration::from_secs(24 * 3600);
const REDIS_SCOPE: &str = "https://redis.azure.com/.default";

/// Names of installations and secrets are parts of paths, of names at Azure and of a log's lines.
fn check_name(what: &str, name: &str, most: usize) -> Result<(), String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    match !name.is_empty() && name.len() <= most && name.chars().all(is_plain) {
        true => Ok(()),
        false => Err(format!(
            "{what} must have letters of English, digits, \"-\", \"_\" and \".\" only, {most} at most"
        )),
    }
}

impl Plan {
    /// From a table of the configuration file: `installation`, `secrets`, `clients`, `keep`, `intent-wait`,
    /// `not-found-wait`, `propagation-wait`. They are gone from the table then. `common` are keys that hold for every identity.
    ///
    /// # Errors
    /// A sentence without a full stop: what is wrong, and where.
    pub fn take(table: &mut Table, common: &Config) -> Result<Self, String> {
        let installation = take_text(table, "installation")?;
        let is_named = installation.is_some();
        let installation =
            installation.map_or_else(|| DEFAULT_INSTALLATION.to_owned(), |text| text.to_string());
        check_name("installation", &installation, 40)?;
        let default = Waits::default();
        let ms = |given: Option<Duration>, default_ms: i64| {
            given.map_or(default_ms, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
        };
        let waits = Waits {
            intent_ms: ms(take_time(table, "intent-wait")?, default.intent_ms),
            between_misses_ms: ms(take_time(table, "not-found-wait")?, default.between_misses_ms),
        };
        let propagation = take_time(table, "propagation-wait")?.unwrap_or(PROPAGATION);
        let keep = keep(table)?;
        let mut secrets = BTreeMap::new();
        for (name, entry) in take_table(table, "secrets")? {
            let ServiceValue::Table(mut entry) = entry else {
                return Err(format!("secrets.{name} must be a table"));
            };
            let plan = secret(&name, &mut entry, common).map_err(|what| format!("secrets.{name}: {what}"))?;
            secrets.insert(name, plan);
        }
        if secrets.is_empty() {
            return Err("there is nothing to make leases of: put a table [secrets.NAME] into it".to_owned());
        }
        let clients = clients(table, &secrets)?;
        Ok(Self { installation, is_named, secrets, clients, waits, propagation, keep })
    }
}

/// How long what is over is kept.
fn keep(table: &mut Table) -> Result<Option<Duration>, String> {
    let keep = take_time(table, "keep")?;
    match keep.is_some_and(|keep| keep < LEAST_KEPT) {
        true => Err("keep is less than a day: somebody will want to know what was done".to_owned()),
        false => Ok(keep),
    }
}

fn secret(name: &str, entry: &mut Table, common: &Config) -> Result<SecretPlan, String> {
    check_name("its name", name, 60)?;
    let kind = take_text(entry, "kind")?.ok_or(
        "its kind is missing: kind = \"application_password\", \"redis_access\" or \"user_password\"",
    )?;
    let prefix = take_text(entry, "prefix")?.map_or_else(|| format!("{name}-"), |text| text.to_string());
    if !prefix.is_empty() {
        check_name("prefix", &prefix, 40)?;
    }
    let max_ttl = take_time(entry, "max-ttl")?;
    let default_ttl = take_time(entry, "default-ttl")?;
    let max_ttl = max_ttl.unwrap_or_else(|| default_ttl.unwrap_or_default().max(MAX_TTL));
    let default_ttl = default_ttl.unwrap_or(DEFAULT_TTL.min(max_ttl));
    if default_ttl > max_ttl {
        return Err("default-ttl is longer than max-ttl".to_owned());
    }
    let most_leases = take_number(entry, "max-leases")?.unwrap_or(MOST_LEASES);
    if most_leases == 0 {
        return Err("max-leases is 0: there could be none".to_owned());
    }
    let (identity, tenant_id) = identity(entry, common)?;
    let what = what(&kind, entry)?;
    used_up(entry, SETTINGS)?;
    if tenant_id.is_none() && matches!(what, What::ApplicationPassword { .. }) {
        return Err(
            "tenant-id is missing: whoever gets a secret has to know where to sign in with it".to_owned()
        );
    }
    Ok(SecretPlan {
        name: name.to_owned(),
        prefix,
        default_ttl,
        max_ttl,
        most_leases,
        identity,
        tenant_id,
        what,
    })
}

fn what(kind: &str, entry: &mut Table) -> Result<What, String> {
    let users = |entry: &mut Table, of: &str| -> Result<Vec<String>, String> {
        let users = take_list(entry, "users")?.unwrap_or_default();
        let mut seen = BTreeSet::new();
        match users.iter().find(|user| !is_path_part(user) || !seen.insert(user.to_lowercase())) {
            Some(user) => Err(format!("users: {user:?} is there twice, or is none")),
            None if users.is_empty() => Err(format!("users is missing: {of}")),
            None => Ok(users),
        }
    };
    match kind {
        "application_password" => {
            let id = take_text(entry, "application-id")?;
            let id =
                id.ok_or("application-id is missing: the client id of the application that gets secrets")?;
            if !is_path_part(&id) {
                return Err("application-id is no client id".to_owned());
            }
            let scope = take_text(entry, "scope")?;
            let scope = scope.map_or_else(|| REDIS_SCOPE.to_owned(), |scope| scope.to_string());
            Ok(What::ApplicationPassword { application_id: id.to_string(), scope })
        }
        "redis_access" => {
            let cache = take_text(entry, "cache")?;
            let cache = cache.ok_or("cache is missing: the resource id of the cache")?;
            crate::azure::Cache::of_id(&cache)?;
            let policy = take_text(entry, "access-policy")?;
            let access_string = take_text(entry, "access-string")?.map(|text| text.to_string());
            let api_version = take_text(entry, "api-version")?.map(|text| text.to_string());
            let is_managed = crate::azure::Cache::of_id(&cache)?.is_managed;
            if access_string.is_some() && !is_managed {
                let what = "access-string is for Azure Managed Redis: Azure Cache for Redis has access policies of its own";
                return Err(what.to_owned());
            }
            let users = users(entry, "the object ids that may be given access")?;
            if let Some(user) = users.iter().find(|user| !is_object_id(user)) {
                return Err(format!(
                    "users: {user:?} is no object id, and a cache knows users by nothing else: az ad user show --id {user} \
                     --query id says it"
                ));
            }
            let default_policy = if is_managed { "default" } else { "Data Reader" };
            Ok(What::RedisAccess {
                cache: cache.to_string(),
                users,
                policy: policy.map_or_else(|| default_policy.to_owned(), |text| text.to_string()),
                access_string,
                api_version,
            })
        }
        "user_password" => {
            Ok(What::UserPassword { users: users(entry, "the users whose passwords may be handed out")? })
        }
        other => {
            let shown: String = other.chars().take(40).collect();
            Err(format!("kind: {shown:?} is none; application_password, redis_access and user_password are"))
        }
    }
}

/// As Entra writes them: `00000000-0000-0000-0000-000000000000`.
fn is_object_id(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

/// Ids go into the paths of requests.
pub(crate) fn is_path_part(text: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.@".contains(letter);
    !text.is_empty() && text.len() <= 113 && text.chars().all(is_plain) && !text.starts_with('.')
}

/// Whose permission, and the tenant.
fn identity(entry: &mut Table, common: &Config) -> Result<(Config, Option<String>), String> {
    let mut config = common.clone();
    let set = |config: &mut Config, key: &str, value: &str| {
        config.set(key, value).map_err(|error| error.message().trim_end_matches('.').to_owned())
    };
    if let Some(tenant) = take_text(entry, "tenant-id")? {
        set(&mut config, "tenant_id", &tenant)?;
    }
    let (client, secret) = (take_text(entry, "client-id")?, take_text(entry, "client-secret")?);
    if secret.is_some() {
        set(&mut config, "identity", "service_principal")?;
    }
    for (key, value) in [("client_id", client), ("client_secret", secret)] {
        if let Some(value) = value {
            set(&mut config, key, &value)?;
        }
    }
    for (key, value) in take_table(entry, "identity")? {
        let ServiceValue::Text(text) = value else { return Err(format!("identity.{key} must be a text")) };
        set(&mut config, &key.replace('-', "_"), &text)?;
    }
    let effective = config.effective().map_err(|error| error.message().trim_end_matches('.').to_owned())?;
    let tenant = effective.get("tenant_id").map(str::to_owned);
    Ok((config, tenant))
}

fn clients(table: &mut Table, secrets: &BTreeMap<String, SecretPlan>) -> Result<Vec<Client>, String> {
    let mut clients = Vec::new();
    let listed = match table.remove("clients") {
        None => Vec::new(),
        Some(ServiceValue::List(items)) => items,
        Some(_) => return Err("clients must be a list of tables".to_owned()),
    };
    for one in listed {
        let ServiceValue::Table(mut one) = one else {
            return Err("clients must be a list of tables".to_owned());
        };
        let name = take_text(&mut one, "name")?.ok_or("clients: one has no name")?;
        let at = |what: String| format!("clients: {}: {what}", name.as_str());
        check_name("its name", &name, 60).map_err(at)?;
        let numbers = |one: &mut Table, key: &str| -> Result<Vec<u32>, String> {
            let listed = take_list(one, key)?.unwrap_or_default();
            let numbers =
                listed.iter().map(|text| text.parse().map_err(|_| format!("{key} must be numbers")));
            numbers.collect()
        };
        let (uids, gids) = (numbers(&mut one, "uids").map_err(at)?, numbers(&mut one, "gids").map_err(at)?);
        let names = take_list(&mut one, "secrets").map_err(at)?.unwrap_or_default();
        let roles = take_list(&mut one, "roles").map_err(at)?.unwrap_or_default();
        used_up(&one, SETTINGS).map_err(at)?;
        let grant = grant(&names, &roles).map_err(at)?;
        let unknown = names.iter().find(|name| *name != EVERY_SECRET && !secrets.contains_key(*name));
        if let Some(unknown) = unknown {
            return Err(at(format!("there is no secret \"{unknown}\"")));
        }
        if clients.iter().any(|known: &Client| known.name == name.as_str()) {
            return Err(at("two clients are called so".to_owned()));
        }
        clients.push(Client { name: name.to_string(), uids, gids, grant });
    }
    Ok(clients)
}

/// What those words allow.
///
/// # Errors
/// One is no role, or one of the lists is empty.
pub fn grant(secrets: &[String], roles: &[String]) -> Result<Grant, String> {
    if secrets.is_empty() {
        return Err("secrets is missing: the names of those that it may use, or \"*\"".to_owned());
    }
    let roles: BTreeSet<Role> = roles
        .iter()
        .map(|word| word.parse())
        .collect::<Result<_, _>>()
        .map_err(|what: String| what.trim_end_matches('.').to_owned())?;
    match roles.is_empty() {
        true => Err("roles is missing: some of issue, renew-own, revoke, list, see-users".to_owned()),
        false => Ok(Grant { secrets: secrets.iter().cloned().collect(), roles }),
    }
}

/// The lifetime that somebody asks for, within what the entry allows.
///
/// # Errors
/// The code and the sentence of the refusal.
pub(crate) fn lifetime(secret: &SecretPlan, ttl: Option<&str>) -> Result<Duration, (&'static str, String)> {
    let Some(text) = ttl else { return Ok(secret.default_ttl) };
    let ttl = parse_ttl(text).map_err(|what| ("ttl_invalid", what))?;
    if ttl > secret.max_ttl {
        let most = humantime::format_duration(secret.max_ttl);
        return Err(("ttl_exceeds_max", format!("A lease of \"{}\" lives for {most} at most.", secret.name)));
    }
    Ok(ttl)
}

#[cfg(test)]
mod tests;
