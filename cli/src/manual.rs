//! `entrakey completions` and `entrakey man`: made from the command line's own description, so that they cannot differ from it.

use crate::exit_code::{OK, PROBLEM};
use crate::failure::Failure;
use crate::terminal::print;
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use std::path::{Path, PathBuf};

/// What is typed.
pub(crate) const NAME: &str = "entrakey";

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
    command: Vec<String>,
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
    let mut pages = Vec::new();
    let mut command = crate::command();
    command.build(); // gives each its full name
    add_pages(&command, NAME, &mut pages);
    match &arguments.folder {
        Some(folder) => write_all(&pages, folder)?,
        None => print(String::from_utf8_lossy(&find(pages, &arguments.command)?))?,
    }
    Ok(OK)
}

/// A name and a page, for the command and those below it.
fn add_pages(command: &Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) {
    let mut page = Vec::new();
    let shown = command.clone().name(name.to_owned()).version(env!("CARGO_PKG_VERSION"));
    let _ = Man::new(shown).render(&mut page); // to memory
    pages.push((name.to_owned(), page));
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        add_pages(below, &format!("{name}-{}", below.get_name()), pages);
    }
}

fn find(pages: Vec<(String, Vec<u8>)>, words: &[String]) -> Result<Vec<u8>, Failure> {
    let wanted = [&[NAME.to_owned()], words].concat().join("-");
    let found = pages.into_iter().find(|(name, _)| *name == wanted);
    let unknown = || format!("There is no command \"{}\": entrakey --help lists them.", words.join(" "));
    found.map(|(_, page)| page).ok_or_else(|| Failure::usage(unknown()))
}

fn write_all(pages: &[(String, Vec<u8>)], folder: &Path) -> Result<(), Failure> {
    let write = |(name, page): &(String, Vec<u8>)| std::fs::write(folder.join(format!("{name}.1")), page);
    let written = std::fs::create_dir_all(folder).and_then(|()| pages.iter().try_for_each(write));
    written.map_err(|error| Failure::new(PROBLEM, format!("--folder {}: {error}.", folder.display())))
}
