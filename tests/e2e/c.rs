//! The C library as C and C++ programs meet it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_tests::{Emulator, artifact, built, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn compiler(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.to_owned())
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

fn scratch(name: &str) -> PathBuf {
    let folder = built().join("c-tests");
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

#[test]
fn the_header_compiles_as_c99_and_cpp11_with_every_warning_an_error() {
    let source =
        "#include <entrakey.h>\n#include <entrakey.h>\nint main(void) { return (int)entrakey_abi(); }\n";
    for (name, compiler, standard) in
        [("header.c", compiler("CC", "cc"), "-std=c99"), ("header.cc", compiler("CXX", "c++"), "-std=c++11")]
    {
        let path = scratch(name);
        fs::write(&path, source).unwrap();
        let warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"];
        run(Command::new(compiler)
            .arg(standard)
            .args(warnings)
            .arg("-I")
            .arg(root().join("include"))
            .arg(path));
    }
}

fn compile(source: &Path, program: &Path) {
    let library = artifact("libentrakey.so");
    run(Command::new(compiler("CC", "cc"))
        .args(["-std=c11", "-D_GNU_SOURCE", "-g", "-Wall", "-Wextra", "-Werror"])
        .arg("-I")
        .arg(root().join("include"))
        .arg(source)
        .arg(library)
        .arg(format!("-Wl,-rpath,{}", built().display()))
        .args(["-lpthread", "-o"])
        .arg(program));
}

#[test]
fn the_api_does_what_the_header_says() {
    let program = scratch("api");
    compile(&root().join("tests/c/api.c"), &program);
    let emulator = Emulator::start("1h");
    run(Command::new(program).envs(&emulator.environment));
}
