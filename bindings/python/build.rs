//! Link settings of the extension module.

fn main() {
    // Our threads run the module's code, so it must never be unmapped: dlclose becomes a no-op.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
