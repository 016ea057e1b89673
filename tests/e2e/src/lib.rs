//! Real browsers, a real server and native members in one meeting: see `tests/meeting.rs` and the script beside it.
