use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{MemberId, Time};
use conclave_delivery::{LogId, Mirror};
use conclave_protocol::limits;

use crate::api::{Block, ConnectionId, MediaEvent, Record};
use crate::authors::Authors;
use crate::memory::LOG_SHARE;

/// Whose WebSocket closed without a word is gone after this: a change of network takes less, and costs no epoch.
const GONE_AFTER: Duration = Duration::from_secs(2);
/// Whoever was sent on to another node, and is at none, is gone after this.
const SENT_ON: Duration = Duration::from_secs(10);
/// Nodes do not have one clock: a log that ends so long before the end that was told has come to it.
const ABOUT_THE_END: Duration = Duration::from_secs(2);
/// A member without its media connection for so long is reported as disconnected there.
const MEDIA_DISCONNECTED_AFTER: Duration = Duration::from_secs(3);

/// One live occurrence of a meeting, as far as this node serves it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) record: Record,
    pub(crate) log_id: LogId,
    pub(crate) log: Mirror,
    /// From where the first member of this node came.
    pub(crate) block: Block,
    pub(crate) authors: Authors,
    /// Identities that are connected here, or were a moment ago.
    members: BTreeMap<MemberId, Presence>,
    /// Since when no member is connected here.
    empty_since: Option<Time>,
    /// When the log has lasted for as long as it may, as the order told.
    pub(crate) ends_at: Option<Time>,
}

/// One identity in a session.
#[derive(Debug)]
struct Presence {
    conn: ConnectionId,
    /// It appended a commit or asked to be let in: the others may have it in the group, or at the door.
    known: bool,
    /// The log says that it is gone.
    gone: bool,
    /// It said that it leaves.
    left: bool,
    /// It was told to go to another node.
    sent_on: bool,
    /// Since when its WebSocket is closed.
    closed_at: Option<Time>,
    /// Since when its media connection is gone, until that is told.
    media_lost_at: Option<Time>,
}

impl Presence {
    fn deadline(&self) -> Option<Time> {
        match self.closed_at {
            Some(at) if self.gone => Some(at + limits::LINGER),
            Some(at) if self.left => Some(at),
            Some(at) if self.sent_on => Some(at + SENT_ON),
            Some(at) => Some(at + GONE_AFTER),
            None => self.media_lost_at.map(|at| at + MEDIA_DISCONNECTED_AFTER),
        }
    }
}

/// What [`Session::fire_timers`] found due.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// The log is to say that these are gone, if the others may miss them. With the connection that each had.
    pub(crate) gone: Vec<(MemberId, ConnectionId)>,
    /// These of them were sent on, and kept their place until now.
    pub(crate) stayed_away: Vec<(MemberId, ConnectionId)>,
    /// How many of those who may be missed said that they leave, and how many did not.
    pub(crate) left: u64,
    pub(crate) lost: u64,
    /// The others are to be told that the media connections of these are gone.
    pub(crate) media_disconnected: Vec<MemberId>,
    /// Forgotten here, to be expelled from media. With the connection that each had.
    pub(crate) expelled: Vec<(MemberId, ConnectionId)>,
}

impl Session {
    pub(crate) fn new(record: Record, log_id: LogId, log: Mirror, block: Block, now: Time) -> Self {
        Self { record, log_id, log, block, authors: Authors::default(), members: BTreeMap::new(), empty_since: Some(now), ends_at: None }
    }

    /// Bytes of the log, beyond its share, that no joiner needs.
    pub(crate) fn spare(&self) -> usize {
        self.log.used().saturating_sub(self.log.needed().max(LOG_SHARE))
    }

    /// Connections of all members.
    pub(crate) fn connections(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.members.values().filter(|presence| presence.closed_at.is_none()).map(|presence| presence.conn)
    }

    pub(crate) fn connected(&self) -> u32 {
        u32::try_from(self.connections().count()).unwrap_or(u32::MAX)
    }

    /// A member came in; gives the connection that it replaces. `known`: the others may have it in the group, or at the door.
    pub(crate) fn connect(&mut self, identity: MemberId, conn: ConnectionId, known: bool) -> Option<ConnectionId> {
        self.empty_since = None;
        let presence = Presence { conn, known, gone: false, left: false, sent_on: false, closed_at: None, media_lost_at: None };
        let before = self.members.insert(identity, presence)?;
        before.closed_at.is_none().then_some(before.conn)
    }

    /// A connection is gone. False: the member had replaced it before.
    pub(crate) fn disconnect(&mut self, identity: &MemberId, conn: ConnectionId, now: Time) -> bool {
        let Some(presence) = self.members.get_mut(identity).filter(|presence| presence.conn == conn && presence.closed_at.is_none()) else {
            return false;
        };
        (presence.closed_at, presence.media_lost_at) = (Some(now), None);
        if self.connected() == 0 {
            self.empty_since = Some(now);
        }
        true
    }

    /// A member is connected on another node. `None`: it was not here; else gives the connection that it still had here.
    pub(crate) fn on_moved(&mut self, identity: &MemberId, now: Time) -> Option<Option<ConnectionId>> {
        let before = self.members.remove(identity)?;
        if self.connected() == 0 && self.empty_since.is_none() {
            self.empty_since = Some(now);
        }
        Some(before.closed_at.is_none().then_some(before.conn))
    }

    /// Everybody, the connection of each, and whether it is open and whether it was called gone.
    pub(crate) fn members(&self) -> impl Iterator<Item = (MemberId, ConnectionId, bool, bool)> + '_ {
        self.members.iter().map(|(who, presence)| (*who, presence.conn, presence.closed_at.is_none(), presence.gone))
    }

    /// A member says that it leaves.
    pub(crate) fn on_leave(&mut self, identity: &MemberId) {
        if let Some(presence) = self.members.get_mut(identity) {
            presence.left = true;
        }
    }

    /// A member is told to go to another node.
    pub(crate) fn send_on(&mut self, identity: &MemberId) {
        if let Some(presence) = self.members.get_mut(identity) {
            presence.sent_on = !presence.left;
        }
    }

    pub(crate) fn is_sent_on(&self, identity: &MemberId) -> bool {
        self.members.get(identity).is_some_and(|presence| presence.sent_on)
    }

    /// Whether somebody was sent on who is not at another node yet, nor gone.
    pub(crate) fn waits_for_somebody(&self) -> bool {
        self.members.values().any(|presence| presence.sent_on && !presence.gone)
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

    /// A member's connection is mute no longer. Gives whether it was called gone.
    pub(crate) fn on_heard(&mut self, identity: &MemberId) -> bool {
        self.members.get_mut(identity).is_some_and(|presence| std::mem::replace(&mut presence.gone, false))
    }

    /// The others may have a member in the group from now on, or at the door.
    pub(crate) fn on_known(&mut self, identity: &MemberId) {
        if let Some(presence) = self.members.get_mut(identity) {
            presence.known = true;
        }
    }

    /// A media connection came or went. False: the session does not know the member.
    pub(crate) fn on_media_event(&mut self, event: MediaEvent, now: Time) -> bool {
        let (MediaEvent::Joined { identity, .. } | MediaEvent::Left { identity, .. }) = event;
        let Some(presence) = self.members.get_mut(&identity) else { return false };
        match event {
            MediaEvent::Joined { .. } => presence.media_lost_at = None,
            MediaEvent::Left { .. } if presence.closed_at.is_none() => presence.media_lost_at = Some(now),
            MediaEvent::Left { .. } => {}
        }
        true
    }

    /// When its time is up, or that of the meeting's record.
    fn expires_at(&self) -> Time {
        let record = Time::from_millis(self.record.expires_at.saturating_mul(1000));
        self.ends_at.map_or(record, |ends_at| ends_at.min(record))
    }

    /// Whether a log that is no more has come to its end, rather than been lost.
    pub(crate) fn has_lasted(&self, now: Time) -> bool {
        self.ends_at.is_some_and(|ends_at| now + ABOUT_THE_END >= ends_at)
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
                due.expelled.push((*identity, presence.conn));
            } else {
                due.gone.push((*identity, presence.conn));
                if presence.sent_on {
                    due.stayed_away.push((*identity, presence.conn));
                }
                due.left += u64::from(presence.known && presence.left);
                due.lost += u64::from(presence.known && !presence.left);
            }
        }
        for (identity, _) in &due.expelled {
            self.members.remove(identity);
        }
        due
    }
}
