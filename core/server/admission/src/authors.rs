use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{Bucket, Time};

use crate::api::{Block, ConnectionId};

/// Bytes of commits and proposals between two snapshots: members append a snapshot long before.
const CONNECTION_BYTES: usize = 512 * 1024;
const BLOCK_BYTES: usize = 2 * 1024 * 1024;
/// Commits and proposals per second on average, and at once. Between two of them another member's commit finds its place.
const CONNECTION_RATE: (u32, u32) = (4, 32);
const BLOCK_RATE: (u32, u32) = (10, 100);
/// Who has appended none for so long is as good as new.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// To whose account a commit or proposal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Author {
    Connection(ConnectionId),
    Block(Block),
}

/// Who appended how many commits and proposals to one session's log. A joiner must read all of them, whatever is in them, so that no single
/// author may fill the log with them.
#[derive(Debug, Default)]
pub(crate) struct Authors(BTreeMap<Author, Account>);

#[derive(Debug)]
struct Account {
    /// Since the last snapshot.
    bytes: usize,
    rate: Bucket,
    last: Time,
}

impl Authors {
    /// Whether each of these may append so many bytes more.
    pub(crate) fn may_append(&mut self, authors: &[Author], bytes: usize, now: Time) -> bool {
        authors.iter().all(|author| {
            let account = self.account(*author, now);
            let bound = if matches!(author, Author::Connection(_)) { CONNECTION_BYTES } else { BLOCK_BYTES };
            account.bytes + bytes <= bound && account.rate.has(1, now)
        })
    }

    /// They did.
    pub(crate) fn on_appended(&mut self, authors: &[Author], bytes: usize, now: Time) {
        for author in authors {
            let account = self.account(*author, now);
            account.rate.take(1, now);
            account.bytes += bytes;
            account.last = now;
        }
    }

    /// Joiners start behind all that was appended.
    pub(crate) fn on_snapshot(&mut self, now: Time) {
        self.0.retain(|_, account| now < account.last + FORGOTTEN_AFTER);
        for account in self.0.values_mut() {
            account.bytes = 0;
        }
    }

    fn account(&mut self, author: Author, now: Time) -> &mut Account {
        let (rate, burst) = if matches!(author, Author::Connection(_)) { CONNECTION_RATE } else { BLOCK_RATE };
        self.0.entry(author).or_insert_with(|| Account { bytes: 0, rate: Bucket::full(rate, burst, now), last: now })
    }
}
