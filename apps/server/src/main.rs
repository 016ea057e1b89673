//! The `conclave` program: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    conclave_server::main()
}
