//! The order in memory and in Redis: both are held to the same, and Redis to what only it has to bear.

mod conformance;
mod counts;
mod faults;
mod histories;
mod node;
mod relay;
mod settings;
