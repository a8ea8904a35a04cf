//! The C programs again, under AddressSanitizer with LeakSanitizer and UndefinedBehaviorSanitizer, under
//! ThreadSanitizer, and under valgrind. With the sanitizers our own Rust code and all its dependencies are instrumented
//! (`scripts/build/sanitized.sh`).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_tests::c_programs::{compiler, program, run, scratch, shared, r#static};
use entrakey_tests::scripted::{Scripted, answer, token};
use entrakey_tests::{Emulator, artifact, root};
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAMS: [&str; 4] = ["api", "surface", "nulls", "hostile"];
const STRICT: [&str; 4] = ["-std=c11", "-D_GNU_SOURCE", "-g", "-O1"];
/// What a sanitizer or valgrind ends a program with when it has found something. (1 is a failed check.)
const FOUND: i32 = 99;

fn source(name: &str) -> PathBuf {
    root().join("tests/c").join(format!("{name}.c"))
}

/// The environment that each of the programs needs.
struct World(Emulator, Scripted);

impl World {
    /// One program wants the same token for as long as it runs, the others want to see it replaced.
    fn of(name: &str) -> Self {
        let dying = Scripted::answering(|number| match number {
            1 => token(3),
            _ => answer(503, &[], "{}"),
        });
        Self(Emulator::start(if name == "api" { "1h" } else { "5s" }), dying)
    }

    fn around<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.envs(&self.0.environment).env("TEST_DYING_ENDPOINT", self.1.url())
    }
}

/// The library that `scripts/build/sanitized.sh` built, which must be no older than the one that cargo built.
fn instrumented(sanitizer: &str) -> PathBuf {
    let library = root().join("target").join(sanitizer).join("built/libentrakey.a");
    let made = |path: &Path| path.metadata().and_then(|data| data.modified());
    let source = entrakey_tests::newest_source(&artifact("libentrakey.so"));
    let is_fresh = made(&library).is_ok_and(|time| time >= source);
    assert!(
        is_fresh,
        "{} is missing or older than its sources: run scripts/build/sanitized.sh",
        library.display()
    );
    library
}

fn with_address_sanitizer(name: &str) -> PathBuf {
    let binary = scratch(&format!("{name}-address"));
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];
    let mut clang = compiler("CLANG", "clang");
    clang.args(STRICT).args(flags).arg(source(name));
    run(r#static(&mut clang, &instrumented("address")).arg("-o").arg(&binary));
    binary
}

fn under_address_sanitizer(binary: &Path) -> Command {
    let mut command = program(binary);
    command
        .env("ASAN_OPTIONS", format!("exitcode={FOUND}:detect_leaks=1"))
        .env("LSAN_OPTIONS", format!("exitcode={FOUND}"));
    command
}

/// The planted fault must be found, with a frame of Rust code in the report.
fn finds(command: &mut Command, fault: &str, report: &str, frame: &str) {
    let output = command.arg(fault).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(FOUND), "{fault} was not found: {said}");
    assert!(said.contains(report) && said.contains(frame), "{fault}: {said}");
}

#[test]
fn the_address_sanitizer_is_linked_and_finds_what_is_planted_in_rust_code() {
    let planted = with_address_sanitizer("planted");
    assert!(run(Command::new("nm").arg(&planted)).contains("__asan_init"));
    let world = World::of("planted");
    let clean = |fault| finds_nothing(world.around(&mut under_address_sanitizer(&planted)), fault);
    let find_in = |frame, fault, report| {
        finds(world.around(&mut under_address_sanitizer(&planted)), fault, report, frame);
    };
    let find = |fault, report| find_in("ffi/src/", fault, report);
    clean("nothing");
    find_in("tests/c/planted.c", "undefined", "signed integer overflow");
    find("use-after-free", "heap-use-after-free");
    find("overflow", "buffer-overflow");
    find("leak", "LeakSanitizer: detected memory leaks");
}

fn finds_nothing(command: &mut Command, fault: &str) {
    run(command.arg(fault));
}

#[test]
fn no_program_has_a_memory_error_a_leak_or_undefined_behaviour() {
    std::thread::scope(|scope| {
        for name in PROGRAMS {
            scope.spawn(move || {
                let binary = with_address_sanitizer(name);
                run(World::of(name).around(&mut under_address_sanitizer(&binary)));
            });
        }
    });
}

fn with_thread_sanitizer(name: &str) -> PathBuf {
    let (object, binary) = (scratch(&format!("{name}-thread.o")), scratch(&format!("{name}-thread")));
    let mut clang = compiler("CLANG", "clang");
    run(clang.args(STRICT).args(["-fsanitize=thread", "-c"]).arg(source(name)).arg("-o").arg(&object));
    let mut link = compiler("CLANG", "clang");
    link.arg(&object);
    r#static(&mut link, &instrumented("thread"));
    let runtime = root().join("target/thread/runtime.a");
    run(link
        .arg("-Wl,--whole-archive")
        .arg(runtime)
        .args(["-Wl,--no-whole-archive", "-lm", "-o"])
        .arg(&binary));
    binary
}

fn under_thread_sanitizer(binary: &Path, more: &str) -> Command {
    let mut command = program(binary);
    let known = root().join("tests/c/thread-sanitizer.supp");
    let options = format!("exitcode={FOUND}:die_after_fork=0:suppressions={}{more}", known.display());
    command.env("TSAN_OPTIONS", options);
    command
}

#[test]
fn the_thread_sanitizer_is_linked_and_finds_what_is_planted_in_rust_code_and_nothing_else() {
    let planted = with_thread_sanitizer("planted");
    assert!(run(Command::new("nm").arg(&planted)).contains("__tsan_init"));
    run(under_thread_sanitizer(&planted, "").arg("nothing"));
    // Stop at the first report: a program that goes on after a race may crash before it ends.
    finds(&mut under_thread_sanitizer(&planted, ":halt_on_error=1"), "race", "data race", "ffi/src/");
    std::thread::scope(|scope| {
        for name in PROGRAMS {
            scope.spawn(move || {
                let binary = with_thread_sanitizer(name);
                run(World::of(name).around(&mut under_thread_sanitizer(&binary, "")));
            });
        }
    });
}

fn under_valgrind(name: &str, leaks: &[&str]) -> Command {
    let binary = scratch(&format!("{name}-valgrind"));
    let library = artifact("libentrakey.so");
    run(shared(compiler("CC", "cc").args(STRICT).arg(source(name)), &library).arg("-o").arg(&binary));
    let mut command = program("valgrind");
    command.args(["--quiet", "--child-silent-after-fork=yes"]).args(leaks);
    command.arg(format!("--error-exitcode={FOUND}")).arg(binary);
    command
}

#[test]
fn valgrind_finds_what_is_planted_and_nothing_else() {
    let leaks = ["--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"];
    let world = World::of("planted");
    for (fault, report) in [("use-after-free", "Invalid read"), ("leak", "definitely lost")] {
        finds(world.around(&mut under_valgrind("planted", &leaks)), fault, report, "entrakey_");
    }
    run(world.around(&mut under_valgrind("nulls", &leaks)));
    // It forks, and in the child what the parent's threads held counts as lost.
    run(world.around(&mut under_valgrind("surface", &["--leak-check=no"])));
}
