//! Link settings of the JNI library.

fn main() {
    // Our threads run the library's code, so it must never be unmapped, also not with the class loader that loaded it.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
