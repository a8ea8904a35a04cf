//! What is to be done, from options, variables and a configuration file.

use super::arguments::{Arguments, ProcessArguments, UpstreamArguments};
use super::file::File;
use crate::failure::Failure;
use crate::identity::Keys;
use crate::target::Target;
use clap::ArgMatches;
use clap::parser::ValueSource;

/// What is to be done.
pub(super) struct Plan {
    pub(super) process: ProcessArguments,
    /// One at least.
    pub(super) upstreams: Vec<Upstream>,
    /// Options that were typed and carry a secret.
    pub(super) exposed: Vec<String>,
}

/// One Redis, for its clients.
pub(super) struct Upstream {
    pub(super) target: Target,
    pub(super) clients: UpstreamArguments,
    pub(super) keys: Keys,
}

impl Plan {
    /// `typed` are the command's own matches, and `arguments` what they mean without a file.
    pub(super) fn read(typed: &ArgMatches, arguments: Arguments) -> Result<Self, Failure> {
        let mut exposed = arguments.identity.exposed();
        if typed.value_source("password") == Some(ValueSource::CommandLine) {
            exposed.push("--password".to_owned());
        }
        let mut plan = match &arguments.process.config_file {
            None => {
                let keys = arguments.identity.keys.clone();
                Self::of_one(arguments, keys)?
            }
            Some(path) => Self::of_file(&File::read(path)?, typed)?,
        };
        plan.exposed = exposed;
        Ok(plan)
    }

    fn of_one(arguments: Arguments, keys: Keys) -> Result<Self, Failure> {
        // Not by clap, which would repeat what was given: a URL with a password, for instance.
        let target = match &arguments.host {
            Some(host) => host.parse().map_err(|what| Failure::usage(format!("HOST[:PORT]: {what}.")))?,
            None => return Err(Failure::usage("Which Redis? Give its host: entrakey proxy HOST[:PORT]")),
        };
        Ok(Self::of_target(target, arguments, keys))
    }

    fn of_target(target: Target, arguments: Arguments, keys: Keys) -> Self {
        let upstream = Upstream { target, clients: arguments.upstream, keys };
        Self { process: arguments.process, upstreams: vec![upstream], exposed: Vec::new() }
    }

    fn of_file(file: &File, typed: &ArgMatches) -> Result<Self, Failure> {
        if file.upstreams().is_empty() {
            let (arguments, keys) = file.arguments(None)?;
            return Self::of_one(arguments, keys);
        }
        file.forbid_one_for_all(typed)?;
        let plans = file.upstreams().iter().zip(1..).map(|(table, number)| {
            let (arguments, keys) = file.arguments(Some(table))?;
            let refuse = |what: &str| file.refuse(format!("upstream {number}: {what}."));
            let host = arguments.host.as_deref().ok_or_else(|| refuse("give its host"))?;
            let target = host.parse().map_err(|what: String| refuse(&format!("host: {what}")))?;
            Ok(Self::of_target(target, arguments, keys))
        });
        let mut plans = plans.collect::<Result<Vec<_>, Failure>>()?.into_iter();
        // What is of the process is the same in all of them.
        let mut plan =
            plans.next().ok_or_else(|| Failure::usage("The configuration file has no upstream."))?;
        plan.upstreams.extend(plans.flat_map(|other| other.upstreams));
        Ok(plan)
    }
}
