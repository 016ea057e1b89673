//! Bounds that both sides keep. Sizes in bytes.

use std::time::Duration;

/// Version of everything in this crate, and of what members seal for each other. The server refuses another one by [`crate::ws::CloseReason::Version`].
pub const PROTOCOL: u16 = 9;
/// Largest WebSocket message, either direction; checked before it is parsed.
pub const MESSAGE: usize = 4 * 1024 * 1024 + 1024;
/// Largest sealed snapshot or welcome.
pub const SEALED_HANDSHAKE: usize = 4 * 1024 * 1024;
/// Largest sealed commit: it carries no tree.
pub const SEALED_COMMIT: usize = 256 * 1024;
/// Largest sealed application message, proposal or join request.
pub const SEALED_MESSAGE: usize = 64 * 1024;
/// Largest sealed title-and-policy record.
pub const SEALED_META: usize = 8 * 1024;
/// Largest sealed host key on its way to another device.
pub const SEALED_HOST_KEY: usize = 128;
/// All that a WebSocket may send before its client is admitted.
pub const BEFORE_ADMISSION: usize = 64 * 1024;
/// Largest HTTP body.
pub const HTTP_BODY: usize = 64 * 1024;
/// Client messages per second and connection, on average, and the burst allowed on top.
pub const MESSAGES_PER_SECOND: u32 = 50;
/// See [`MESSAGES_PER_SECOND`].
pub const MESSAGE_BURST: u32 = 200;
/// Bytes of sealed entries that one session's log holds before the oldest messages go.
pub const LOG_BYTES: usize = 16 * 1024 * 1024;
/// People in one session unless the meeting says fewer.
pub const PEOPLE: u32 = 200;
/// Members who may come in through a closed door; whoever is inside is among them.
pub const ADMITTED: usize = 1024;
/// Removed members whose keys are kept out.
pub const BARRED: usize = 128;
/// Members whom a host may make hosts.
pub const APPOINTED: usize = 8;
/// Members with whom one permission is otherwise than with everybody.
pub const EXCEPTED: usize = 256;
/// People at the door whom a client remembers.
pub const WAITING: usize = 256;
/// Most newcomers whom one commit adds.
pub const BATCH: usize = 64;
/// For how many epochs a KeyPackage is good after the one in which it was made.
pub const KEY_PACKAGE_EPOCHS: u64 = 64;
/// Longest word of a host who declines, in Unicode characters.
pub const DECLINE_CHARS: usize = 200;
/// Characters of a display name, after clean-up.
pub const NAME_CHARS: usize = 64;
/// Characters of the host that a page says it came from, with its port.
pub const SITE_CHARS: usize = 100;
/// Characters of a chat message.
pub const CHAT_CHARS: usize = 4000;
/// Characters of a meeting title.
pub const TITLE_CHARS: usize = 120;
/// An admission challenge must be answered within this.
pub const CHALLENGE_TTL: Duration = Duration::from_secs(20);
/// A host key that nobody took is erased after this.
pub const HOST_KEY_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// The log of a session is erased when nobody was connected for this long.
pub const LINGER: Duration = Duration::from_secs(60);
