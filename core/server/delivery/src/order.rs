use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use conclave_base::{MemberId, Seq, Time};
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, LogTime};

use crate::ask::{Ask, LogId, Ordered, Place, Told, Trim};
use crate::log::AppendError;
use crate::mirror::ENTRY_OVERHEAD;
use crate::rules::{Rules, is_catch_up};

/// Who asked to be let in waits so long for a member to add it.
pub const ADDED_AFTER: Duration = Duration::from_secs(10);
/// Identities that one session remembers, for each that may be connected.
pub const IDENTITIES_PER_PERSON: usize = 4;

/// What decides the order of one session, and who is in it: the authority of a single process. `order.lua` of `apps/server` decides the same
/// for many, and a test holds both to that.
#[derive(Debug, Clone)]
pub struct Order {
    log: LogId,
    rules: Rules,
    /// The origin of the log's time.
    born: Time,
    /// How much of it there is.
    lasts: Option<Duration>,
    /// Memory that the entries take that were not forgotten.
    used: usize,
    /// The last entry that was forgotten.
    base: Seq,
    /// What each entry after it takes, and whether it is a commit, proposal or snapshot.
    costs: VecDeque<(usize, bool)>,
    snapshot: Seq,
    /// What those take that joiners need of what came up to `base`.
    kept_bytes: usize,
    /// Identities that are connected, or were a moment ago.
    members: BTreeMap<MemberId, Presence>,
    /// When somebody last asked to be let in.
    asked: Option<Time>,
    /// Since when no member is connected.
    empty_since: Option<Time>,
}

/// One identity in a session.
#[derive(Debug, Clone, Copy)]
struct Presence {
    place: Place,
    connected: bool,
    /// It appended a commit or asked to be let in: the others may have it in the group, or at the door.
    known: bool,
    /// The log says that it is gone.
    gone: bool,
}

impl Order {
    /// The order of a log that begins now, holds at most `bound` bytes, and lasts for so long.
    pub const fn new(log: LogId, bound: usize, lasts: Option<Duration>, now: Time) -> Self {
        Self {
            log,
            rules: Rules::new(bound),
            born: now,
            lasts,
            used: 0,
            base: Seq(0),
            costs: VecDeque::new(),
            snapshot: Seq(0),
            kept_bytes: 0,
            members: BTreeMap::new(),
            asked: None,
            empty_since: Some(now),
        }
    }

    /// Its log.
    pub const fn log(&self) -> LogId {
        self.log
    }

    /// Whether nobody was connected for so long that the next one begins another log, or it has lasted for as long as it may.
    pub fn is_over(&self, now: Time) -> bool {
        self.empty_since.is_some_and(|since| now >= since + limits::LINGER) || self.has_lasted(now)
    }

    fn has_lasted(&self, now: Time) -> bool {
        self.left(now).is_some_and(|left| left.is_zero())
    }

    /// How much of the log's time there is still, if it does not last for ever.
    fn left(&self, now: Time) -> Option<Duration> {
        self.lasts.map(|lasts| lasts.saturating_sub(self.time(now).since(LogTime(0))))
    }

    /// The log's time, which never goes back.
    fn time(&self, now: Time) -> LogTime {
        self.rules.at.max(LogTime(now.as_millis().saturating_sub(self.born.as_millis())))
    }

    /// Answers, and gives the entries that this makes.
    pub fn handle(&mut self, ask: Ask, now: Time) -> (Told, Vec<Ordered>) {
        let mut made = Vec::new();
        let told = match ask {
            Ask::Enter { who, place, people, .. } => self.enter(who, place, people, now),
            Ask::Away { who, place } => {
                self.change(&who, place, now, |presence| presence.connected = false);
                Told::Done
            }
            Ask::Gone { who, place } => {
                self.call_gone(&who, place, now, &mut made);
                Told::Done
            }
            Ask::Back { who, place } => {
                self.back(who, place);
                Told::Done
            }
            Ask::Forget { who, place } => {
                if self.members.get(&who).is_some_and(|presence| presence.place == place && presence.gone && !presence.connected) {
                    self.members.remove(&who);
                }
                Told::Done
            }
            Ask::Append { who, newcomer, class, parent_commit, sealed } => {
                match self.append(class, parent_commit, sealed, now, &mut made) {
                    Ok(seq) => {
                        self.on_appended(&who, newcomer, class, now, &mut made);
                        Told::Appended { seq, used: self.used }
                    }
                    Err(error) => Told::Refused(error),
                }
            }
            Ask::Trim(trim) => {
                self.trim(&trim);
                Told::Done
            }
        };
        (told, made)
    }

    fn enter(&mut self, who: MemberId, place: Place, people: u32, now: Time) -> Told {
        let before = self.members.get(&who).copied();
        if !before.is_some_and(|presence| presence.connected) {
            let most = (people as usize).saturating_mul(IDENTITIES_PER_PERSON);
            if self.connected() >= people as usize || (before.is_none() && self.members.len() >= most) {
                return Told::TooManyPeople;
            }
        }
        // Lines keep no time with each other: what was sent last on one that is given up can come after what was sent first on the next.
        if before.is_some_and(|presence| presence.connected && presence.place.node == place.node && presence.place.conn > place.conn) {
            return Told::Outdated;
        }
        let known = before.is_some_and(|presence| presence.known);
        self.members.insert(who, Presence { place, connected: true, known, gone: false });
        self.empty_since = None;
        Told::Entered { log: self.log, known, left: self.left(now) }
    }

    fn connected(&self) -> usize {
        self.members.values().filter(|presence| presence.connected).count()
    }

    fn change(&mut self, who: &MemberId, place: Place, now: Time, change: impl FnOnce(&mut Presence)) {
        if let Some(presence) = self.members.get_mut(who).filter(|presence| presence.place == place) {
            change(presence);
        }
        if self.empty_since.is_none() && self.connected() == 0 {
            self.empty_since = Some(now);
        }
    }

    fn back(&mut self, who: MemberId, place: Place) {
        let presence = self.members.entry(who).or_insert(Presence { place, connected: true, known: false, gone: false });
        if presence.place == place {
            (presence.connected, presence.gone) = (true, false);
            self.empty_since = None;
        }
    }

    fn call_gone(&mut self, who: &MemberId, place: Place, now: Time, made: &mut Vec<Ordered>) {
        let Some(presence) = self.members.get_mut(who).filter(|presence| presence.place == place && !presence.gone) else { return };
        presence.gone = true;
        if presence.known {
            self.append_gone(&[*who], now, made);
        }
    }

    /// The log says that these members are gone. If nobody reads it, newcomers are told. When there is no memory left for that, the others
    /// notice by their silence.
    fn append_gone(&mut self, members: &[MemberId], now: Time, made: &mut Vec<Ordered>) {
        if self.connected() > 0 {
            for who in members {
                let (Ok(_) | Err(_)) = self.append(Class::Gone, Seq(0), who.as_bytes().to_vec(), now, made);
            }
        }
    }

    fn append(
        &mut self,
        class: Class,
        parent_commit: Seq,
        sealed: Vec<u8>,
        now: Time,
        made: &mut Vec<Ordered>,
    ) -> Result<Seq, AppendError> {
        if self.has_lasted(now) {
            return Err(AppendError::Over);
        }
        self.rules.check(class, parent_commit, sealed.len())?;
        let cost = sealed.len() + ENTRY_OVERHEAD;
        // Nodes trim long before; commits and snapshots find room even when none does.
        let most = self.rules.bound + self.rules.bound / if is_catch_up(class) { 2 } else { 4 };
        if self.used + cost > most {
            return Err(AppendError::Full);
        }
        let (seq, at) = self.rules.append(class, parent_commit, sealed.len(), self.time(now))?;
        if class == Class::Snapshot {
            self.snapshot = seq;
            self.used -= std::mem::take(&mut self.kept_bytes);
        }
        self.used += cost;
        self.costs.push_back((cost, is_catch_up(class)));
        made.push(Ordered { seq, at, class, sealed });
        Ok(seq)
    }

    /// Whoever appended may be known from now on; and if the commit is that of a newcomer, or may have added some who asked, they may not have
    /// read who is gone.
    fn on_appended(&mut self, who: &MemberId, newcomer: bool, class: Class, now: Time, made: &mut Vec<Ordered>) {
        if !matches!(class, Class::Commit | Class::JoinRequest) {
            return;
        }
        if class == Class::JoinRequest {
            self.asked = Some(now);
        }
        let retell = class == Class::Commit && (newcomer || self.asked.is_some_and(|at| now < at + ADDED_AFTER));
        if let Some(presence) = self.members.get_mut(who) {
            presence.known = true;
        }
        if retell {
            let gone = self.members.iter().filter(|(_, presence)| presence.gone && presence.known).map(|(who, _)| *who);
            self.append_gone(&gone.collect::<Vec<_>>(), now, made);
        }
    }

    fn trim(&mut self, trim: &Trim) {
        if trim.upto >= self.rules.head {
            return;
        }
        while self.base < trim.upto
            && let Some((cost, is_catch_up)) = self.costs.pop_front()
        {
            self.base = self.base.next();
            if is_catch_up && self.base >= self.snapshot && trim.kept.binary_search_by_key(&self.base, |(seq, _)| *seq).is_ok() {
                self.kept_bytes += cost;
            } else {
                self.used -= cost;
            }
        }
    }
}
