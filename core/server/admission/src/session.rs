use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{MemberId, Time};
use conclave_delivery::Log;
use conclave_protocol::limits;

use crate::api::{ConnectionId, MediaEvent, Record};

/// A member without its WebSocket or its media connection for so long is reported as disconnected.
const DISCONNECTED_AFTER: Duration = Duration::from_secs(3);
/// Identities that one session remembers, for each that may be connected.
const IDENTITIES_PER_PERSON: usize = 4;

/// One live occurrence of a meeting.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) record: Record,
    pub(crate) log: Log,
    /// Identities that are connected, or were a moment ago.
    members: BTreeMap<MemberId, Presence>,
    /// Since when no member is connected.
    empty_since: Option<Time>,
}

/// One identity in a session.
#[derive(Debug, Default)]
struct Presence {
    conn: Option<ConnectionId>,
    /// Since when its WebSocket or its media connection is gone.
    away_since: Option<Time>,
    /// The other members were notified of it.
    notified: bool,
}

impl Presence {
    fn deadline(&self) -> Option<Time> {
        match (self.notified, self.conn) {
            (false, _) => self.away_since.map(|since| since + DISCONNECTED_AFTER),
            (true, None) => self.away_since.map(|since| since + limits::LINGER),
            (true, Some(_)) => None,
        }
    }
}

/// What [`Session::fire_timers`] found due.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// The others are to be notified of these.
    pub(crate) disconnected: Vec<MemberId>,
    /// Forgotten here, to be expelled from media.
    pub(crate) expelled: Vec<MemberId>,
}

impl Session {
    pub(crate) fn new(record: Record, now: Time) -> Self {
        Self { record, log: Log::new(limits::LOG_BYTES), members: BTreeMap::new(), empty_since: Some(now) }
    }

    /// Connections of all members.
    pub(crate) fn connections(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.members.values().filter_map(|presence| presence.conn)
    }

    pub(crate) fn connected(&self) -> u32 {
        u32::try_from(self.connections().count()).unwrap_or(u32::MAX)
    }

    /// Whether there is no place for `identity` among `people`. A connected identity keeps its own.
    pub(crate) fn is_full(&self, identity: &MemberId, people: u32) -> bool {
        match self.members.get(identity) {
            Some(presence) if presence.conn.is_some() => false,
            known => {
                let most = (people as usize).saturating_mul(IDENTITIES_PER_PERSON);
                self.connected() >= people || (known.is_none() && self.members.len() >= most)
            }
        }
    }

    /// A member is admitted; gives the connection that it replaces.
    pub(crate) fn connect(&mut self, identity: MemberId, conn: ConnectionId) -> Option<ConnectionId> {
        self.empty_since = None;
        let before = self.members.insert(identity, Presence { conn: Some(conn), ..Presence::default() });
        before.and_then(|presence| presence.conn)
    }

    /// A connection is gone. False: the member had replaced it before.
    pub(crate) fn disconnect(&mut self, identity: &MemberId, conn: ConnectionId, now: Time) -> bool {
        let Some(presence) = self.members.get_mut(identity).filter(|presence| presence.conn == Some(conn)) else { return false };
        // When the loss of its media was notified before, the loss of its WebSocket is notified again.
        *presence = Presence { conn: None, away_since: Some(now), notified: false };
        if self.connected() == 0 {
            self.empty_since = Some(now);
        }
        true
    }

    /// A media connection came or went. False: the session does not know the member.
    pub(crate) fn on_media_event(&mut self, event: MediaEvent, now: Time) -> bool {
        let (MediaEvent::Joined { identity, .. } | MediaEvent::Left { identity, .. }) = event;
        let Some(presence) = self.members.get_mut(&identity) else { return false };
        match event {
            MediaEvent::Joined { .. } if presence.conn.is_some() => (presence.away_since, presence.notified) = (None, false),
            MediaEvent::Left { .. } if presence.away_since.is_none() => presence.away_since = Some(now),
            MediaEvent::Joined { .. } | MediaEvent::Left { .. } => {}
        }
        true
    }

    pub(crate) fn expires_at(&self) -> Time {
        Time::from_millis(self.record.expires_at.saturating_mul(1000))
    }

    /// Whether its time is up, or it was empty for too long.
    pub(crate) fn is_over(&self, now: Time) -> bool {
        now >= self.expires_at() || self.empty_since.is_some_and(|since| now >= since + limits::LINGER)
    }

    /// When to call [`Self::fire_timers`] next.
    pub(crate) fn deadline(&self) -> Time {
        let over = self.empty_since.map(|since| since + limits::LINGER);
        let away = self.members.values().filter_map(Presence::deadline);
        away.chain(over).fold(self.expires_at(), Time::min)
    }

    /// Finds the members that are away for too long, each step once.
    pub(crate) fn fire_timers(&mut self, now: Time) -> Due {
        let mut due = Due::default();
        for (identity, presence) in &mut self.members {
            if presence.deadline().is_none_or(|at| at > now) {
                continue;
            }
            if std::mem::replace(&mut presence.notified, true) {
                due.expelled.push(*identity);
            } else {
                due.disconnected.push(*identity);
            }
        }
        for identity in &due.expelled {
            self.members.remove(identity);
        }
        due
    }

    /// Identities of all members, connected or away.
    pub(crate) fn into_identities(self) -> impl Iterator<Item = MemberId> {
        self.members.into_keys()
    }
}
