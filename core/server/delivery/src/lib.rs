//! One live session's blind, ordered log: what members send each other, sealed, in one order for all.
//!
//! ```text
//!   append ->  1 commit   2 message   3 proposal   4 commit   5 snapshot   6 message   7 commit
//!                                                             ^ a joiner reads 5, 7, then everything
//!                         ^ a member that had 2 and returns reads 3, 4, 5, 6, 7, then everything
//!              `-- evictable when memory is short ---'        `-- 5 and 7 stay: a joiner needs them
//! ```
//!
//! Commits are compare-and-swap: of two members that commit at the same time, the second is refused as stale. A
//! snapshot is too, so that a joiner that starts from it misses nothing that came before it.
//!
//! Each entry carries when it came, by the log's own clock, which never goes back: members agree on time as they agree on order.
//!
//! What decides the order ([`Order`]) is apart from what serves it ([`Mirror`]): so several nodes can serve one session, whose order is made
//! in one place. A node asks by [`Ask`] and is [`Told`].
//!
//! Readers hold a [`Cursor`] and pull; so the log itself is everybody's queue, and a slow reader costs no memory.
//!
//! ```
//! use conclave_base::Seq;
//! use conclave_delivery::Log;
//! use conclave_protocol::ws::{Class, LogTime};
//!
//! let mut log = Log::new(conclave_protocol::limits::LOG_BYTES);
//! let founding = log.append(Class::Commit, Seq(0), b"sealed".to_vec(), LogTime(0))?;
//! let mut reader = log.reader_from_snapshot();
//! assert_eq!(log.read(&mut reader)?.map(|entry| entry.seq), Some(founding));
//! assert!(log.read(&mut reader)?.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Architecture invariant: nothing here can open an entry; there is no key, no MLS and no parser of what is sealed.
//! Architecture invariant: nothing here is serializable to a disk; the log lives and dies in memory.

#![warn(missing_docs)]

mod ask;
mod log;
mod mirror;
mod order;
mod rules;

pub use ask::{Ask, Contents, LogId, Ordered, Place, Told, Trim};
pub use log::{AppendError, Log};
pub use mirror::{Cursor, ENTRY_OVERHEAD, Evicted, Mirror, OutOfOrder};
pub use order::{ADDED_AFTER, IDENTITIES_PER_PERSON, Order};
pub use rules::limit;
