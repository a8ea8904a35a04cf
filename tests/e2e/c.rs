//! The C library as C and C++ programs meet it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_tests::scripted::{Scripted, answer, token};
use entrakey_tests::{Emulator, artifact, built, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// The least program that uses every kind of object; it succeeds if the library says what was wrong.
const PROGRAM: &str = r#"
#include <entrakey.h>
#include <entrakey.h>
#include <string.h>
int main(void) {
    entrakey_provider *provider = NULL;
    entrakey_config *config = entrakey_config_new();
    entrakey_error *error = entrakey_config_set(config, "identity", "workload_identity");
    if (!error) error = entrakey_provider_new(config, &provider);
    int right = error && strstr(entrakey_error_message(error), "tenant_id") && !provider;
    entrakey_error_free(error);
    entrakey_config_free(config);
    return right && entrakey_abi() == ENTRAKEY_ABI ? 0 : 1;
}
"#;

/// A compiler with this repository's header: the one that the variable names, or the default.
fn compiler(variable: &str, default: &str) -> Command {
    let mut command = Command::new(std::env::var(variable).unwrap_or_else(|_| default.to_owned()));
    command.arg("-I").arg(root().join("include"));
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A program with an environment of its own: what the developer's says must not change how it ends.
fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.env_clear();
    command
}

fn scratch(name: &str) -> PathBuf {
    let folder = built().join("c-tests");
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

fn source(name: &str) -> PathBuf {
    let path = scratch(name);
    fs::write(&path, PROGRAM).unwrap();
    path
}

/// Links with the shared library, found again where it was built.
fn shared(command: &mut Command) -> &mut Command {
    command.arg(artifact("libentrakey.so")).arg(format!("-Wl,-rpath,{}", built().display())).arg("-lpthread")
}

#[test]
fn a_c99_and_a_cpp11_program_compile_with_every_warning_an_error_and_run() {
    for (name, mut compiler, standard) in [
        ("program.c", compiler("CC", "cc"), "-std=c99"),
        ("program.cc", compiler("CXX", "c++"), "-std=c++11"),
    ] {
        let (source, made) = (source(name), scratch(&format!("{name}.bin")));
        run(shared(compiler.arg(standard).args(WARNINGS).arg(source)).arg("-o").arg(&made));
        run(&mut program(&made));
    }
}

#[test]
fn a_program_with_the_static_library_in_it_needs_no_other() {
    let made = scratch("static.bin");
    run(compiler("CC", "cc")
        .args(["-std=c99"])
        .args(WARNINGS)
        .arg(source("static.c"))
        .arg(artifact("libentrakey.a"))
        .args(["-lpthread", "-ldl", "-lm", "-lgcc_s", "-o"])
        .arg(&made));
    run(&mut program(&made));
}

#[test]
fn the_api_does_what_the_header_says() {
    let made = scratch("api");
    let strict = ["-std=c11", "-D_GNU_SOURCE", "-g", "-Wall", "-Wextra", "-Werror"];
    run(shared(compiler("CC", "cc").args(strict).arg(root().join("tests/c/api.c"))).arg("-o").arg(&made));
    let emulator = Emulator::start("1h");
    let dying = Scripted::answering(|number| match number {
        1 => token(3),
        _ => answer(503, &[], "{}"),
    });
    run(program(&made).envs(&emulator.environment).env("TEST_DYING_ENDPOINT", dying.url()));
}
