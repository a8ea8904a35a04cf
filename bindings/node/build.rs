//! Tells the linker that Node.js supplies the napi symbols.

fn main() {
    napi_build::setup();
}
