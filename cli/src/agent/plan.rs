//! What is to be done, from options, variables and files. It is read again while the agent runs.

use super::arguments::{RunArguments, WhoArguments};
use super::file::{File, take_gids, take_uids};
use super::identities::{DEFAULT, Sources};
use super::place;
use crate::failure::Failure;
use crate::identity::is_of_key;
use crate::leases;
use crate::number::gid;
use clap::{ArgMatches, FromArgMatches as _};
use entrakey_agent::{ClientPlan, FileFormat, IdentityPlan, Plan, TokenFilePlan, read_or_make};
use entrakey_service::{Seen, Table, make_directory, take_list, take_text, used_up};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Reads it, once and again.
pub(super) struct Reader {
    typed: ArgMatches,
    config_file: Option<PathBuf>,
}

/// All of it.
pub(super) struct Everything {
    pub(super) arguments: RunArguments,
    pub(super) directory: PathBuf,
    pub(super) plan: Plan,
    /// What holds until the next start, by the ids of the options.
    lasting: BTreeMap<String, Vec<OsString>>,
    /// What leases are made of in this process. Read again it changes nothing: that takes a restart.
    pub(super) leases: Option<leases::File>,
}

/// Options that are heeded when the file is read again. The others are of sockets, limits and the process itself.
const RELOADED: [&str; 7] =
    ["config_file", "secrets", "allow_uid", "allow_gid", "resource", "token_file", "token_file_mode"];

impl Reader {
    /// `typed` are the command's own matches, and `arguments` what they mean without a file.
    pub(super) fn new(arguments: RunArguments, typed: ArgMatches) -> Self {
        Self { typed, config_file: arguments.who.config_file }
    }

    /// `before`: what holds already, of which a part stays as it is. `seen` gets the files that were read, also those that
    /// are no good.
    pub(super) fn read(&self, before: Option<&Everything>, seen: &mut Seen) -> Result<Everything, Failure> {
        self.config_file.iter().for_each(|path| seen.look_at(path));
        let mut file = self.config_file.as_deref().map(File::read).transpose()?;
        let leases = file.as_mut().and_then(|file| file.leases.take());
        let (mut arguments, matches) = match &file {
            Some(file) => file.arguments()?,
            None => {
                let arguments = RunArguments::from_arg_matches(&self.typed).map_err(Failure::usage)?;
                (arguments, self.typed.clone())
            }
        };
        let directory = match before {
            Some(before) => before.directory.clone(),
            None => place::directory(arguments.who.directory.as_deref(), file.as_ref())?,
        };
        before
            .into_iter()
            .for_each(|before| arguments.who.no_app_service = before.arguments.who.no_app_service);
        arguments.who.secrets.iter().for_each(|path| seen.look_at(path));
        // Before anything is in it.
        make_directory(&directory).map_err(|error| Failure::usage(format!("--directory: {error}.")))?;
        let sources = Sources {
            store: arguments.who.secrets.as_deref(),
            file: file.as_ref(),
            typed: &arguments.identity.keys,
        };
        let identities = sources.identities()?;
        let clients = clients(&arguments.who, file.as_ref(), &directory)?;
        let token_files = token_files(&arguments.who, file.as_ref(), &identities)?;
        let plan = Plan { identities, clients, token_files };
        Ok(Everything { arguments, directory, plan, lasting: lasting(&matches), leases })
    }
}

impl Everything {
    /// How many services share the process.
    pub(super) fn services(&self) -> u64 {
        1 + u64::from(self.leases.is_some())
    }

    /// The settings of which the file says something else now, and which hold as they were.
    pub(super) fn differs(&self, now: &Self) -> Vec<String> {
        let ids: BTreeSet<_> = self.lasting.keys().chain(now.lasting.keys()).collect();
        let differing = ids.into_iter().filter(|id| self.lasting.get(*id) != now.lasting.get(*id));
        let mut differing: Vec<_> = differing.map(|id| id.replace('_', "-")).collect();
        let has_other_leases = match (&self.leases, &now.leases) {
            (Some(were), Some(are)) => !were.is_as(are),
            (were, are) => were.is_some() != are.is_some(),
        };
        if has_other_leases {
            differing.push("leases".to_owned());
        }
        differing
    }
}

fn lasting(matches: &ArgMatches) -> BTreeMap<String, Vec<OsString>> {
    let ids = matches.ids().map(|id| id.as_str()).filter(|id| !RELOADED.contains(id) && !is_of_key(id));
    let raw = |id: &str| Some(matches.try_get_raw(id).ok()??.map(OsStr::to_owned).collect());
    ids.filter_map(|id| Some((id.to_owned(), raw(id)?))).collect()
}

fn clients(given: &WhoArguments, file: Option<&File>, directory: &Path) -> Result<Vec<ClientPlan>, Failure> {
    let mut clients = Vec::new();
    for table in file.map_or(&[][..], |file| &file.clients) {
        clients.push(client(table.clone(), given, file, directory)?);
    }
    if !clients.iter().any(|client| client.name == DEFAULT) {
        // Where clients are listed, nobody else has a secret.
        let has_secret = clients.is_empty() && !given.no_app_service;
        let secret = has_secret.then(|| read_or_make(&place::secret(directory, DEFAULT))).transpose();
        let me = rustix::process::geteuid().as_raw();
        let mut uids = vec![me, 0];
        uids.extend(&given.allow_uid);
        clients.push(ClientPlan {
            name: DEFAULT.to_owned(),
            is_anybody_else: true,
            secret: secret.map_err(|what| Failure::usage(format!("{what}.")))?,
            uids,
            gids: given.allow_gid.clone(),
            identities: None,
            resources: given.resource.clone(),
        });
    } else if !given.allow_uid.is_empty() || !given.allow_gid.is_empty() {
        let what = "--allow-uid and --allow-gid are for who is no client of the file, and its client \"default\" takes that place: \
                    give that client uids and gids.";
        return Err(Failure::usage(what));
    }
    Ok(clients)
}

fn client(
    mut table: Table,
    given: &WhoArguments,
    file: Option<&File>,
    directory: &Path,
) -> Result<ClientPlan, Failure> {
    let refuse = |what: String| match file {
        Some(file) => file.refuse(format!("clients: {what}.")),
        None => Failure::usage(what),
    };
    let name = take_text(&mut table, "name").map_err(refuse)?;
    let name = name.ok_or_else(|| refuse("a client has no name".to_owned()))?.to_string();
    let refuse = |what: String| refuse(format!("{name}: {what}"));
    let path = secret_path(&mut table, &name, directory).map_err(refuse)?;
    let uids = take_uids(&mut table).map_err(refuse)?;
    let gids = take_gids(&mut table).map_err(refuse)?;
    let identities = take_list(&mut table, "identities").map_err(refuse)?;
    let resources = take_list(&mut table, "resources").map_err(refuse)?;
    used_up(&table, "name, secret-file, uids, gids, identities, resources are").map_err(refuse)?;
    if resources.as_ref().is_some_and(Vec::is_empty) {
        return Err(refuse("its list of resources is empty: it could have nothing".to_owned()));
    }
    let secret = (!given.no_app_service).then(|| read_or_make(&path)).transpose().map_err(refuse)?;
    let resources = resources.unwrap_or_else(|| given.resource.clone());
    Ok(ClientPlan { name: name.clone(), secret, is_anybody_else: false, uids, gids, identities, resources })
}

/// Where a client's secret is.
pub(super) fn secret_path(table: &mut Table, name: &str, directory: &Path) -> Result<PathBuf, String> {
    if name.is_empty() || name.contains('/') {
        return Err("its name is a part of a file's name: leave out \"/\"".to_owned());
    }
    let path = take_text(table, "secret-file")?;
    Ok(path.map_or_else(|| place::secret(directory, name), |path| PathBuf::from(path.as_str())))
}

fn token_files(
    given: &WhoArguments,
    file: Option<&File>,
    identities: &[IdentityPlan],
) -> Result<Vec<TokenFilePlan>, Failure> {
    let mut files = Vec::new();
    for typed in &given.token_file {
        let (id, path) = match typed.split_once('=') {
            Some((id, path)) if !id.contains('/') => (Some(id.to_owned()), path), // else it is of the path
            _ => (None, typed.as_str()),
        };
        files.push(TokenFilePlan {
            identity: id.map_or_else(|| default_of(identities), Ok)?,
            format: format_of(Path::new(path)),
            path: PathBuf::from(path),
            mode: given.token_file_mode,
            group: None,
        });
    }
    for table in file.map_or(&[][..], |file| &file.token_files) {
        files.push(token_file(table.clone(), given, file, identities)?);
    }
    Ok(files)
}

fn token_file(
    mut table: Table,
    given: &WhoArguments,
    file: Option<&File>,
    identities: &[IdentityPlan],
) -> Result<TokenFilePlan, Failure> {
    let refuse = |what: String| match file {
        Some(file) => file.refuse(format!("token-files: {what}.")),
        None => Failure::usage(what),
    };
    let mut text = |name| take_text(&mut table, name).map_err(refuse);
    let (path, identity, format) = (text("path")?, text("identity")?, text("format")?);
    let (mode, group) = (text("mode")?, text("group")?);
    used_up(&table, "path, identity, format, mode, group are").map_err(refuse)?;
    let path = PathBuf::from(path.ok_or_else(|| refuse("one has no path".to_owned()))?.as_str());
    let format = match format.as_deref().map(String::as_str) {
        None => format_of(&path),
        Some("json") => FileFormat::Json,
        Some("token") => FileFormat::Token,
        Some(_) => return Err(refuse("format must be \"token\" or \"json\"".to_owned())),
    };
    let mode =
        mode.map_or(Ok(given.token_file_mode), |mode| u32::from_str_radix(mode.trim_start_matches("0o"), 8));
    let group = group.map(|group| gid(&group)).transpose();
    Ok(TokenFilePlan {
        identity: identity.map_or_else(|| default_of(identities), |id| Ok(id.to_string()))?,
        path,
        format,
        mode: mode.map_err(|_| refuse("mode must be as chmod has it, and a text: \"0640\"".to_owned()))?,
        group: group.map_err(|what| refuse(format!("group: {what}")))?,
    })
}

fn format_of(path: &Path) -> FileFormat {
    match path.extension().is_some_and(|extension| extension == "json") {
        true => FileFormat::Json,
        false => FileFormat::Token,
    }
}

fn default_of(identities: &[IdentityPlan]) -> Result<String, Failure> {
    let default = identities.iter().find(|one| one.is_default);
    let only = (identities.len() == 1).then(|| identities.first()).flatten();
    let found = default.or(only).map(|one| one.id.clone());
    found.ok_or_else(|| {
        Failure::usage("Whose token is for the file? There are several identities: give ID=FILE.")
    })
}
