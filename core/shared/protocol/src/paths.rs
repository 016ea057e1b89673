//! Where on the server's origin each message goes, and how.

/// The page of a meeting: a link is this with its secret as the fragment, which browsers do not send. Without a fragment, the secret was cut off.
pub const MEETING_PAGE: &str = "/m";
/// `POST` of a [`crate::http::CreateMeeting`].
pub const MEETINGS: &str = "/api/meetings";
/// `POST` of a [`crate::http::UpdateMeeting`].
pub const MEETING_UPDATE: &str = "/api/meetings/update";
/// `POST` of a [`crate::http::LookupMeeting`].
pub const MEETING_LOOKUP: &str = "/api/meetings/lookup";
/// `POST` of a [`crate::http::EvaluatePassphrase`].
pub const PASSPHRASE: &str = "/api/meetings/passphrase";
/// `POST` of a [`crate::http::PassphraseRight`].
pub const PASSPHRASE_RIGHT: &str = "/api/meetings/passphrase/right";
/// `POST` of a [`crate::http::OfferHostKey`].
pub const HOST_KEY: &str = "/api/meetings/host-key";
/// `POST` of a [`crate::http::AskHostKeys`].
pub const HOST_KEY_OFFERS: &str = "/api/meetings/host-key/offers";
/// `POST` of a [`crate::http::TakeHostKey`].
pub const HOST_KEY_TAKE: &str = "/api/meetings/host-key/take";
/// Folder of what proves the page: [`RELEASE`] and [`RELEASE_PROOF`].
pub const RELEASES: &str = "/.well-known/conclave";
/// The release that is served, as it stands in the log (`docs/design/007-transparency.md`).
pub const RELEASE: &str = "release.txt";
/// Its proof (c2sp.org/tlog-proof).
pub const RELEASE_PROOF: &str = "release.txt.tlog-proof";
/// Header of each request, and subprotocol of the WebSocket, by which the page of the desktop program says at another origin what it is.
pub const LOADER_MARK: &str = "conclave-loader";
/// The WebSocket of [`crate::ws`].
pub const LIVE: &str = "/api/live";
