//! What must be true whatever a server does and a hostile member appends: of what screens claim, and of what is sealed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use conclave_base::{MemberId, Seq, Time};
use conclave_media_crypto::{EpochKeys, SFrameContext, Track};
use conclave_protocol::ws::{Class, Entry};
use conclave_session::snapshot::{Phase, SecurityState, Snapshot};

use crate::bounds::{AGREE, FORGED, LEARNED, LIFE, NOTICED, SNAPSHOT, TOLD_WORKERS};
use crate::client::codec;
use crate::failure::Kind;
use crate::mallory::Became;
use crate::media::{Frame, TICK};
use crate::model::{Model, Truth};

/// First bytes of a sealed entry: its nonce, which is drawn anew for each.
type Name = [u8; 12];

/// Who appended an entry: a client, or somebody else.
type Author = Option<usize>;

#[derive(Default)]
pub(crate) struct Claims {
    /// The server lied.
    pub(crate) lied: bool,
    /// A hostile member did something.
    pub(crate) misdeeds: bool,
    /// When a host asked for the hostile member's removal.
    pub(crate) expelled: Option<Time>,
    mallory: Option<Stranger>,
    authors: BTreeMap<Name, (Author, Class, Time)>,
    clients: Vec<Claimant>,
    /// Since when a screen claims one whole meeting with somebody who is not in it.
    wrong: BTreeMap<(usize, usize), Time>,
    /// Since when a screen claims one whole meeting with somebody who is given another log.
    forked: BTreeMap<(usize, usize), Time>,
    /// Since when a screen shows the hostile member inside, which came into no group but its own.
    led_astray: BTreeMap<usize, Time>,
    /// Since when two screens claim the same whole meeting with each other.
    together: BTreeMap<(usize, usize), Time>,
    /// Since when somebody plays, and played last, what the hostile member made as another.
    forged: BTreeMap<(usize, MemberId), (Time, Time)>,
    /// Lines that their authors' screens showed as sent, and since when.
    sent: Vec<(usize, usize, Time)>,
    /// The newest snapshot of a client that any read.
    snapshot: Seq,
    /// A newer one of somebody else, and when it was said.
    useless_snapshot: Option<(Seq, Time)>,
}

/// The hostile member.
struct Stranger {
    /// By its keys, the last one last; and whether it came in by that as everybody may, or tried to.
    identities: Vec<(MemberId, bool)>,
    /// It founded a session of its own, while others were inside.
    founded: bool,
    /// All that it was ever given.
    hoard: Vec<SFrameContext>,
    out: Option<Time>,
}

#[derive(Default)]
struct Claimant {
    /// What the screen claims: the code, and who is there.
    claim: Option<(Vec<String>, BTreeSet<MemberId>)>,
    /// The code of the group in which it is, or was when it was cut off.
    code: Option<Vec<String>>,
    /// Lines on the screen in their order, each with its moment.
    lines: Vec<(usize, Time)>,
    /// When the newest word of somebody else was read.
    heard: Option<Time>,
    /// When the newest of somebody else's words that were read was said.
    heard_said: Option<Time>,
    /// When the newest own word that came back was said.
    echoed: Option<Time>,
    /// When the own commit was said with which it came in.
    entered: Option<Time>,
    /// The same; or when it read that a member added it.
    came_in: Option<Time>,
    own_commit: Option<Time>,
    /// Chain hashes of the entries that it was given since it had no keys last.
    read: BTreeMap<Seq, [u8; 32]>,
    members: BTreeSet<MemberId>,
    /// Whom it saw removed by a host, and the keys of the epoch that began with that.
    removed: BTreeMap<MemberId, EpochKeys>,
    /// Whose tiles its screen marks as unproved.
    doubted: BTreeSet<MemberId>,
    /// Headers of frames that it sealed since its last epoch began.
    headers: BTreeSet<Vec<u8>>,
    standstills: Vec<Standstill>,
    /// What the frame cryptor's worker has, and what is on its way there.
    sealing: Sealing,
    to_cryptor: VecDeque<Sealing>,
}

/// With whose keys is sealed.
#[derive(Default)]
struct Sealing {
    /// As of [`Claimant::entered`].
    entered: Option<Time>,
    alone: bool,
}

/// The machine slept, and the own clock with it.
struct Standstill {
    since: Time,
    until: Time,
    /// When it read a word that shows how late it is.
    informed: Option<Time>,
}

impl Stranger {
    fn is(&self, who: &MemberId) -> bool {
        self.identities.iter().any(|(known, _)| known == who)
    }
}

impl Claims {
    pub(crate) fn is_attacked(&self) -> bool {
        self.lied || self.misdeeds
    }

    pub(crate) fn is_mallory(&self, who: &MemberId) -> bool {
        self.mallory.as_ref().is_some_and(|stranger| stranger.identities.contains(&(*who, true)))
    }

    /// Whether a client saw this one put out by a host, and not back since.
    pub(crate) fn has_removed(&self, client: usize, who: &MemberId) -> bool {
        self.clients[client].removed.contains_key(who)
    }

    /// When the own commit was said with which a client came in, or when it read that a member added it.
    pub(crate) fn came_in(&self, client: usize) -> Option<Time> {
        self.clients[client].came_in
    }

    /// Whether it was a member and is no longer.
    pub(crate) fn is_mallory_out(&self) -> bool {
        self.mallory.as_ref().is_some_and(|stranger| stranger.out.is_some())
    }

    pub(crate) fn on_mallory(&mut self, identity: MemberId, entered: bool) {
        let new = || Stranger { identities: Vec::new(), founded: false, hoard: Vec::new(), out: None };
        let stranger = self.mallory.get_or_insert_with(new);
        match stranger.identities.iter_mut().find(|(known, _)| *known == identity) {
            Some((_, has_entered)) => *has_entered |= entered,
            None => stranger.identities.push((identity, entered)),
        }
    }

    /// It appended a snapshot of a session of its own.
    pub(crate) fn on_founded(&mut self) {
        if let Some(stranger) = &mut self.mallory {
            stranger.founded = true;
        }
    }

    /// Whoever has the link may found a session: who comes in just then may follow it until a member of the others' appends another snapshot.
    pub(crate) fn is_founder(&self, who: &MemberId) -> bool {
        self.mallory.as_ref().is_some_and(|stranger| stranger.founded && stranger.is(who))
    }

    /// Whether this program may have followed somebody hostile into a session that it founded: it shows that one, and has to come in again.
    pub(crate) fn may_be_astray(&self, program: &Truth) -> bool {
        program.last_shown().is_some_and(|roster| roster.iter().any(|who| self.is_founder(who)))
    }

    /// A screen shows these members. Gives whether that is the group of somebody hostile alone.
    pub(crate) fn on_roster(&mut self, client: usize, snapshot: &Snapshot, now: Time) -> bool {
        let founder = self.mallory.as_ref().filter(|stranger| stranger.founded && !stranger.identities.iter().any(|(_, entered)| *entered));
        let founded = |identity: &str| founder.is_some_and(|stranger| stranger.identities.iter().any(|(who, _)| who.to_text() == identity));
        let is_astray = snapshot.phase == Phase::Inside && snapshot.members.iter().any(|m| founded(&m.identity));
        if is_astray {
            self.led_astray.entry(client).or_insert(now);
        } else {
            self.led_astray.remove(&client);
        }
        is_astray
    }

    pub(crate) fn on_mallory_became(&mut self, became: Became, now: Time) {
        let Some(stranger) = &mut self.mallory else { return };
        match became {
            Became::InEpoch(keys) => {
                let mut hoard = SFrameContext::new();
                hoard.add_epoch(keys, Time::ZERO).expect("it is the only one");
                stranger.hoard.push(hoard);
                stranger.out = None;
            }
            Became::Out => stranger.out = Some(now),
        }
    }

    pub(crate) fn on_client(&mut self) {
        self.clients.push(Claimant::default());
    }

    /// An entry is on its way to the log.
    pub(crate) fn on_append(&mut self, author: Author, class: Class, sealed: &[u8], now: Time) {
        if let Some(name) = sealed.first_chunk() {
            self.authors.entry(*name).or_insert((author, class, now));
        }
    }

    /// A client is given an entry.
    pub(crate) fn on_read(&mut self, client: usize, entry: &Entry, now: Time) {
        self.clients[client].read.insert(entry.seq, entry.chain_hash);
        let Some((author, class, said)) = entry.sealed.first_chunk().and_then(|name| self.authors.get(name)).copied() else { return };
        let reader = &mut self.clients[client];
        for standstill in reader.standstills.iter_mut().filter(|standstill| said > standstill.since + NOTICED) {
            standstill.informed.get_or_insert(now);
        }
        if class == Class::Snapshot && author.is_some() {
            self.snapshot = self.snapshot.max(entry.seq);
            self.useless_snapshot.take_if(|(seq, _)| *seq < self.snapshot);
        } else if class == Class::Snapshot && entry.seq > self.snapshot {
            self.useless_snapshot.get_or_insert((entry.seq, said));
        }
        if author == Some(client) {
            reader.echoed = reader.echoed.max(Some(said));
            if class == Class::Commit {
                reader.own_commit = Some(said);
            }
        } else {
            (reader.heard, reader.heard_said) = (Some(now), reader.heard_said.max(Some(said)));
        }
    }

    /// The machine of a client sleeps for so long, and its clock with it.
    pub(crate) fn on_standstill(&mut self, client: usize, now: Time, span: Duration) {
        self.clients[client].standstills.push(Standstill { since: now, until: now + span, informed: None });
    }

    /// How long this client's clock stood still since `at`.
    pub(crate) fn stood_still(&self, client: usize, at: Time) -> Duration {
        self.clients[client].stood_still(at)
    }

    /// The frame cryptor has other keys now, or none.
    pub(crate) fn on_keys(&mut self, client: usize) {
        let claimant = &mut self.clients[client];
        claimant.headers.clear();
        claimant.sealing = claimant.to_cryptor.pop_front().unwrap_or_default();
    }

    /// Whether these are given different logs, as far as both have read.
    fn reads_another_log(&self, one: usize, another: usize) -> bool {
        let (one, another) = (&self.clients[one].read, &self.clients[another].read);
        let common = one.iter().rev().find_map(|(seq, hash)| Some((hash, another.get(seq)?)));
        common.is_some_and(|(one, another)| one != another)
    }

    /// It has no keys.
    pub(crate) fn on_cleared(&mut self, client: usize) {
        let claimant = &mut self.clients[client];
        (claimant.entered, claimant.came_in, claimant.own_commit) = (None, None, None);
        // What is forged is found out by what its owner attests in one group.
        self.forged.retain(|(listener, _), _| *listener != client);
        claimant.members.clear();
        claimant.read.clear();
        claimant.to_cryptor.push_back(Sealing::default());
    }

    pub(crate) fn on_lines(&mut self, client: usize, lines: &[usize], now: Time) {
        let shown = &mut self.clients[client].lines;
        shown.retain(|(line, _)| lines.contains(line));
        for line in lines {
            if !shown.iter().any(|(known, _)| known == line) {
                shown.push((*line, now));
            }
        }
    }

    /// A line stands on its author's screen as sent.
    pub(crate) fn on_sent(&mut self, line: usize, author: usize, now: Time) {
        self.sent.push((line, author, now));
    }
}

impl Claimant {
    /// How long the own clock stood still since `at`.
    fn stood_still(&self, at: Time) -> Duration {
        self.standstills.iter().map(|standstill| standstill.until - standstill.since.max(at)).sum()
    }

    /// How much of the time since `at` passed while the own clock stood still, and nothing told so until just now.
    fn unnoticed(&self, at: Time, now: Time) -> Duration {
        let unnoticed = self.standstills.iter().filter(|standstill| standstill.informed.is_none_or(|told| now <= told + TOLD_WORKERS));
        unnoticed.map(|standstill| standstill.until - standstill.since.max(at)).sum()
    }
}

/// Length of an SFrame header by its first byte (RFC 9605, section 4.3).
fn header_len(config: u8) -> usize {
    let extended = |flags: u8| if flags & 8 == 0 { 0 } else { usize::from(flags & 7) + 1 };
    1 + extended(config >> 4) + extended(config & 15)
}

impl Model {
    /// Its screen claims nothing now; `gone`: and never will.
    pub(crate) fn on_no_claim(&mut self, client: usize, gone: bool, now: Time) {
        let claimant = &mut self.claimed.clients[client];
        claimant.claim = None;
        if gone {
            claimant.code = None;
        }
        self.claimed.led_astray.remove(&client);
        self.compare_claims(client, now);
    }

    /// The keys of an epoch are there.
    pub(crate) fn on_epoch(&mut self, client: usize, keys: &EpochKeys, removed: bool, now: Time) {
        let claimant = &mut self.claimed.clients[client];
        if claimant.members.is_empty() {
            claimant.entered = claimant.own_commit;
            claimant.came_in = claimant.own_commit.or(Some(now));
        }
        let members: BTreeSet<_> = keys.members.iter().map(|(_, key)| MemberId::of_key(key)).collect();
        if removed {
            let out = claimant.members.difference(&members);
            claimant.removed.extend(out.map(|who| (*who, keys.clone())));
        }
        let back: Vec<_> = members.iter().filter_map(|who| Some((*who, claimant.removed.get(who)?.clone()))).collect();
        let before = std::mem::replace(&mut claimant.members, members.clone());
        // Who comes in again later has the link, and is told of.
        claimant.removed.retain(|who, _| !claimant.members.contains(who));
        claimant.to_cryptor.push_back(Sealing { entered: claimant.entered, alone: claimant.members.len() <= 1 });
        if before.is_empty() && back.iter().any(|(who, in_group)| !self.is_let_in_again(who) && !self.is_of_nobody_else(client, in_group)) {
            self.fail(Kind::GoneListens, now, format!("client {client} enters a group with somebody whom it saw removed by a host"));
        }
        if before.is_empty() {
            self.on_came_in(client);
        }
        self.on_session(keys.session);
        let back: Vec<_> = back.into_iter().map(|(who, _)| who).collect();
        self.check_arrivals(client, &before, &members, &back, now);
    }

    /// Whether in this epoch, which a client saw with others in it, nobody else ever was: it was led into a branch of its own, and what it ordered there
    /// was an order to nobody. It orders it again where the others are.
    fn is_of_nobody_else(&self, client: usize, keys: &EpochKeys) -> bool {
        let mut others = (0..self.clients.len()).filter(|other| *other != client);
        keys.members.len() > 1 && !others.any(|other| self.clients[other].has_keys(keys))
    }

    /// A frame with this header was sealed.
    pub(crate) fn check_sealing(&mut self, client: usize, header: &[u8], now: Time) {
        let claimant = &mut self.claimed.clients[client];
        if !claimant.headers.insert(header[..header_len(header[0])].to_vec()) {
            return self.fail(Kind::CounterReused, now, format!("client {client} seals twice with one counter"));
        }
        let lately = |at: Option<Time>| at.is_some_and(|at| now <= at + LIFE + claimant.unnoticed(at, now));
        let confirmed = claimant.heard_said >= claimant.sealing.entered;
        let lives = claimant.sealing.alone || lately(claimant.heard) && confirmed;
        if !(lives && lately(claimant.echoed)) {
            let ages = [claimant.heard, claimant.heard_said, claimant.echoed].map(|at| at.map(|at| (now - at).as_millis()));
            self.fail(
                Kind::SealedBlind,
                now,
                format!("client {client} seals; ms since it heard somebody, since that was said, since its own word was: {ages:?}"),
            );
        }
    }

    /// What the screen claims now.
    pub(crate) fn on_claim(&mut self, client: usize, snapshot: &Snapshot, now: Time) {
        let is_in = matches!(snapshot.phase, Phase::Inside | Phase::Reconnecting { .. });
        let claims = snapshot.phase == Phase::Inside && snapshot.security.state == SecurityState::Secure;
        let there = snapshot.members.iter().filter(|m| !m.me && m.away_since.is_none());
        let present: BTreeSet<_> = there.filter_map(|m| m.identity.parse().ok()).collect();
        let code = snapshot.safety_code.clone();
        let doubted = snapshot.members.iter().filter(|m| m.doubt.is_some()).filter_map(|m| m.identity.parse().ok()).collect();
        let claimant = &mut self.claimed.clients[client];
        claimant.doubted = doubted;
        claimant.code = code.clone().filter(|_| is_in);
        claimant.claim = code.filter(|_| claims).map(|code| (code, present));
        self.compare_claims(client, now);
    }

    /// Whether the screen of `one` claims one whole meeting in which the client `another` is present; its code, if so.
    fn claims_with(&self, one: usize, another: usize) -> Option<&[String]> {
        let (code, present) = self.claimed.clients[one].claim.as_ref()?;
        self.clients[another].identities().any(|who| present.contains(&who)).then_some(code.as_slice())
    }

    fn compare_claims(&mut self, client: usize, now: Time) {
        for other in (0..self.clients.len()).filter(|other| *other != client) {
            for (one, another) in [(client, other), (other, client)] {
                let claimed = self.claims_with(one, another);
                let is_wrong = claimed.is_some_and(|code| self.claimed.clients[another].code.as_deref() != Some(code));
                if is_wrong {
                    self.claimed.wrong.entry((one, another)).or_insert(now);
                } else {
                    self.claimed.wrong.remove(&(one, another));
                }
            }
            let pair = (client.min(other), client.max(other));
            let (one, another) = (self.claims_with(client, other), self.claims_with(other, client));
            if one.is_some() && one == another {
                self.claimed.together.entry(pair).or_insert(now);
            } else {
                self.claimed.together.remove(&pair);
            }
        }
    }

    /// Once a second.
    pub(crate) fn check_claims(&mut self, now: Time) {
        if let Some((pair, since)) = self.claimed.wrong.iter().find(|(_, since)| now > **since + AGREE) {
            let detail = format!(
                "client {} claims one whole meeting with client {}, and for {} ms that is not so",
                pair.0,
                pair.1,
                (now - *since).as_millis()
            );
            return self.fail(Kind::ScreensDiffer, now, detail);
        }
        if let Some((client, _)) = self.claimed.led_astray.iter().find(|(_, since)| now > **since + AGREE) {
            return self.fail(Kind::WrongRoster, now, format!("client {client} stays in a session that somebody hostile founded"));
        }
        self.check_logs(now);
        let due: Vec<_> = self.claimed.sent.extract_if(.., |(_, _, at)| now > *at + AGREE).collect();
        for (line, author, at) in due {
            let together =
                self.claimed.together.iter().filter(|((one, another), since)| (*one == author || *another == author) && **since <= at);
            let others = together.map(|((one, another), _)| if *one == author { *another } else { *one });
            // Who was not yet on the author's screen cannot read it.
            let mut owed = others.filter(|reader| {
                let truth = &self.lines[line];
                self.clients[*reader].leaf.is_some_and(|(leaf, _)| self.is_owed(truth, &leaf.to_text()))
                    && !self.is_gone_with_log(line, *reader)
            });
            let lacks = owed.find(|reader| !self.claimed.clients[*reader].lines.iter().any(|(shown, _)| *shown == line));
            if let Some(reader) = lacks {
                let detail =
                    format!("client {reader} lacks line {line}, which client {author} shows as sent, and both claim one whole meeting");
                return self.fail(Kind::ChatLost, now, detail);
            }
        }
        self.check_orders(now);
        self.check_removal_in_time(now);
        self.check_snapshot(now);
    }

    /// Both sides learn of a fork: no screen goes on claiming one whole meeting with somebody who is given another log.
    fn check_logs(&mut self, now: Time) {
        if !self.claimed.lied {
            return;
        }
        for (one, another) in (0..self.clients.len()).flat_map(|one| (0..self.clients.len()).map(move |another| (one, another))) {
            let is_forked = one != another && self.claims_with(one, another).is_some() && self.claimed.reads_another_log(one, another);
            if !is_forked {
                self.claimed.forked.remove(&(one, another));
            } else if now > *self.claimed.forked.entry((one, another)).or_insert(now) + AGREE {
                let detail = format!("client {one} claims one whole meeting with client {another}, which is given another log");
                return self.fail(Kind::ScreensDiffer, now, detail);
            }
        }
    }

    fn check_orders(&mut self, now: Time) {
        let differs = self.claimed.together.iter().filter(|(_, since)| now > **since + AGREE).find(|((one, another), since)| {
            let (one, another) = (&self.claimed.clients[*one].lines, &self.claimed.clients[*another].lines);
            // What came just now may not be there for both.
            let fresh = |lines: &[(usize, Time)]| -> Vec<usize> {
                lines.iter().filter(|(_, at)| *at >= **since && now > *at + AGREE).map(|(line, _)| *line).collect()
            };
            let (left, right) = (fresh(one), fresh(another));
            let common = |of: &[usize], with: &[usize]| of.iter().filter(|line| with.contains(line)).copied().collect::<Vec<_>>();
            common(&left, &right) != common(&right, &left)
        });
        if let Some((pair, _)) = differs {
            self.fail(Kind::ChatOrder, now, format!("clients {pair:?} claim one whole meeting and show lines in another order"));
        }
    }

    /// Newcomers begin with the newest snapshot: one that opens to nothing of this meeting is soon followed by another.
    fn check_snapshot(&mut self, now: Time) {
        let is_inside = |truth: &Truth, since: Time| truth.gone.is_none() && truth.inside_since.is_some_and(|inside| inside <= since);
        if let Some((_, at)) = self.claimed.useless_snapshot.filter(|(_, at)| !self.claimed.lied && now > *at + SNAPSHOT)
            && self.clients.iter().any(|truth| is_inside(truth, at))
        {
            self.fail(Kind::NoSnapshot, now, "a snapshot of no use is the newest for too long".to_owned());
        }
    }

    /// A host who was not disturbed, and its server neither, sees its wish done soon.
    fn check_removal_in_time(&mut self, now: Time) {
        if self.claimed.is_attacked() {
            return;
        }
        for client in 0..self.clients.len() {
            let truth = &self.clients[client];
            let late = truth.remove_asked.is_some_and(|(at, host)| {
                // One that is asked for while there is no server takes effect when there is one again: that is looked at when all is calm. Whose line was
                // cut a moment before knows it when nothing is answered, and is disturbed until it is back.
                let inside = self.clients[host].inside_since.filter(|inside| !truth.asked_in_vain || *inside > at);
                let asked = inside.filter(|_| self.server_up.is_some_and(|up| up <= at)).map(|inside| inside.max(at));
                asked.is_some_and(|asked| now > asked + LEARNED * 2)
                    && truth.gone.is_none()
                    && truth.leaf.is_some_and(|(_, since)| since <= at)
                    && self.clients[host].gone.is_none()
                    && self.clients[host].last_shown().is_some_and(|roster| truth.leaf.is_some_and(|(leaf, _)| roster.contains(&leaf)))
                    && self.is_steady_since(host, at)
            });
            if late {
                return self.fail(Kind::RemovalLate, now, format!("client {client} was to be removed"));
            }
        }
    }

    /// Somebody who is gone, as `identities`, opens what `sender` sealed at this moment.
    pub(crate) fn check_listener(&mut self, identities: &[MemberId], sender: usize, at: Time, now: Time) {
        // A liar can lead the sender into another group, of which who stays behind learns as late as of anything.
        let is_new = self.claimed.lied && self.clients[sender].has_since(identities).is_some_and(|since| at <= since + AGREE);
        let believes = (0..self.clients.len()).filter(|_| !is_new).filter(|client| *client != sender).find(|client| {
            self.claims_with(*client, sender).is_some()
                && self.clients[*client].lacks_since(identities).is_some_and(|since| at > since + AGREE)
        });
        if let Some(client) = believes {
            let detail =
                format!("client {sender} seals for somebody whom client {client} shows as gone, and that claims one whole meeting");
            self.fail(Kind::GoneListens, now, detail);
        }
    }

    /// A frame is played that the hostile member made as `owner`: that cannot be helped at once, and not for long.
    pub(crate) fn check_forged(&mut self, client: usize, owner: MemberId, now: Time) {
        let (since, last) = self.claimed.forged.entry((client, owner)).or_insert((now, now));
        if now > *last + TICK {
            *since = now;
        }
        *last = now;
        let since = *since;
        if now > since + FORGED && !self.claimed.clients[client].doubted.contains(&owner) {
            let detail =
                format!("client {client} plays for {} ms what somebody made as another, whose tile has no mark", (now - since).as_millis());
            self.fail(Kind::Forged, now, detail);
        }
    }

    /// A frame passes the media server, and the hostile member, if it is out, tries all keys that it ever had.
    pub(crate) fn check_stranger(&mut self, frame: &Frame, sender: usize, at: Time, now: Time) {
        let track = Track { owner: frame.owner, source: frame.source };
        let Some(stranger) = self.claimed.mallory.as_mut().filter(|stranger| stranger.out.is_some_and(|out| at > out)) else { return };
        let opens = stranger.hoard.iter_mut().any(|keys| keys.open(track, codec(frame.source), &frame.sealed, Time::ZERO).is_ok());
        if opens {
            let identities: Vec<_> = stranger.identities.iter().map(|(who, _)| *who).collect();
            self.check_listener(&identities, sender, at, now);
        }
    }
}
