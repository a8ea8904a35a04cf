//! Link settings of the shared library.

use std::path::{Path, PathBuf};

/// The name that programs remember, with the number of the ABI: `ENTRAKEY_ABI` of `src/lib.rs`, as a test checks.
const SONAME: &str = "libentrakey.so.1";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{SONAME}");
    // Our threads run library code, so the library must never be unmapped: dlclose becomes a no-op.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    link_beside();
}

/// Programs that were linked in the build folder look for that name there.
fn link_beside() {
    #[cfg(unix)]
    if let Some(folder) = build_folder() {
        let _ = std::os::unix::fs::symlink("libentrakey.so", folder.join(SONAME)); // mostly it is there already
    }
}

#[cfg(unix)]
/// `target/debug`, from `target/debug/build/entrakey-ffi-…/out`.
fn build_folder() -> Option<PathBuf> {
    let out = std::env::var_os("OUT_DIR")?;
    Path::new(&out).ancestors().nth(3).map(Path::to_owned)
}
