//! The `conclave` program.
fn main() {}
