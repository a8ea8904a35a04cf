//! What the command finds in its environment.

use crate::failure::Failure;
use crate::identity::secret_variables;
use crate::proxy::Private;
use clap::Args;
use std::process::Command;
use zeroize::Zeroizing;

/// How the variables are called.
#[derive(Args)]
#[command(next_help_heading = "Variables of the command")]
pub(super) struct VariableArguments {
    /// For redis://default:PASSWORD@127.0.0.1:PORT.
    #[arg(long, default_value = "REDIS_URL", value_name = "NAME", value_parser = name)]
    url_variable: String,
    /// For the host, 127.0.0.1.
    #[arg(long, default_value = "REDIS_HOST", value_name = "NAME", value_parser = name)]
    host_variable: String,
    /// For the port.
    #[arg(long, default_value = "REDIS_PORT", value_name = "NAME", value_parser = name)]
    port_variable: String,
    /// For the password.
    #[arg(long, default_value = "REDIS_PASSWORD", value_name = "NAME", value_parser = name)]
    password_variable: String,
}

fn name(text: &str) -> Result<String, String> {
    match text.is_empty() || text.contains(['=', '\0']) {
        true => Err("the name of a variable is needed".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// The local password of another proxy, a way out that may have a password in it, whoever may make leases, and their database.
const OF_OTHER_COMMANDS: [&str; 4] =
    ["ENTRAKEY_PROXY_PASSWORD", "ENTRAKEY_PROXY", "ENTRAKEY_LEASES_TOKEN", "ENTRAKEY_LEASES_DATABASE"];

/// Names and values to set. The values are wiped when dropped.
pub(super) struct Environment(Vec<(String, Zeroizing<String>)>);

impl VariableArguments {
    /// Of two values of one name the command would find one.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let all = [&self.url_variable, &self.host_variable, &self.port_variable, &self.password_variable];
        let twice = all.iter().enumerate().find(|(at, name)| all[..*at].contains(name));
        match twice {
            None => Ok(()),
            Some((_, name)) => Err(Failure::usage(format!(
                "{name} is to be two of the command's variables: give each another name."
            ))),
        }
    }

    pub(super) fn of(&self, proxy: &Private) -> Environment {
        let (host, port) = (proxy.address().ip(), proxy.address().port());
        let password = proxy.password();
        // With a user name, the default one: redis-cli sends an empty one as it is, and that is nobody's.
        let url = format!("redis://default:{password}@{host}:{port}");
        let set = |name: &str, value: String| (name.to_owned(), Zeroizing::new(value));
        Environment(vec![
            set("REDISCLI_AUTH", password.to_owned()),
            set(&self.url_variable, url),
            set(&self.host_variable, host.to_string()),
            set(&self.port_variable, port.to_string()),
            set(&self.password_variable, password.to_owned()),
        ])
    }
}

impl Environment {
    /// Gives it to a command. Secrets that were given to entrakey by its own variables stay here: the command needs none of them.
    /// Azure's pass, as it may use other services of Azure by them.
    pub(super) fn give_to(&self, command: &mut Command) {
        secret_variables().chain(OF_OTHER_COMMANDS.map(str::to_owned)).for_each(|name| {
            command.env_remove(name);
        });
        command.envs(self.0.iter().map(|(name, value)| (name, value.as_str())));
    }
}
