//! Whole rooms, as clients see them.

mod coming;
mod hostile;
mod media;
mod world;
