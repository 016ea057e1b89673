//! Whole meetings in one process, with a blind server on a true log and a clock that only the test moves.

mod batch;
mod coming;
mod comparing;
mod door;
mod floor;
mod links;
mod log;
mod media;
mod passphrases;
mod people;
mod quietness;
mod silence;
mod world;
