//! Connections of the media server against those of str0m, in virtual time.

mod forwarding;
mod lines;
mod offered;
mod offers;
mod rig;
