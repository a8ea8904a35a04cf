//! The C library as C and C++ programs meet it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_tests::c_programs::{
    WARNINGS, compiler, declared, no_getenv, program, run, scratch, shared, r#static, symbols,
};
use entrakey_tests::scripted::{Scripted, answer, token};
use entrakey_tests::{Emulator, artifact, root};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

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

fn source(name: &str) -> PathBuf {
    let path = scratch(name);
    fs::write(&path, PROGRAM).unwrap();
    path
}

/// `tests/c/unload.c`, which loads the library by hand: one that it is linked with would stay loaded anyway.
fn loader(name: &str) -> PathBuf {
    let binary = scratch(name);
    let source = root().join("tests/c/unload.c");
    run(compiler("CC", "cc")
        .args(["-std=c11", "-D_GNU_SOURCE", "-g"])
        .arg(source)
        .args(["-lpthread", "-ldl", "-o"])
        .arg(&binary));
    binary
}

/// One of the programs of `tests/c`, with the shared library.
fn made(name: &str) -> PathBuf {
    let binary = scratch(name);
    let strict = ["-std=c11", "-D_GNU_SOURCE", "-g", "-Wall", "-Wextra", "-Werror"];
    let source = root().join("tests/c").join(format!("{name}.c"));
    let library = artifact("libentrakey.so");
    run(shared(compiler("CC", "cc").args(strict).arg(source), &library).args(["-ldl", "-o"]).arg(&binary));
    binary
}

#[test]
fn programs_of_every_standard_compile_with_every_warning_an_error_and_run() {
    let library = artifact("libentrakey.so");
    for (variable, default, extension, standards) in [
        ("CC", "cc", "c", ["c99", "c11"]),
        ("CXX", "c++", "cc", ["c++11", "c++20"]),
        ("CLANG", "clang", "c", ["c99", "c11"]),
        ("CLANGXX", "clang++", "cc", ["c++11", "c++20"]),
    ] {
        for standard in standards {
            let name = format!("program-{default}-{standard}");
            let (source, binary) = (source(&format!("{name}.{extension}")), scratch(&format!("{name}.bin")));
            let mut compiler = compiler(variable, default);
            compiler.arg(format!("-std={standard}")).args(WARNINGS).arg(source);
            run(shared(&mut compiler, &library).arg("-o").arg(&binary));
            run(&mut program(&binary));
        }
    }
}

#[test]
fn a_program_with_the_static_library_in_it_needs_no_other() {
    let binary = scratch("static.bin");
    let mut compiler = compiler("CC", "cc");
    compiler.arg("-std=c99").args(WARNINGS).arg(source("static.c"));
    run(r#static(&mut compiler, &artifact("libentrakey.a")).arg("-o").arg(&binary));
    run(&mut program(&binary));
}

#[test]
fn the_shared_library_exports_what_the_header_declares_and_nothing_else() {
    let mut exported = symbols(&["-D", "--defined-only"], &artifact("libentrakey.so"));
    exported.sort();
    assert_eq!(exported, declared());
}

#[test]
fn the_shared_library_has_the_abis_name_is_never_unmapped_and_needs_libc_only() {
    let dynamic = run(Command::new("readelf").arg("-d").arg(artifact("libentrakey.so")));
    let header = fs::read_to_string(root().join("include/entrakey.h")).unwrap();
    let abi = header.lines().find_map(|line| line.strip_prefix("#define ENTRAKEY_ABI ")).unwrap();
    assert!(dynamic.contains(&format!("soname: [libentrakey.so.{abi}]")), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    for line in dynamic.lines().filter(|line| line.contains("(NEEDED)")) {
        let allowed = ["libc.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"];
        assert!(allowed.iter().any(|name| line.contains(&format!("[{name}]"))), "{line}");
    }
}

#[test]
fn the_api_does_what_the_header_says() {
    let emulator = Emulator::start("1h");
    let dying = Scripted::answering(|number| match number {
        1 => token(3),
        _ => answer(503, &[], "{}"),
    });
    run(program(made("api")).envs(&emulator.environment).env("TEST_DYING_ENDPOINT", dying.url()));
}

#[test]
fn watches_subscriptions_observations_status_and_rejections_do_what_the_header_says() {
    run(program(made("surface")).env("LD_PRELOAD", no_getenv()).envs(&Emulator::start("5s").environment));
}

#[test]
fn null_is_an_error_or_a_neutral_value_everywhere() {
    run(program(made("nulls")).envs(&Emulator::start("5s").environment));
    let tried = fs::read_to_string(root().join("tests/c/nulls.c")).unwrap();
    for name in declared() {
        let takes_none = ["entrakey_abi", "entrakey_version"].contains(&name.as_str());
        assert!(takes_none || tried.contains(&format!("{name}(")), "tests/c/nulls.c does not try {name}");
    }
}

#[test]
fn hosts_that_are_hostile_get_errors_and_nothing_worse() {
    run(program(made("hostile")).env("LD_PRELOAD", no_getenv()).envs(&Emulator::start("5s").environment));
}

#[test]
fn no_secret_is_left_in_memory_when_everything_is_freed() {
    let emulator = Emulator::start("3600s");
    run(program(made("wiped"))
        .envs(&emulator.env("client_secret"))
        .env("ENTRAKEY_IDENTITY", "service_principal"));
}

#[test]
fn a_plugin_that_unloads_the_library_while_it_works_does_not_crash() {
    let emulator = Emulator::start("5s");
    let mut unload = program(loader("unload"));
    run(unload
        .arg(artifact("libentrakey.so"))
        .envs(&emulator.environment)
        .env("ENTRAKEY_IDENTITY", "managed_identity"));
}

#[test]
fn a_plugin_with_the_static_library_in_it_stays_where_it_is_too() {
    let emulator = Emulator::start("5s");
    let plugin = scratch("plugin.so");
    let mut compiler = compiler("CC", "cc");
    compiler.args(["-shared", "-Wl,--whole-archive"]).arg(artifact("libentrakey.a"));
    compiler.args(["-Wl,--no-whole-archive", "-lpthread", "-ldl", "-lm", "-lrt", "-o"]).arg(&plugin);
    run(&mut compiler);
    assert!(
        !run(Command::new("readelf").arg("-d").arg(&plugin)).contains("NODELETE"),
        "it would stay anyway"
    );
    let mut unload = program(loader("unload-plugin"));
    run(unload.arg(&plugin).envs(&emulator.environment).env("ENTRAKEY_IDENTITY", "managed_identity"));
}

#[test]
fn the_cpp_wrapper_turns_errors_into_exceptions_and_frees_what_it_owns() {
    let library = artifact("libentrakey.so");
    for (variable, default, standard) in
        [("CXX", "c++", "c++17"), ("CXX", "c++", "c++20"), ("CLANGXX", "clang++", "c++17")]
    {
        let binary = scratch(&format!("wrapper-{default}-{standard}"));
        let mut compiler = compiler(variable, default);
        compiler
            .arg(format!("-std={standard}"))
            .args(WARNINGS)
            .arg("-g")
            .arg(root().join("tests/c/wrapper.cc"));
        run(shared(&mut compiler, &library).arg("-o").arg(&binary));
        run(program(&binary).envs(&Emulator::start("5s").environment));
    }
}
