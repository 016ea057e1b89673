use conclave_protocol::{limits, paths};
use conclave_session::snapshot::{CHAT_LINES, NOTICES, Snapshot};
use conclave_session::{meeting_link, meetings_file, passphrase};
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

/// What the page takes from Rust and needs before the module is there: `cargo xtask web` writes it to `apps/web/src/constants.ts`.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Constants {
    /// Characters of a chat message.
    chat_chars: usize,
    /// Characters of a display name.
    name_chars: usize,
    /// Characters of a meeting title.
    title_chars: usize,
    /// Characters of what a host says who declines to let somebody in.
    decline_chars: usize,
    /// Lines of chat in a snapshot; older ones go.
    chat_lines: usize,
    /// Notices in a snapshot; older ones go.
    notices: usize,
    /// Largest HTTP body, in bytes.
    http_body: usize,
    /// Path of a meeting's page.
    meeting_page: &'static str,
    /// Where the WebSocket answers.
    websocket_path: &'static str,
    /// By what the page of the desktop program says to a server of another origin that it is one: a header, and a subprotocol of the WebSocket.
    loader_mark: &'static str,
    /// Characters of a link's fragment.
    link_chars: usize,
    /// What a link's fragment looks like that nothing happened to, as a regular expression. All others are for `readLink`.
    link_pattern: String,
    /// Shortest passphrase of a meeting, in characters.
    passphrase_chars: usize,
    /// One that also withstands whoever guesses with the link and the help of the server.
    strong_passphrase_chars: usize,
    /// Different characters that one has at least.
    passphrase_different: usize,
    /// Shortest passphrase of a file of meetings, in characters.
    file_passphrase_chars: usize,
    /// Largest file of meetings, in bytes.
    file_bytes: usize,
    /// The snapshot before anything is known.
    empty_snapshot: Snapshot,
}

/// See [`Constants`].
#[wasm_bindgen]
pub fn constants() -> Ts<Constants> {
    crate::to_js(&Constants {
        chat_chars: limits::CHAT_CHARS,
        name_chars: limits::NAME_CHARS,
        title_chars: limits::TITLE_CHARS,
        decline_chars: limits::DECLINE_CHARS,
        chat_lines: CHAT_LINES,
        notices: NOTICES,
        http_body: limits::HTTP_BODY,
        meeting_page: paths::MEETING_PAGE,
        websocket_path: paths::LIVE,
        loader_mark: paths::LOADER_MARK,
        link_chars: meeting_link::CHARS,
        link_pattern: meeting_link::pattern(),
        passphrase_chars: passphrase::CHARS,
        strong_passphrase_chars: passphrase::STRONG_CHARS,
        passphrase_different: passphrase::DIFFERENT,
        file_passphrase_chars: meetings_file::PASSPHRASE_CHARS,
        file_bytes: meetings_file::MAX_FILE,
        empty_snapshot: Snapshot::default(),
    })
}
