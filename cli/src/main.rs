//! The entrakey command.
fn main() {}
