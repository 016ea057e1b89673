//! What hosts order must be so, whatever a server or a changed client does: who comes in, who waits and is told so, who is heard and read.
//!
//! The reference model reads no order in the log: it knows what hosts asked for, and holds against that what screens show and what comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conclave_base::{Door, MemberId, Permission, SessionId, Source, Time};
use conclave_session::snapshot::{Floor, Phase, Snapshot};

use crate::bounds::{LEARNED, TOLD_WORKERS};
use crate::failure::Kind;
use crate::model::{Gone, Model};

/// From an order of a host whom nothing disturbs until all whom nothing disturbs show it.
const ORDERED: Duration = LEARNED.saturating_mul(2);

/// Whose line died this long ago knows it.
const KNOWN: Duration = Duration::from_secs(30);

/// How a host puts somebody out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PutOut {
    /// It may ask again; newcomers have to.
    SentBack,
    /// Its key does not come back.
    Barred,
    /// The same, and newcomers ask.
    BarredAndClosed,
}

/// What a host ordered that screens show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ordered {
    Door(Door),
    Everybody(Permission, bool),
    Permit(MemberId, Permission, bool),
    MuteAbove(Option<u32>),
    Limit(u32),
    Host(MemberId),
}

/// What an order is about: the last one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Door,
    Everybody(Permission),
    Permit(MemberId, Permission),
    MuteAbove,
    Limit,
    Host(MemberId),
}

#[derive(Debug, Clone, Copy)]
struct Wish {
    ordered: Ordered,
    at: Time,
    host: usize,
    /// The host's line was dead, and nothing had told it.
    in_vain: bool,
    /// Another host's order about the same may still be on its way: which of them is the last, the log says.
    contested: bool,
    /// The host's own screen showed it since when.
    shown: Option<Time>,
    /// How many sessions there had been.
    sessions: usize,
}

/// A host asked that microphones be off.
struct Muted {
    at: Time,
    host: usize,
    /// `None` is all who are no hosts.
    who: Option<MemberId>,
    /// Whom the host's screen showed.
    seen: BTreeSet<MemberId>,
    /// How often each client's microphone had been switched off by then, as long as it was not looked what came of it.
    before: Vec<u32>,
}

#[derive(Default)]
pub(crate) struct Doors {
    wishes: BTreeMap<About, Wish>,
    /// All that was ever ordered.
    ever: Vec<Ordered>,
    /// When a host let somebody in last, and which.
    admitted: BTreeMap<MemberId, (Time, usize)>,
    put_out: BTreeMap<MemberId, (Time, usize, PutOut)>,
    declined: BTreeSet<MemberId>,
    /// When somebody was made a host last.
    appointed: BTreeMap<MemberId, Time>,
    muted: Vec<Muted>,
    /// Who was a member for somebody.
    seen: BTreeSet<MemberId>,
    sessions: BTreeSet<SessionId>,
    screens: Vec<DoorScreen>,
}

/// What a client's screen showed last of what hosts order.
#[derive(Default)]
struct DoorScreen {
    inside: bool,
    door: Door,
    floor: Floor,
    hosts: BTreeSet<MemberId>,
    members: BTreeSet<MemberId>,
    /// Since when it shows that hosts do not let somebody do something.
    denied: BTreeMap<(MemberId, Permission), Time>,
    /// Who was inside when it saw the door being closed, and since; if that is known.
    named: Option<BTreeSet<MemberId>>,
    /// Place of its newest line.
    place: u32,
    mutes: u32,
}

impl Ordered {
    const fn about(self) -> About {
        match self {
            Self::Door(_) => About::Door,
            Self::Everybody(what, _) => About::Everybody(what),
            Self::Permit(who, what, _) => About::Permit(who, what),
            Self::MuteAbove(_) => About::MuteAbove,
            Self::Limit(_) => About::Limit,
            Self::Host(who) => About::Host(who),
        }
    }

    fn is_shown(self, screen: &DoorScreen) -> bool {
        let is_there = |who: &MemberId| screen.members.contains(who);
        match self {
            Self::Door(door) => screen.door == door,
            Self::Everybody(what, everybody) => screen.floor.hosts_only.contains(&what) != everybody,
            Self::Permit(who, what, given) => {
                !is_there(&who) || screen.hosts.contains(&who) || screen.denied.contains_key(&(who, what)) != given
            }
            Self::MuteAbove(people) => screen.floor.mute_above == people,
            Self::Limit(people) => screen.floor.limit == people,
            Self::Host(who) => !is_there(&who) || screen.hosts.contains(&who),
        }
    }
}

impl Muted {
    fn is_meant(&self, who: &MemberId) -> bool {
        self.who.is_none_or(|whom| whom == *who)
    }
}

/// What has to be permitted to whoever is to be heard or seen by it.
const fn needed(source: Source) -> Option<Permission> {
    match source {
        Source::Microphone => Some(Permission::Speak),
        Source::Screen | Source::ScreenAudio => Some(Permission::Share),
        Source::Camera => None,
    }
}

impl Doors {
    pub(crate) fn on_client(&mut self) {
        self.screens.push(DoorScreen::default());
    }

    /// Whether a host ordered that newcomers ask, or that nobody comes.
    pub(crate) fn was_closed(&self) -> bool {
        self.ever.iter().any(|ordered| matches!(ordered, Ordered::Door(Door::Ask | Door::Locked)))
    }

    pub(crate) fn was_ordered(&self, what: impl Fn(&Ordered) -> bool) -> bool {
        self.ever.iter().any(what)
    }

    /// Whether somebody was made a host, and not put out and let in again since.
    pub(crate) fn is_appointed(&self, who: &MemberId) -> bool {
        let is_back_since = |out: Time| self.admitted.get(who).is_some_and(|(at, _)| *at > out);
        let since = |at: Time| self.put_out.get(who).is_none_or(|(out, ..)| at > *out || !is_back_since(*out));
        self.appointed.get(who).is_some_and(|at| since(*at))
    }

    pub(crate) fn was_declined(&self, who: &MemberId) -> bool {
        self.declined.contains(who)
    }

    pub(crate) fn was_limited(&self) -> bool {
        self.was_ordered(|ordered| matches!(ordered, Ordered::Limit(_)))
    }

    /// Whether somebody may have been asked to be quiet, by this client.
    pub(crate) fn was_muted_by(&self, host: usize, who: &MemberId) -> bool {
        self.muted.iter().any(|muted| muted.host == host && muted.is_meant(who))
    }

    pub(crate) fn was_muted(&self, who: &MemberId) -> bool {
        self.muted.iter().any(|muted| muted.is_meant(who))
    }

    /// Whether a host let somebody in after it, or another one, had put that out.
    fn is_let_in_again(&self, who: &MemberId) -> bool {
        let Some((admitted, by)) = self.admitted.get(who) else { return false };
        self.put_out.get(who).is_none_or(|(out, host, _)| admitted > out || by != host)
    }

    /// Who may not speak, write or share, by this client's screen.
    pub(crate) fn denies(&self, client: usize, who: &MemberId, what: Permission) -> bool {
        self.screens[client].denied.contains_key(&(*who, what))
    }
}

impl Model {
    pub(crate) fn is_let_in_again(&self, who: &MemberId) -> bool {
        self.doors.is_let_in_again(who)
    }

    // What hosts ask for.

    pub(crate) fn on_ordered(&mut self, host: usize, ordered: Ordered, in_vain: bool, now: Time) {
        self.doors.ever.push(ordered);
        if let Ordered::Host(who) = ordered {
            self.doors.appointed.insert(who, now);
        }
        let wish = Wish { ordered, at: now, host, in_vain, contested: false, shown: None, sessions: self.doors.sessions.len() };
        if let Ordered::Everybody(what, _) = ordered {
            // Exceptions end with a change, and without one they do not.
            self.doors.wishes.retain(|about, _| !matches!(about, About::Permit(_, of) if *of == what));
        }
        let about = ordered.about();
        // Whether an exception was asked for before all was changed, or after, the log says, too.
        let before = [Some(about), if let About::Permit(_, what) = about { Some(About::Everybody(what)) } else { None }];
        let on_its_way = |wish: &Wish| wish.host != host && (wish.contested || wish.shown.is_none());
        let contested = before.into_iter().flatten().any(|about| self.doors.wishes.get(&about).is_some_and(on_its_way));
        self.doors.wishes.insert(about, Wish { contested, ..wish });
    }

    pub(crate) fn on_admit(&mut self, host: usize, who: MemberId, now: Time) {
        self.doors.admitted.insert(who, (now, host));
    }

    pub(crate) fn on_decline(&mut self, who: MemberId) {
        self.doors.declined.insert(who);
    }

    pub(crate) fn on_put_out(&mut self, host: usize, who: MemberId, how: PutOut, now: Time) {
        self.doors.put_out.insert(who, (now, host, how));
        self.doors.wishes.remove(&About::Host(who));
        if how != PutOut::Barred && self.doors.screens[host].door == Door::Open {
            // What another host ordered may not have come to this one.
            let closes = |wish: &Wish| wish.host == host && wish.ordered != Ordered::Door(Door::Open);
            let is_closing = self.doors.wishes.get(&About::Door).is_some_and(closes);
            if !is_closing {
                self.on_ordered(host, Ordered::Door(Door::Ask), false, now);
            }
        }
    }

    pub(crate) fn on_mute(&mut self, host: usize, who: Option<MemberId>, now: Time) {
        // Where a host's word is needed to speak, it is taken back.
        let takes_back = self.doors.screens[host].floor.hosts_only.contains(&Permission::Speak);
        let before = if takes_back { Vec::new() } else { self.doors.screens.iter().map(|screen| screen.mutes).collect() };
        let seen = self.doors.screens[host].members.clone();
        self.doors.muted.push(Muted { at: now, host, who, seen, before });
        if takes_back {
            let is_meant = |about: &About| matches!(about, About::Permit(whom, Permission::Speak) if who.is_none_or(|who| who == *whom));
            self.doors.wishes.retain(|about, _| !is_meant(about));
        }
    }

    // What comes of it.

    /// A client goes from an epoch with these members to one with others, of whom it saw those who are `back` put out before.
    pub(crate) fn check_arrivals(
        &mut self,
        client: usize,
        before: &BTreeSet<MemberId>,
        after: &BTreeSet<MemberId>,
        back: &[MemberId],
        now: Time,
    ) {
        let screen = &self.doors.screens[client];
        let (is_closed, limit) = (screen.door != Door::Open, screen.floor.limit as usize);
        if !before.is_empty() {
            for who in after.difference(before) {
                let is_host = self.clients.iter().any(|truth| truth.person == 0 && truth.identities().any(|id| id == *who));
                // Through an open door, and by a server that began anew, whoever was removed comes in again until a host is there who remembers.
                let holds = |at: Time, by: usize| self.is_server_steady_since(at) || self.clients[by].gone.is_none();
                let is_barred = self.doors.put_out.get(who).is_some_and(|(at, by, how)| *how != PutOut::SentBack && holds(*at, *by));
                let is_out = back.contains(who) && !self.doors.is_let_in_again(who);
                let named = screen.named.as_ref().unwrap_or(&self.doors.seen);
                let may = is_host || named.contains(who) && !is_out || self.doors.admitted.contains_key(who);
                if is_out && is_barred || is_closed && !may {
                    let who = who.to_text();
                    let detail = format!("client {client} has {who:.4} inside, who was put out: {is_out}; the door is {:?}", screen.door);
                    return self.fail(Kind::CameIn, now, detail);
                }
                if after.len() > limit && !is_host {
                    let detail = format!("client {client} has {} people inside after somebody came, and the limit is {limit}", after.len());
                    return self.fail(Kind::CameIn, now, detail);
                }
            }
        }
        self.doors.seen.extend(after);
        let named = &mut self.doors.screens[client].named;
        if before.is_empty() {
            *named = None;
        } else if let Some(named) = named {
            named.extend(after);
            named.retain(|who| after.contains(who) || !self.claimed.has_removed(client, who));
        }
    }

    pub(crate) fn on_session(&mut self, session: SessionId) {
        if self.doors.sessions.insert(session) && self.doors.sessions.len() > 1 {
            self.doors.screens.iter_mut().for_each(|screen| screen.named = None);
        }
    }

    /// A client's screen shows this.
    pub(crate) fn on_doors(&mut self, client: usize, snapshot: &Snapshot, now: Time) {
        let screen = &mut self.doors.screens[client];
        let parsed = |identity: &str| identity.parse::<MemberId>().ok();
        let members: BTreeSet<_> = snapshot.members.iter().filter_map(|m| parsed(&m.identity)).collect();
        let before = std::mem::replace(&mut screen.door, snapshot.door);
        if snapshot.door == Door::Open {
            screen.named = None;
        // In a later session, who was named in an earlier one is named again.
        } else if before == Door::Open && snapshot.phase == Phase::Inside && screen.inside && self.doors.sessions.len() == 1 {
            screen.named = Some(members.clone());
        }
        let denied = snapshot.members.iter().flat_map(|m| m.denied.iter().filter_map(|what| Some((parsed(&m.identity)?, *what))));
        screen.denied = denied.map(|key| (key, screen.denied.get(&key).copied().unwrap_or(now))).collect();
        screen.hosts = snapshot.members.iter().filter(|m| m.host).filter_map(|m| parsed(&m.identity)).collect();
        (screen.members, screen.floor) = (members, snapshot.floor.clone());
        screen.inside = snapshot.phase == Phase::Inside;
        screen.mutes = snapshot.mutes;
        let lines = snapshot.lines_after(screen.place);
        let read = lines.iter().find(|line| parsed(&line.from).is_some_and(|from| screen.denied.contains_key(&(from, Permission::Chat))));
        let silenced = read.map(|line| format!("client {client} shows {:?}, whose author may not write", line.text));
        screen.place = lines.last().map_or(screen.place, |line| line.place);
        for wish in self.doors.wishes.values_mut().filter(|wish| wish.host == client && wish.shown.is_none()) {
            wish.shown = wish.ordered.is_shown(&self.doors.screens[client]).then_some(now);
        }
        if let Some(detail) = silenced {
            self.fail(Kind::Silenced, now, detail);
        }
    }

    /// Something comes out that is of this member's.
    pub(crate) fn check_silence(&mut self, client: usize, owner: &MemberId, source: Source, now: Time) {
        let Some(what) = needed(source) else { return };
        if self.doors.screens[client].denied.get(&(*owner, what)).is_some_and(|since| now > *since + TOLD_WORKERS) {
            self.fail(Kind::Silenced, now, format!("client {client} plays the {source:?} of a member whom its screen shows as silenced"));
        }
    }

    /// Whether what this host ordered holds for everybody, as far as can be known: it is there, and remembers it. Who has not the host key is no host
    /// in a session that somebody else founds.
    fn is_binding(&self, wish: &Wish) -> bool {
        let host = &self.clients[wish.host];
        let is_host = host.person == 0 || self.doors.sessions.len() == wish.sessions;
        !wish.contested && is_host && host.gone.is_none() && host.outside.is_none_or(|at| at < wish.at)
    }

    /// What a host orders whom nothing disturbs, everybody shows soon whom nothing disturbs.
    pub(crate) fn check_orders_in_time(&mut self, now: Time) {
        if self.claimed.is_attacked() || self.server_up.is_none_or(|up| now <= up + ORDERED) {
            return;
        }
        for wish in self.doors.wishes.values().filter(|wish| self.is_binding(wish) && !wish.in_vain && now > wish.at + ORDERED) {
            let lacks = |client: &usize| !wish.ordered.is_shown(&self.doors.screens[*client]);
            if let Some(client) = self.undisturbed(wish.host, wish.at).into_iter().find(lacks) {
                let detail = format!("client {client} does not show what client {} ordered, {:?}", wish.host, wish.ordered);
                return self.fail(Kind::OrderLost, now, detail);
            }
        }
        let mut muted = std::mem::take(&mut self.doors.muted);
        let due = muted.iter_mut().filter(|muted| now > muted.at + ORDERED);
        let found = due.map(|muted| (muted.host, self.not_muted(muted))).find_map(|(host, client)| Some((host, client?)));
        self.doors.muted = muted;
        if let Some((host, client)) = found {
            self.fail(Kind::OrderLost, now, format!("client {client} was to be muted by client {host}, and was not"));
        }
    }

    /// Who is on, although it was to be muted and nothing disturbed it; that is looked at once.
    fn not_muted(&self, muted: &mut Muted) -> Option<usize> {
        let (before, who) = (std::mem::take(&mut muted.before), muted.who);
        self.undisturbed(muted.host, muted.at).into_iter().find(|client| {
            let screen = &self.doors.screens[*client];
            let me = self.clients[*client].leaf.map(|(leaf, _)| leaf);
            let is_host = me.is_some_and(|me| screen.hosts.contains(&me));
            // All are those whom the host saw inside.
            let is_seen = me.is_some_and(|me| muted.seen.contains(&me));
            let is_meant = if who.is_some() { me == who } else { is_seen && !is_host };
            is_meant && before.get(*client).is_some_and(|mutes| screen.mutes == *mutes)
        })
    }

    /// Whoever was inside at this moment and ever since, and whom nothing disturbed, from before that on; nobody, if that is not so of this host.
    fn undisturbed(&self, host: usize, at: Time) -> Vec<usize> {
        // Whose line died before may not know it yet.
        let before = Time::ZERO + at.since(Time::ZERO + KNOWN);
        let is_there = |client: &usize| {
            let truth = &self.clients[*client];
            truth.gone.is_none() && truth.inside_since.is_some_and(|since| since <= at) && self.is_steady_since(*client, before)
        };
        if is_there(&host) { (0..self.clients.len()).filter(is_there).collect() } else { Vec::new() }
    }

    /// Once all faults have healed, all screens say the same of what hosts order, and what they ordered.
    pub(crate) fn check_orders_in_the_end(&mut self, inside: &[usize], now: Time) {
        let Some((first, others)) = inside.split_first() else { return };
        let shown = |client: &usize| {
            let DoorScreen { door, floor, hosts, denied, .. } = &self.doors.screens[*client];
            (*door, floor.clone(), hosts.clone(), denied.keys().copied().collect::<Vec<_>>())
        };
        let differs = others.iter().find(|client| shown(client) != shown(first));
        let detail = differs.map(|client| format!("clients {first} and {client} show {:?} and {:?}", shown(first), shown(client)));
        let lost = || {
            let binding = self.doors.wishes.values().filter(|wish| self.is_binding(wish));
            let lost = binding.filter(|wish| inside.contains(&wish.host)).find(|wish| !wish.ordered.is_shown(&self.doors.screens[*first]));
            lost.map(|wish| format!("client {} ordered {:?}, and client {first} does not show it", wish.host, wish.ordered))
        };
        if let Some(detail) = detail.or_else(lost) {
            self.fail_calm(Kind::OrderLost, now, detail);
        }
    }

    /// Whether this client was at the door before the last of those who were inside went, and nothing disturbed it since: who comes later is not told of
    /// who went when nobody read.
    fn knows_that_all_are_gone(&self, client: usize) -> bool {
        let truth = &self.clients[client];
        let went = self
            .clients
            .iter()
            .filter(|other| other.was_inside() && other.outside.is_none())
            .filter_map(|other| other.gone)
            // Who was removed was out before it knew.
            .filter(|(_, how)| !matches!(how, Gone::Ended))
            .map(|(at, _)| at)
            .max();
        truth.at_the_door.zip(went).is_some_and(|(since, went)| since < went && self.is_steady_since(client, since))
    }

    /// Who waits in the end may not come in, and is told truly why; and who may come in is in.
    pub(crate) fn check_door_in_the_end(
        &mut self,
        inside: &[usize],
        waiting: &[(usize, Snapshot)],
        hosts: &[(usize, Snapshot)],
        now: Time,
    ) {
        let door = inside.first().map(|client| self.doors.screens[*client].door);
        let mut asking = BTreeSet::new();
        for (client, snapshot) in waiting {
            let Phase::AtTheDoor { locked, hosts: are_there, .. } = snapshot.phase else { continue };
            let identity = self.clients[*client].identities().last();
            let is_named = identity.is_some_and(|who| {
                let by_screen = inside.iter().filter(|n| hosts.iter().any(|(host, _)| host == *n));
                let was_inside = by_screen.filter_map(|n| self.doors.screens[*n].named.as_ref()).any(|named| named.contains(&who));
                let admitted = self.doors.admitted.get(&who).is_some_and(|(_, by)| self.clients[*by].gone.is_none());
                let is_out = self.doors.put_out.contains_key(&who) && !self.doors.is_let_in_again(&who);
                (was_inside || admitted) && !is_out
            });
            let is_right = match door {
                // A host who is inside knows what was ordered last, and so do all.
                Some(door) if !hosts.is_empty() => door != Door::Open && !is_named && locked == (door == Door::Locked) && are_there,
                Some(_) | None => self.doors.was_closed() && !(are_there && self.knows_that_all_are_gone(*client)),
            };
            // It waits at the door of a group whose log somebody hostile cut off, and all who are inside came in afterwards.
            let since = self.clients[*client].at_the_door;
            let is_cut_off = self.claimed.is_attacked() && inside.iter().all(|n| self.clients[*n].inside_since > since);
            if !is_right && !is_cut_off {
                let detail = format!(
                    "client {client} is at the door, locked: {locked}, hosts: {are_there}; the door is {door:?}, with {} hosts, it is let in: {is_named}",
                    hosts.len()
                );
                return self.fail_calm(Kind::AtTheDoor, now, detail);
            }
            if !locked && !identity.is_some_and(|who| self.doors.declined.contains(&who)) {
                asking.extend(identity);
            }
        }
        for (host, snapshot) in hosts {
            // Whoever did not hear that it was declined, since its line was dead, asks again; only who declined knows, if that one is there still.
            let is_forgotten = |who: &MemberId| self.doors.declined.contains(who) && self.clients.iter().any(|truth| truth.gone.is_some());
            let told = snapshot.waiting.iter().filter_map(|one| one.identity.parse().ok());
            let told: BTreeSet<MemberId> = told.filter(|who| !is_forgotten(who)).collect();
            if told != asking {
                let detail = format!("host {host} is told that {} wait, and {} do", told.len(), asking.len());
                return self.fail_calm(Kind::AtTheDoor, now, detail);
            }
        }
    }
}
