//! The log of releases from outside: what runs a log, what runs a witness, and what rebuilds a release. All that is decided is decided in `conclave_transparency`.

mod key_file;
mod listener;
pub mod log;
mod log_folder;
pub mod rebuild;
pub mod witness;
mod witness_folder;
