//! Where on the server's origin each message goes.

/// `POST` of a [`crate::http::CreateMeeting`].
pub const MEETINGS: &str = "/api/meetings";
/// `POST` of a [`crate::http::LookupMeeting`].
pub const MEETING_LOOKUP: &str = "/api/meetings/lookup";
/// The WebSocket of [`crate::ws`].
pub const LIVE: &str = "/api/live";
