//! Whole rooms, as clients see them.

mod hostile;
mod joining;
mod media;
mod two_connections;
mod world;
