//! What `make install` installs, as a stranger's build finds it: by pkg-config and by CMake, shared and static.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_tests::c_programs::{declared, program, run, symbols};
use entrakey_tests::{Emulator, Folder, artifact, built, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian has libraries: a folder deeper than elsewhere.
const LIBDIR: &str = "lib/x86_64-linux-gnu";

/// Installs what cargo built, as a package builder does: into one folder, to be used at another path.
fn installed(folder: &Folder) -> PathBuf {
    let _fresh = (artifact("libentrakey.so"), artifact("libentrakey.a"));
    let (stage, prefix) = (folder.path().join("the stage"), folder.path().join("usr"));
    let set = |name: &str, path: &Path| format!("{name}={}", path.display());
    run(Command::new("make")
        .args(["install", "CARGO=true", &format!("LIBDIR={LIBDIR}")]) // what is there is not built again
        .args([set("BUILT", &built()), set("PREFIX", &prefix), set("DESTDIR", &stage)])
        .current_dir(root()));
    std::fs::rename(stage.join(prefix.strip_prefix("/").unwrap()), &prefix).unwrap();
    prefix
}

fn pkg_config(prefix: &Path, options: &[&str]) -> Vec<String> {
    let path = prefix.join(LIBDIR).join("pkgconfig");
    let flags = run(Command::new("pkg-config").args(options).arg("entrakey").env("PKG_CONFIG_PATH", path));
    flags.split_whitespace().map(str::to_owned).collect()
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
    let prefix = installed(&folder);
    let emulator = Emulator::start("1h");

    let one_line = folder.path().join("one-line");
    let path = prefix.join(LIBDIR).join("pkgconfig");
    run(Command::new("examples/c/build.sh").arg(&one_line).current_dir(root()).env("PKG_CONFIG_PATH", path));
    assert!(needs(&one_line));
    works(&one_line, &prefix, &emulator);

    let alone = folder.path().join("alone");
    let flags = pkg_config(&prefix, &["--cflags", "--libs", "--static"]);
    let flags = flags.iter().map(|flag| if flag == "-lentrakey" { "-l:libentrakey.a" } else { flag });
    run(Command::new("cc").arg(root().join("examples/c/hello.c")).args(flags).arg("-o").arg(&alone));
    assert!(!needs(&alone));
    works(&alone, &prefix, &emulator);

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
