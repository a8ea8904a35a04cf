//! `entrakey completions` and `entrakey man`: made from the command line's own description, so that they cannot differ from it.

use crate::exit_code::OK;
use crate::failure::Failure;
use crate::terminal::print;
use clap::Args;
use clap_complete::Shell;
use clap_mangen::Man;
use std::path::PathBuf;

const NAME: &str = "entrakey";

/// Print what makes a shell complete this command's names and options.
///
/// Examples:
///
///     entrakey completions bash > ~/.local/share/bash-completion/completions/entrakey
///     entrakey completions zsh > "${fpath[1]}/_entrakey"
///     entrakey completions fish > ~/.config/fish/completions/entrakey.fish
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CompletionsArguments {
    shell: Shell,
}

/// Print the manual page of this command, or of one of its commands.
///
/// Examples:
///
///     entrakey man proxy | man -l -
///     entrakey man --folder ~/.local/share/man/man1
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ManArguments {
    /// Of which command; of entrakey itself if not given.
    #[arg(conflicts_with = "folder")]
    command: Option<String>,
    /// Write the pages of all commands into this folder.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::command(), NAME, &mut script);
    print(String::from_utf8_lossy(&script))?;
    Ok(OK)
}

pub(crate) fn man(arguments: &ManArguments) -> Result<u8, Failure> {
    if let Some(folder) = &arguments.folder {
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(crate::command().name(NAME), folder));
        written.map_err(|error| Failure::usage(format!("--folder {}: {error}.", folder.display())))?;
        return Ok(OK);
    }
    print(String::from_utf8_lossy(&page(arguments.command.as_deref())?))?;
    Ok(OK)
}

fn page(of: Option<&str>) -> Result<Vec<u8>, Failure> {
    let mut command = crate::command().name(NAME);
    command.build(); // gives each its full name
    let command = match of {
        None => command,
        Some(name) => {
            let found = command.find_subcommand(name).cloned();
            let command = found.ok_or_else(|| {
                Failure::usage(format!("There is no command \"{name}\": entrakey --help lists them."))
            })?;
            command.clone().name(command.get_display_name().unwrap_or(name).to_owned())
        }
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}
