//! Link settings of the extension module.

fn main() {
    // Whether this Python has a GIL: cfg(Py_GIL_DISABLED).
    pyo3_build_config::use_pyo3_cfgs();
    // Our threads run the module's code, so it must never be unmapped: dlclose becomes a no-op.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
