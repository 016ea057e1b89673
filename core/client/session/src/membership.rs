use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::snapshot::{EndReason, Member, NoticeKind, Phase, SecurityState};
use conclave_base::{Epoch, MemberId, Source, Time};
use conclave_media_crypto::{EpochKeys, Frames, OpenError};
use conclave_mls::{Change, Group, Processed, RuleViolation};
use conclave_protocol::payload::App;
use conclave_protocol::ws::{Class, Entry, Refusal};

use crate::Output;
use crate::committer::Upkeep;
use crate::liveness::Peers;
use crate::log_writer::{Desk, Sent};
use crate::security_monitor::Watch;
use crate::send_key_schedule::Switching;

/// After this client came in, others seal for a while with keys that it never had.
const SETTLING: Duration = Duration::from_secs(5);

/// Commits that the server says are there, and does not send for this long, are withheld.
const WITHHELD: Duration = Duration::from_secs(10);

/// A member of the group: its keys, who else is there, and what is to be done for the group.
pub(crate) struct Inside {
    pub(crate) group: Box<Group>,
    pub(crate) frames: Frames,
    pub(crate) switching: Switching,
    pub(crate) watch: Watch,
    pub(crate) peers: Peers,
    pub(crate) upkeep: Upkeep,
    /// Everybody, in the order of joining as far as it is known.
    order: Vec<MemberId>,
    /// Those who asked to leave, and when this client read it. They stay gone whatever commit comes first.
    pub(crate) leaving: BTreeMap<MemberId, Time>,
    pub(crate) entered: Time,
    /// Since when this client missed what was said: the connection broke, and not all is read since.
    away: Option<Time>,
    /// Since when commits are lacking that the server said are there.
    lacking: Option<Time>,
    /// When [`Self::run`] last ran.
    ran: Time,
    /// When something of this client last came back through the log: since then the others have not heard it.
    spoke: Time,
}

/// Whether this client is still inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Still {
    /// Yes.
    Inside,
    /// Its leaf is gone, against its wish and not by a host: it may come back with a new one.
    Lost,
    /// It is over.
    Over(EndReason),
}

impl Inside {
    pub(crate) fn new(group: Box<Group>, desk: &mut Desk, now: Time) -> Self {
        let mut inside = Self {
            frames: Frames::new(),
            switching: Switching::default(),
            watch: Watch::default(),
            peers: Peers::default(),
            upkeep: Upkeep::new(group.members().len(), desk, now),
            order: Vec::new(),
            leaving: BTreeMap::new(),
            entered: now,
            away: None,
            lacking: None,
            ran: now,
            spoke: now,
            group,
        };
        inside.peers.listen(now);
        inside.epoch_began(false, false, now);
        desk.screen.phase(Phase::Inside);
        inside.refresh(desk, now);
        inside
    }

    /// Takes the next entry of the log; `content` is `None` if it did not open.
    pub(crate) fn entry(&mut self, entry: &Entry, content: Option<&[u8]>, desk: &mut Desk, now: Time) -> Still {
        if let Some(Sent::Chat(line)) = desk.came_back(&entry.sealed) {
            desk.screen.line_sent(line);
        }
        if let Some(who) = content.and_then(|content| self.upkeep.removes(content))
            && !self.believed_gone(now).contains(&who)
        {
            // It spoke up before the commit took its place: everybody else ignores this commit, so its author does too.
            self.group.discard_pending();
            self.upkeep.commit_ignored(now);
            return Still::Inside;
        }
        let handled = match content {
            Some(content) => self.take(entry.class, content, now),
            None => Err(RuleViolation::Invalid),
        };
        match handled {
            Ok(Processed::Commit(change)) => return self.changed(change, entry.sealed.len(), desk, now),
            Ok(Processed::Leaving(who)) => {
                self.leaving.entry(who).or_insert(now);
            }
            Ok(Processed::App { from, app }) => self.app(&from, app, desk, now),
            Ok(Processed::Snapshot) => self.upkeep.snapshot_seen(),
            Ok(Processed::SnapshotUseless) => self.upkeep.want_snapshot(now),
            Ok(Processed::Own) => self.spoke = now,
            Ok(Processed::Unreadable) => {}
            Err(rule) => {
                self.watch.attacked(&mut desk.screen, now);
                if entry.class == Class::Message {
                    self.watch.garbled(now);
                }
                if entry.class == Class::Commit {
                    desk.screen.notice_rarely(NoticeKind::CommitRefused { rule: rule.into() }, now);
                }
            }
        }
        Still::Inside
    }

    fn take(&mut self, class: Class, content: &[u8], now: Time) -> Result<Processed, RuleViolation> {
        let mut gone = self.believed_gone(now);
        let handled = self.group.process(class, content, &gone);
        if class == Class::Commit && handled == Err(RuleViolation::RemoveNotAllowed) && self.is_silent(now) {
            // The others have lost this client: being out is safe, and it comes back.
            gone.insert(self.group.me());
            return self.group.process(class, content, &gone);
        }
        handled
    }

    /// Whether the others may believe that this client is gone.
    fn is_silent(&self, now: Time) -> bool {
        now >= self.spoke + self.peers.away_after()
    }

    /// Whose removal by any member counts.
    fn believed_gone(&self, now: Time) -> BTreeSet<MemberId> {
        let mut gone = if self.away.is_some() { self.peers.everybody() } else { self.peers.believed_gone(now) };
        gone.extend(self.leaving.keys());
        gone
    }

    /// A new epoch.
    fn changed(&mut self, change: Change, size: usize, desk: &mut Desk, now: Time) -> Still {
        let me = self.group.me();
        if change.out {
            // A host's commit looks the same whether it wanted this client out or lost it. Who was silent for so long was lost.
            let lost = self.is_silent(now);
            let by_host = change.removed.iter().any(|m| m.identity == me);
            return if by_host && !lost { Still::Over(EndReason::Removed) } else { Still::Lost };
        }
        let joined = change.joined.iter().any(|m| m.identity != me);
        self.epoch_began(joined, !change.removed.is_empty(), now);
        if self.away.is_none() {
            for newcomer in change.joined.iter().map(|m| &m.identity).chain([&change.by]) {
                self.peers.heard(newcomer, now);
            }
        }
        for (who, what) in [
            (&change.joined, (|name| NoticeKind::Joined { name }) as fn(String) -> NoticeKind),
            (&change.left, |name| NoticeKind::Left { name }),
            (&change.removed, |name| NoticeKind::Removed { name }),
        ] {
            for member in who.iter().filter(|m| m.identity != me) {
                desk.screen.notice(what(member.name.expose().clone()), now);
            }
        }
        self.upkeep.commit_seen(&change, size, change.by == me, joined, self.group.members().len(), desk, now);
        desk.screen.changed();
        Still::Inside
    }

    /// Keys and roster of the group's epoch.
    fn epoch_began(&mut self, joined: bool, removed: bool, now: Time) {
        let members = self.group.members();
        let there: BTreeSet<_> = members.iter().map(|m| m.identity).collect();
        self.order.retain(|who| there.contains(who));
        for member in members {
            if !self.order.contains(&member.identity) {
                self.order.push(member.identity);
            }
        }
        self.peers.keep(members, &self.group.me());
        self.leaving.retain(|who, _| there.contains(who));
        self.watch.epoch_began();
        self.upkeep.draw_lots(&self.group);
        let members = members.iter().map(|m| (m.leaf, m.identity)).collect();
        let epoch = self.group.epoch();
        let installed = self.group.media_base_key().is_some_and(|base_key| {
            let keys = EpochKeys { epoch, base_key, members, me: self.group.leaf() };
            self.frames.install(keys, now).is_ok()
        });
        if installed {
            self.switching.began(epoch, joined, removed, &mut self.frames, now);
        } else {
            // A group of more leaves than a key id can name: nothing is sealed rather than sealed wrongly.
            self.frames.stop_sealing();
        }
    }

    fn app(&mut self, from: &MemberId, app: App, desk: &mut Desk, now: Time) {
        if self.away.is_none() {
            self.peers.heard(from, now);
        }
        match app {
            App::Chat { text } => {
                let text = clean_text(text.expose());
                if let (Some(text), Some(name)) = (text, self.name_of(from)) {
                    desk.screen.line(from.to_text(), name, text, false, now);
                }
            }
            App::State { mic, camera, screen, speaking } => {
                if let Some(peer) = self.peers.get_mut(from) {
                    (peer.mic, peer.camera, peer.screen, peer.speaking) = (mic, camera, screen, speaking && mic);
                }
            }
            App::Heartbeat { epoch, authenticator, roster } => {
                let fits = if Epoch(epoch) == self.group.epoch() {
                    Some(authenticator == self.group.authenticator8() && roster == self.group.roster8())
                } else {
                    // A member that stays behind is withheld entries; one that was just overtaken is not.
                    self.upkeep.is_settled(now).then_some(false)
                };
                self.peers.compared(from, fits, now);
            }
        }
        desk.screen.changed();
    }

    /// The append `request` was refused.
    pub(crate) fn refused(&mut self, request: u32, what: Option<Sent>, why: Refusal, desk: &mut Desk, now: Time) {
        match what {
            Some(Sent::Commit) => {
                if self.upkeep.commit_refused(request, why, now) {
                    self.group.discard_pending();
                }
            }
            Some(Sent::Snapshot) => self.upkeep.snapshot_refused(now),
            Some(Sent::Chat(line)) => {
                desk.unsent.push_front(line);
                self.upkeep.wait(now);
            }
            Some(Sent::Other) | None => {}
        }
    }

    /// Before anything else at each input: if the machine slept, nobody is blamed for the silence.
    pub(crate) fn woke(&mut self, now: Time) {
        if now >= self.ran + self.peers.patience() {
            self.peers.listen(now);
        }
        self.ran = now;
    }

    /// The connection broke.
    pub(crate) fn broke(&mut self, now: Time) {
        self.away.get_or_insert(now);
    }

    /// Whether entries are missing since the connection broke.
    pub(crate) fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// The connection is back and everything that came meanwhile was read.
    pub(crate) fn caught_up(&mut self, desk: &mut Desk, now: Time) {
        self.away = None;
        self.peers.listen(now);
        if self.upkeep.forget_commit() {
            self.group.discard_pending();
        }
        let lost: VecDeque<_> =
            desk.forget_under_way().into_iter().filter_map(|sent| if let Sent::Chat(line) = sent { Some(line) } else { None }).collect();
        for line in lost.into_iter().rev() {
            desk.unsent.push_front(line);
        }
        self.upkeep.show_life(now);
        desk.screen.phase(Phase::Inside);
    }

    /// Does what is due.
    pub(crate) fn run(&mut self, desk: &mut Desk, now: Time) {
        self.frames.expire(now);
        self.switch(desk, now);
        let (group, before) = (&self.group, &desk.former);
        let is_member = |who: &MemberId| group.members().iter().any(|m| m.identity == *who);
        self.watch.ghosts(|who| is_member(who) || before.contains(who), &mut desk.screen, now);
        self.watch.forget(is_member, &mut desk.screen, now);
        if desk.live {
            self.keep_up(desk, now);
        }
        self.refresh(desk, now);
    }

    /// A frame that came on a member's track was not opened.
    pub(crate) fn not_opened(&mut self, error: OpenError, track: (MemberId, Source), desk: &mut Desk, now: Time) {
        // Frames of who has just left are still on their way, and who was never here is a ghost: told in its own way.
        let Some(name) = self.name_of(&track.0) else { return };
        let settling = now < self.entered + SETTLING;
        self.watch.not_opened(error, track, &name, settling, &mut desk.screen, now);
        if desk.screen.is_changed() {
            self.refresh(desk, now);
        }
    }

    pub(crate) fn switch(&mut self, desk: &mut Desk, now: Time) {
        if self.switching.run(&mut self.frames, now) {
            desk.put(Output::KeyFrameWanted);
        }
    }

    /// Whether the server keeps back commits that it said are there.
    pub(crate) fn is_withheld(&mut self, desk: &Desk, now: Time) -> bool {
        if !desk.live || desk.chain.has_all_commits() {
            self.lacking = None;
        }
        let lacking = desk.live && !desk.chain.has_all_commits();
        lacking && now >= *self.lacking.get_or_insert(now) + WITHHELD
    }

    /// When [`Self::run`] has something to do again.
    pub(crate) fn due(&mut self, desk: &Desk, now: Time) -> Option<Time> {
        let withheld = self.lacking.map(|since| since + WITHHELD).filter(|at| *at > now);
        let upkeep = if desk.live { self.upkeep_due(desk, now) } else { None };
        [self.frames.expire(now), self.switching.due(&self.frames, now), self.watch.due(now), self.peers.next_vanish(now), upkeep, withheld]
            .into_iter()
            .flatten()
            .min()
    }

    /// Writes roster, lock and codes into the snapshot.
    pub(crate) fn refresh(&self, desk: &mut Desk, now: Time) {
        let me = self.group.me();
        let members: Vec<Member> = self
            .order
            .iter()
            .filter_map(|who| self.group.members().iter().find(|m| m.identity == *who))
            .map(|m| {
                let peer = self.peers.get(&m.identity);
                let media = peer.map_or(desk.own, |peer| (peer.mic, peer.camera, peer.screen, peer.speaking));
                Member {
                    identity: m.identity.to_text(),
                    name: m.name.expose().clone(),
                    me: m.identity == me,
                    host: m.host,
                    mic: media.0,
                    camera: media.1,
                    screen: media.2,
                    speaking: media.3,
                    away_since: self.peers.away_since(&m.identity, now),
                    refusal: self.watch.trouble(&m.identity, now),
                }
            })
            .collect();
        let state = if self.peers.split(now) || self.watch.is_garbled(now) {
            SecurityState::Split
        } else if self.watch.is_attacked(now) {
            SecurityState::Attacked
        } else {
            SecurityState::Secure
        };
        let people = u32::try_from(members.len()).unwrap_or(u32::MAX);
        desk.screen.set(|s| &mut s.security, crate::snapshot::Security { state, people });
        desk.screen.set(|s| &mut s.members, members);
        desk.screen.set(|s| &mut s.safety_code, Some(self.group.safety_code().to_vec()));
        desk.screen.set(|s| &mut s.epoch, self.group.epoch().0);
    }

    pub(crate) fn name_of(&self, who: &MemberId) -> Option<String> {
        self.group.members().iter().find(|m| m.identity == *who).map(|m| m.name.expose().clone())
    }
}

/// A chat text fit to be shown: within its limit, with no control characters but line breaks; `None` if nothing is left.
pub(crate) fn clean_text(text: &str) -> Option<String> {
    if text.chars().count() > conclave_protocol::limits::CHAT_CHARS {
        return None;
    }
    let hidden = |c: &char| c.is_control() && *c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text: String = text.chars().filter(|c| !hidden(c)).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
