//! What `make install` installs, as a stranger's build finds it: by pkg-config and by CMake, shared and static.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_tests::c_programs::{declared, program, run, symbols};
use entrakey_tests::{Emulator, Folder, artifact, built, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian has libraries: a folder deeper than elsewhere.
const LIBDIR: &str = "lib/x86_64-linux-gnu";

fn set(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

/// `make` with these settings, in this repository. What is there is not built again.
fn make(goal: &str, settings: &[String]) -> Command {
    let mut make = Command::new("make");
    make.args([goal, "CARGO=true", &format!("LIBDIR={LIBDIR}")]).args(settings).current_dir(root());
    make
}

/// Installs what cargo built, as a package builder does: into one folder, to be used at another path.
fn installed(folder: &Folder, name: &str) -> PathBuf {
    let _fresh = (artifact("libentrakey.so"), artifact("libentrakey.a"));
    let (stage, prefix) = (folder.path().join("the stage"), folder.path().join(name));
    let settings = [set("BUILT", &built()), set("PREFIX", &prefix), set("DESTDIR", &stage)];
    run(&mut make("install", &settings));
    std::fs::rename(stage.join(prefix.strip_prefix("/").unwrap()), &prefix).unwrap();
    prefix
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn pkg_config(prefix: &Path, options: &[&str]) -> Vec<String> {
    let path = prefix.join(LIBDIR).join("pkgconfig");
    let flags = run(Command::new("pkg-config").args(options).arg("entrakey").env("PKG_CONFIG_PATH", path));
    // As a shell would take them apart: a blank in a path has a backslash before it.
    let list = run(Command::new("sh").args(["-c", &format!("printf '%s\\n' {flags}")]));
    list.lines().map(str::to_owned).collect()
}

fn needs(binary: &Path) -> bool {
    run(Command::new("readelf").arg("-d").arg(binary)).contains("libentrakey")
}

/// The example prints who it is.
fn works(binary: &Path, prefix: &Path, emulator: &Emulator) {
    let mut hello = program(binary);
    hello.envs(&emulator.environment).env("ENTRAKEY_IDENTITY", "managed_identity");
    let said = run(hello.env("LD_LIBRARY_PATH", prefix.join(LIBDIR)));
    assert!(said.contains(emulator.get("ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID")), "{said}");
}

fn with_cmake(folder: &Folder, prefix: &Path, target: &str) -> PathBuf {
    let (source, build) = (folder.path().join(target), folder.path().join(format!("{target}-build")));
    std::fs::create_dir_all(&source).unwrap();
    let example = root().join("examples/c");
    let project = std::fs::read_to_string(example.join("cmake/CMakeLists.txt")).unwrap();
    let project = project.replace("../hello.c", example.join("hello.c").to_str().unwrap());
    assert!(project.contains("PRIVATE entrakey::entrakey)"));
    std::fs::write(
        source.join("CMakeLists.txt"),
        project.replace("PRIVATE entrakey::entrakey", &format!("PRIVATE entrakey::{target}")),
    )
    .unwrap();
    let prefix = format!("-DCMAKE_PREFIX_PATH={}", prefix.display());
    run(Command::new("cmake").arg("-S").arg(&source).arg("-B").arg(&build).arg(prefix));
    run(Command::new("cmake").arg("--build").arg(&build));
    build.join("hello")
}

#[test]
fn programs_of_strangers_build_against_the_installed_tree_and_run() {
    let folder = Folder::new("install");
    let prefix = installed(&folder, "usr");
    let emulator = Emulator::start("1h");

    let one_line = folder.path().join("one-line");
    let path = prefix.join(LIBDIR).join("pkgconfig");
    run(Command::new("examples/c/build.sh").arg(&one_line).current_dir(root()).env("PKG_CONFIG_PATH", path));
    assert!(needs(&one_line));
    works(&one_line, &prefix, &emulator);

    // A path with characters that mean something to sed, to the shell and to pkg-config.
    let prefix = installed(&folder, "R&D usr");
    let alone = folder.path().join("alone");
    let flags = pkg_config(&prefix, &["--cflags", "--libs", "--static"]);
    let flags = flags.iter().map(|flag| if flag == "-lentrakey" { "-l:libentrakey.a" } else { flag });
    run(Command::new("cc").arg(root().join("examples/c/hello.c")).args(flags).arg("-o").arg(&alone));
    assert!(!needs(&alone));
    works(&alone, &prefix, &emulator);

    // And without any shared library, as for an image that has none. (glibc warns that its resolver loads some.)
    let without = folder.path().join("without");
    let flags = pkg_config(&prefix, &["--cflags", "--libs", "--static"]);
    run(Command::new("cc")
        .arg("-static")
        .arg(root().join("examples/c/hello.c"))
        .args(flags)
        .arg("-o")
        .arg(&without));
    assert!(!run(Command::new("readelf").arg("-d").arg(&without)).contains("NEEDED"));
    works(&without, &prefix, &emulator);

    for (target, is_shared) in [("entrakey", true), ("static", false)] {
        let binary = with_cmake(&folder, &prefix, target);
        assert_eq!(needs(&binary), is_shared);
        works(&binary, &prefix, &emulator);
    }
    assert_eq!(pkg_config(&prefix, &["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    let mut defined =
        symbols(&["--defined-only", "--extern-only"], &prefix.join(LIBDIR).join("libentrakey.a"));
    defined.retain(|name| !name.ends_with(':'));
    defined.sort();
    assert_eq!(defined, declared(), "the static library shows more than the header");
}

#[test]
fn the_licences_and_a_man_page_are_installed_and_uninstall_leaves_nothing() {
    let folder = Folder::new("uninstall");
    let prefix = folder.path().join("usr");
    let settings = [set("BUILT", &built()), set("PREFIX", &prefix)];
    run(&mut make("install", &settings));
    for name in ["LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-NOTICES"] {
        let text = std::fs::read_to_string(prefix.join("share/doc/entrakey").join(name)).unwrap();
        assert!(text.len() > 1000, "{name}");
    }
    let page = std::fs::read_to_string(prefix.join("share/man/man3/entrakey.3")).unwrap();
    assert!(page.contains(env!("CARGO_PKG_VERSION")) && !page.contains('@'), "{page}");
    run(&mut make("uninstall", &settings));
    let left = files(&prefix);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_was_built_is_found_wherever_cargo_puts_it() {
    let printed = |variable: &str, value: &str| {
        let mut make = Command::new("make");
        make.args(["--dry-run", "install"]).current_dir(root());
        run(make.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET").env(variable, value))
    };
    assert!(printed("CARGO_TARGET_DIR", "/else where").contains("install.sh '/else where/release'"));
    assert!(printed("CARGO_BUILD_TARGET", "riscv64").contains("/target/riscv64/release'"));
    assert!(printed("UNRELATED", "").contains(&format!("install.sh '{}/target/release'", root().display())));
}

#[test]
fn a_prefix_that_no_quoting_can_carry_is_refused() {
    for (name, value) in
        [("PREFIX", "relative"), ("PREFIX", "/a$b"), ("PREFIX", "/a;b"), ("LIBDIR", "../lib")]
    {
        let mut script = Command::new("sh");
        script
            .args(["scripts/build/install.sh", "/nowhere"])
            .current_dir(root())
            .env("PREFIX", "/p")
            .env(name, value);
        let output = script.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(name), "{name}={value}: {said}");
    }
}
