//! The log of releases from outside: what runs a log, and what runs a witness. All that is decided is decided in `conclave_transparency`.

mod key_file;
mod listener;
pub mod log;
mod log_folder;
pub mod witness;
mod witness_folder;
