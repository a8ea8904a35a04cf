//! Compiling and running C and C++ programs against the library that cargo built.

use crate::{built, root};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// What every C and C++ program here is compiled with.
pub const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// A compiler with this repository's headers: the one that the variable names, or the default.
#[must_use]
pub fn compiler(variable: &str, default: &str) -> Command {
    let mut command = Command::new(std::env::var(variable).unwrap_or_else(|_| default.to_owned()));
    command.arg("-I").arg(root().join("include"));
    command
}

/// Runs to the end and returns what it printed.
///
/// # Panics
/// With what it said on standard error, if it fails.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}{}", output.status, text(&output));
    text(&output)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A program with an environment of its own: what the developer's says must not change how it ends.
#[must_use]
pub fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command
}

/// Where a test puts what it makes; each name is for one test.
///
/// # Panics
/// If the folder cannot be made.
#[must_use]
pub fn scratch(name: &str) -> PathBuf {
    let folder = built().join("c-tests");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// Links with a shared library, found again where it is.
pub fn shared<'c>(command: &'c mut Command, library: &Path) -> &'c mut Command {
    let folder = library.parent().unwrap_or(library);
    command.arg(library).arg(format!("-Wl,-rpath,{}", folder.display())).arg("-lpthread")
}

/// Links with a static library and all that it needs.
pub fn r#static<'c>(command: &'c mut Command, library: &Path) -> &'c mut Command {
    command.arg(library).args(["-lpthread", "-ldl", "-lm", "-lrt"])
}

/// The symbols that `nm` shows with these options, without versions.
///
/// # Panics
/// If it cannot be run.
#[must_use]
pub fn symbols(options: &[&str], library: &Path) -> Vec<String> {
    let listed = run(Command::new("nm").args(options).arg(library));
    let name = |line: &str| Some(line.split_whitespace().last()?.split('@').next()?.to_owned());
    listed.lines().filter_map(name).collect()
}

/// The functions that the header declares.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn declared() -> Vec<String> {
    let header = std::fs::read_to_string(root().join("include/entrakey.h")).unwrap();
    let declares = |line: &&str| line.starts_with(char::is_alphabetic) && !line.starts_with("typedef");
    let name = |line: &str| Some(line.split_once('(')?.0.rsplit([' ', '*']).next()?.to_owned());
    let mut names: Vec<_> = header.lines().filter(declares).filter_map(name).collect();
    names.sort();
    names
}

/// `tests/c/no_getenv.c` as a library to load before a program: made once, as another test may be loading it.
///
/// # Panics
/// If it does not compile.
#[must_use]
pub fn no_getenv() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(make_no_getenv).clone()
}

fn make_no_getenv() -> PathBuf {
    let made = scratch(&format!("no-getenv-{}.so", std::process::id()));
    let source = root().join("tests/c/no_getenv.c");
    let mut compiler = compiler("CC", "cc");
    run(compiler
        .args(WARNINGS)
        .args(["-std=c11", "-shared", "-fPIC"])
        .arg(source)
        .arg("-ldl")
        .arg("-o")
        .arg(&made));
    made
}
