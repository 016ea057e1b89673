use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{MemberId, Time};
use conclave_delivery::Log;
use conclave_protocol::limits;

use crate::api::{Conn, Record};

/// A member away for so long is called gone.
pub(crate) const GONE_AFTER: Duration = Duration::from_secs(3);

/// One live occurrence of a meeting.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) record: Record,
    pub(crate) log: Log,
    /// Who is connected, or was a moment ago.
    pub(crate) present: BTreeMap<MemberId, Presence>,
    /// Since when nobody is connected.
    pub(crate) empty_since: Option<Time>,
}

/// One identity in a session.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    pub(crate) conn: Option<Conn>,
    /// Since when its WebSocket or its media connection is gone.
    pub(crate) away_since: Option<Time>,
    /// The others were told so.
    pub(crate) told: bool,
}

impl Presence {
    fn due(&self) -> Option<Time> {
        match (self.told, self.conn) {
            (false, _) => self.away_since.map(|since| since + GONE_AFTER),
            (true, None) => self.away_since.map(|since| since + limits::LINGER),
            (true, Some(_)) => None,
        }
    }

    pub(crate) fn is_due(&self, now: Time) -> bool {
        self.due().is_some_and(|due| due <= now)
    }
}

impl Session {
    pub(crate) fn new(record: Record, now: Time) -> Self {
        Self { record, log: Log::new(limits::LOG_BYTES), present: BTreeMap::new(), empty_since: Some(now) }
    }

    pub(crate) fn conns(&self) -> impl Iterator<Item = Conn> + '_ {
        self.present.values().filter_map(|presence| presence.conn)
    }

    pub(crate) fn inside(&self) -> u32 {
        u32::try_from(self.conns().count()).unwrap_or(u32::MAX)
    }

    pub(crate) fn expires(&self) -> Time {
        Time::from_millis(self.record.expires_at.saturating_mul(1000))
    }

    /// Nobody came back in time.
    pub(crate) fn is_over(&self, now: Time) -> bool {
        self.empty_since.is_some_and(|since| now >= since + limits::LINGER)
    }

    /// When to look at it next.
    pub(crate) fn review(&self) -> Time {
        let over = self.empty_since.map(|since| since + limits::LINGER);
        let dues = self.present.values().filter_map(Presence::due);
        dues.chain(over).fold(self.expires(), Time::min)
    }
}
