//! The orders of `entrakey leases` that look or tidy up, and end.

use super::arguments::{
    CheckArguments, ListOutput, PlaceArguments, ReapArguments, TokenCreateArguments, TokenListArguments,
    TokenOrder, TokenRevokeArguments, UsersArguments,
};
use super::file::{File, place};
use super::open::{self, Parts, block_on, problem, silent};
use crate::exit_code::{NETWORK, OK, PROBLEM};
use crate::failure::Failure;
use crate::terminal::{BAD, FAINT, GOOD, painted, print, say, visible};
use entrakey_leases::{Grant, NewToken, Place, create_token, grant, list_tokens, remove_token, users};
use serde_json::json;
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

pub(super) fn check(given: &CheckArguments) -> Result<u8, Failure> {
    let file = File::read(&given.place)?;
    let azure = file.azure(&given.azure)?;
    block_on(async {
        // What Azure knows has nothing to do with the leases that there are.
        let store = open::empty_store().await?;
        let parts = Parts { file: &file, keys: &given.identity.keys, azure: &azure, log: silent()? };
        let mut is_good = true;
        let mut text = String::new();
        for (name, verdict) in open::manager(parts, store)?.check().await {
            let line = match verdict {
                Ok(()) => painted(GOOD, "Azure knows it"),
                Err(what) => {
                    is_good = false;
                    format!("{} {what}", painted(BAD, "wrong:"))
                }
            };
            let _ = writeln!(text, "{name}: {line}"); // to a string
        }
        print(text)?;
        Ok(if is_good { OK } else { PROBLEM })
    })
}

pub(super) fn reap(given: &ReapArguments) -> Result<u8, Failure> {
    let file = File::read(&given.place)?;
    let azure = file.azure(&given.azure)?;
    may_reap(given, &file)?;
    block_on(async {
        let store = open::store(&given.place, Some(&file), false).await?;
        let parts = Parts { file: &file, keys: &given.identity.keys, azure: &azure, log: silent()? };
        let (mut text, mut is_good) = (String::new(), true);
        let all = open::manager(parts, store)?.reap(given.dry_run).await;
        for one in &all {
            let line = match one {
                Ok(reaped) => {
                    let what = match &reaped.outcome {
                        Ok(true) => painted(GOOD, "removed"),
                        Ok(false) => painted(FAINT, "would be removed"),
                        Err(what) => {
                            is_good = false;
                            format!("{} {what}", painted(BAD, "not removed:"))
                        }
                    };
                    format!("{}: {} ({}): {what}", reaped.secret, reaped.display_name, reaped.key_id)
                }
                Err(what) => {
                    is_good = false;
                    format!("{} {what}", painted(BAD, "not looked at:"))
                }
            };
            let _ = writeln!(text, "{line}"); // to a string
        }
        if all.is_empty() {
            text = "There is nothing at Azure that no lease knows.\n".to_owned();
        }
        print(text)?;
        Ok(if is_good { OK } else { PROBLEM })
    })
}

/// What is taken for nobody's must not be another service's, nor that of a database which was not found.
fn may_reap(given: &ReapArguments, file: &File) -> Result<(), Failure> {
    if let Place::File(path) = place(&given.place, Some(file))?
        && !path.exists()
    {
        return Err(Failure::usage(format!(
            "There is no database {}, so every lease would count as unknown: name the service's own with --database. If it is \
             lost, start the service first: it makes another one.",
            path.display()
        )));
    }
    let (plan, _) = file.plan(&given.identity.keys)?;
    if given.dry_run || plan.is_named {
        return Ok(());
    }
    Err(file.refuse(format!(
        "it names no installation, and every service without a name calls its leases \"{name}\": those of others that live would \
         be removed too. If this is the only one, write installation = \"{name}\" into it.",
        name = plan.installation
    )))
}

pub(super) fn list_users(given: &UsersArguments) -> Result<u8, Failure> {
    let file = File::read(&given.place)?;
    let azure = file.azure(&given.azure)?;
    let (plan, common) = file.plan(&given.identity.keys)?;
    let secret = plan.secrets.get(&given.secret).ok_or_else(|| {
        let known: Vec<_> = plan.secrets.keys().map(String::as_str).collect();
        Failure::usage(format!(
            "There is no secret \"{}\" in the file: there are {}.",
            given.secret,
            known.join(", ")
        ))
    })?;
    let live = open::live(secret, &open::endpoints(&common, &azure)?).map_err(Failure::usage)?;
    let found = block_on(async { users(live.as_ref()).await.map_err(|what| Failure::new(NETWORK, what)) })?;
    let mut text = String::new();
    for user in found {
        let (name, shown) =
            (user.user_principal_name.unwrap_or_default(), user.display_name.unwrap_or_default());
        // Who is called by a line break would be two users here.
        let _ = writeln!(text, "{}\t{}\t{}", user.id, visible(&name), visible(&shown)); // to a string
    }
    print(text)?;
    Ok(OK)
}

pub(super) fn token(order: &TokenOrder) -> Result<u8, Failure> {
    match order {
        TokenOrder::Create(given) => create(given),
        TokenOrder::List(given) => list(given),
        TokenOrder::Revoke(given) => revoke(given),
    }
}

/// The file, if one is named: of it these orders need the database only.
fn file_of(given: &PlaceArguments) -> Result<Option<File>, Failure> {
    given.config_file.as_deref().map(File::read_database).transpose()
}

fn actor() -> String {
    format!("command:uid {}", rustix::process::geteuid().as_raw())
}

fn create(given: &TokenCreateArguments) -> Result<u8, Failure> {
    let file = given.place.config_file.is_some().then(|| File::read(&given.place)).transpose()?;
    let grant = grant(&given.secret, &given.role).map_err(|what| Failure::usage(format!("{what}.")))?;
    if let Some(file) = &file {
        let (plan, _) = file.plan(&crate::identity::Keys::new())?;
        let unknown = given
            .secret
            .iter()
            .find(|name| *name != entrakey_leases::EVERY_SECRET && !plan.secrets.contains_key(*name));
        if let Some(unknown) = unknown {
            let known: Vec<_> = plan.secrets.keys().map(String::as_str).collect();
            return Err(Failure::usage(format!(
                "There is no secret \"{unknown}\": there are {}, and \"*\".",
                known.join(", ")
            )));
        }
    }
    let wanted = NewToken { name: given.name.clone(), grant, ttl: given.ttl, actor: actor() };
    let token = block_on(async {
        let store = open::store(&given.place, file.as_ref(), false).await?;
        create_token(&store, wanted).await.map_err(problem)
    })?;
    say(format_args!("{}", painted(FAINT, "It is said once; the database has its hash only.")));
    print(format_args!("{}\n", token.as_str()))?;
    Ok(OK)
}

fn shown(grant: &Grant) -> (Vec<&'static str>, Vec<&str>) {
    (grant.roles.iter().map(|role| role.name()).collect(), grant.secrets.iter().map(String::as_str).collect())
}

fn list(given: &TokenListArguments) -> Result<u8, Failure> {
    let file = file_of(&given.place)?;
    let tokens = block_on(async {
        let store = open::store(&given.place, file.as_ref(), false).await?;
        list_tokens(&store).await.map_err(problem)
    })?;
    if given.output == ListOutput::Json {
        let all: Vec<_> = tokens.iter().map(|(name, grant, end)| {
            let (roles, secrets) = shown(grant);
            json!({"name": name, "roles": roles, "secrets": secrets, "expires_at": end.map(|ms| ms / 1000)})
        }).collect();
        print(format_args!("{:#}\n", json!({"tokens": all})))?;
        return Ok(OK);
    }
    let mut text = String::new();
    for (name, grant, end) in &tokens {
        let (roles, secrets) = shown(grant);
        let end = end.map_or_else(
            || "without an end".to_owned(),
            |ms| {
                let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
                format!("until {}", humantime::format_rfc3339_seconds(UNIX_EPOCH + since))
            },
        );
        let _ = writeln!(text, "{name}: {} of {}, {end}", roles.join(", "), secrets.join(", ")); // to a string
    }
    print(text)?;
    Ok(OK)
}

fn revoke(given: &TokenRevokeArguments) -> Result<u8, Failure> {
    let file = file_of(&given.place)?;
    let was_there = block_on(async {
        let store = open::store(&given.place, file.as_ref(), false).await?;
        remove_token(&store, &given.name, &actor()).await.map_err(problem)
    })?;
    match was_there {
        true => Ok(OK),
        false => Err(Failure::new(
            PROBLEM,
            format!("There is no token \"{}\": entrakey leases token list.", given.name),
        )),
    }
}
