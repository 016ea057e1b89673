use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{MemberId, Time};
use conclave_delivery::Log;
use conclave_protocol::limits;
use conclave_protocol::ws::LogTime;

use crate::api::{Block, ConnectionId, MediaEvent, Record};
use crate::authors::Authors;
use crate::memory::LOG_SHARE;

/// Whose WebSocket closed without a word is gone after this: a change of network takes less, and costs no epoch.
const GONE_AFTER: Duration = Duration::from_secs(2);
/// A member without its media connection for so long is reported as disconnected there.
const MEDIA_DISCONNECTED_AFTER: Duration = Duration::from_secs(3);
/// Who asked to be let in waits so long for a member to add it.
const ADDED_AFTER: Duration = Duration::from_secs(10);
/// Identities that one session remembers, for each that may be connected.
const IDENTITIES_PER_PERSON: usize = 4;

/// One live occurrence of a meeting.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) record: Record,
    pub(crate) log: Log,
    /// From where the first member came.
    pub(crate) block: Block,
    pub(crate) authors: Authors,
    /// The origin of the log's time.
    began: Time,
    /// Identities that are connected, or were a moment ago.
    members: BTreeMap<MemberId, Presence>,
    /// When somebody last asked to be let in.
    asked: Option<Time>,
    /// Since when no member is connected.
    empty_since: Option<Time>,
}

/// One identity in a session.
#[derive(Debug, Default)]
struct Presence {
    conn: Option<ConnectionId>,
    /// It appended a commit or asked to be let in: the others may have it in the group, or at the door.
    known: bool,
    /// The log says that it is gone.
    gone: bool,
    /// It said that it leaves.
    left: bool,
    /// Since when its WebSocket is closed.
    closed_at: Option<Time>,
    /// Since when its media connection is gone, until that is told.
    media_lost_at: Option<Time>,
}

impl Presence {
    fn deadline(&self) -> Option<Time> {
        match (self.conn, self.closed_at) {
            (None, Some(at)) if self.gone => Some(at + limits::LINGER),
            (None, Some(at)) if self.left => Some(at),
            (None, Some(at)) => Some(at + GONE_AFTER),
            (None, None) | (Some(_), _) => self.media_lost_at.map(|at| at + MEDIA_DISCONNECTED_AFTER),
        }
    }
}

/// What [`Session::fire_timers`] found due.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// The log is to say that these are gone.
    pub(crate) gone: Vec<MemberId>,
    /// How many of them said that they leave.
    pub(crate) left: u64,
    /// The others are to be told that the media connections of these are gone.
    pub(crate) media_disconnected: Vec<MemberId>,
    /// Forgotten here, to be expelled from media.
    pub(crate) expelled: Vec<MemberId>,
}

impl Session {
    pub(crate) fn new(record: Record, block: Block, now: Time) -> Self {
        Self {
            record,
            log: Log::new(limits::LOG_BYTES),
            block,
            authors: Authors::default(),
            began: now,
            members: BTreeMap::new(),
            asked: None,
            empty_since: Some(now),
        }
    }

    /// Bytes of the log, beyond its share, that no joiner needs.
    pub(crate) fn spare(&self) -> usize {
        self.log.used().saturating_sub(self.log.needed().max(LOG_SHARE))
    }

    /// The log's time.
    pub(crate) fn log_time(&self, now: Time) -> LogTime {
        LogTime(now.as_millis().saturating_sub(self.began.as_millis()))
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

    /// Whether a member is connected by a connection that it opened after `conn`: lines keep no time with each other, and what was sent last
    /// on one that is given up can come after what was sent first on the next.
    pub(crate) fn is_outdated(&self, identity: &MemberId, conn: ConnectionId) -> bool {
        self.members.get(identity).and_then(|presence| presence.conn).is_some_and(|newer| newer > conn)
    }

    /// A member is admitted; gives the connection that it replaces.
    pub(crate) fn connect(&mut self, identity: MemberId, conn: ConnectionId) -> Option<ConnectionId> {
        self.empty_since = None;
        let presence = self.members.entry(identity).or_default();
        let replaced = presence.conn;
        *presence = Presence { conn: Some(conn), known: presence.known, ..Presence::default() };
        replaced
    }

    /// A connection is gone. False: the member had replaced it before.
    pub(crate) fn disconnect(&mut self, identity: &MemberId, conn: ConnectionId, now: Time) -> bool {
        let Some(presence) = self.members.get_mut(identity).filter(|presence| presence.conn == Some(conn)) else { return false };
        (presence.conn, presence.closed_at, presence.media_lost_at) = (None, Some(now), None);
        if self.connected() == 0 {
            self.empty_since = Some(now);
        }
        true
    }

    /// A member says that it leaves.
    pub(crate) fn on_leave(&mut self, identity: &MemberId) {
        if let Some(presence) = self.members.get_mut(identity) {
            presence.left = true;
        }
    }

    /// A member's connection is open and mute. Gives whether the log is to say that it is gone.
    pub(crate) fn on_mute(&mut self, identity: &MemberId) -> bool {
        self.members.get_mut(identity).is_some_and(|presence| presence.known && !std::mem::replace(&mut presence.gone, true))
    }

    /// Whether `identity` is no member, by what the server can know, and has not said that it leaves: nobody misses it if it falls silent on
    /// the way in.
    pub(crate) fn is_on_the_way_in(&self, identity: &MemberId) -> bool {
        self.members.get(identity).is_some_and(|presence| !presence.known && !presence.left)
    }

    /// A member's connection is mute no longer.
    pub(crate) fn on_heard(&mut self, identity: &MemberId) {
        if let Some(presence) = self.members.get_mut(identity) {
            presence.gone = false;
        }
    }

    /// A client's request to be let in has its place in the log.
    pub(crate) fn on_join_request(&mut self, identity: &MemberId, now: Time) {
        self.asked = Some(now);
        if let Some(presence) = self.members.get_mut(identity) {
            presence.known = true;
        }
    }

    /// A member's commit has its place in the log. Gives who is gone, if the commit is that of a newcomer, or may have added some who asked: they
    /// may not have read it.
    pub(crate) fn on_commit(&mut self, identity: &MemberId, newcomer: bool, now: Time) -> Vec<MemberId> {
        let newcomer = newcomer || self.asked.is_some_and(|at| now < at + ADDED_AFTER);
        if let Some(presence) = self.members.get_mut(identity) {
            presence.known = true;
        }
        let gone = self.members.iter().filter(|(_, presence)| newcomer && presence.gone && presence.known);
        gone.map(|(who, _)| *who).collect()
    }

    /// A media connection came or went. False: the session does not know the member.
    pub(crate) fn on_media_event(&mut self, event: MediaEvent, now: Time) -> bool {
        let (MediaEvent::Joined { identity, .. } | MediaEvent::Left { identity, .. }) = event;
        let Some(presence) = self.members.get_mut(&identity) else { return false };
        match event {
            MediaEvent::Joined { .. } => presence.media_lost_at = None,
            MediaEvent::Left { .. } if presence.conn.is_some() => presence.media_lost_at = Some(now),
            MediaEvent::Left { .. } => {}
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

    /// Finds the members whose connections are gone for too long, each step once.
    pub(crate) fn fire_timers(&mut self, now: Time) -> Due {
        let mut due = Due::default();
        for (identity, presence) in &mut self.members {
            if presence.deadline().is_none_or(|at| at > now) {
                continue;
            }
            if presence.media_lost_at.take().is_some() {
                due.media_disconnected.push(*identity);
            } else if std::mem::replace(&mut presence.gone, true) {
                due.expelled.push(*identity);
            } else if presence.known {
                due.gone.push(*identity);
                due.left += u64::from(presence.left);
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
