//! What changed in the [`Snapshot`] since the page was last told: chat and notices as what was added, the rest where it differs.

use std::collections::BTreeSet;

use conclave_base::Door;
use serde::Serialize;

use crate::snapshot::{ChatLine, Floor, LostMember, Member, Notice, Phase, Security, Snapshot, Waiting};

/// Chat in one update, in bytes of its texts and [`LINE_BYTES`] for each line; more follows in the next update. Several of the longest
/// lines fit.
pub const UPDATE_CHAT_BYTES: usize = 64 * 1024;
/// What a line of chat takes beside its texts.
const LINE_BYTES: usize = 128;

/// A step from the snapshot that the page has to the next one. Applied in this order: `status` replaces what it names; members in
/// `removed` go; each of `members` replaces the member of its identity, or is added at the end; `chat` is added at the end, and lines in
/// `dropped` go; `notices` are added at the end, of which the newest [`crate::snapshot::NOTICES`] stay; `unsent` is added at the end, and
/// lines in `sent` are unsent no more.
///
/// The roster is never split, since the page answers [`crate::snapshot::Command::Shown`] for all of it; it is as large as the group.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct SnapshotUpdate {
    /// Everything but members, chat and notices, if any of it changed.
    pub status: Option<Status>,
    /// Identities of members who are gone, or who follow again in `members` in another place.
    pub removed: Vec<String>,
    /// Members who are new, in their order, or of whom something changed.
    pub members: Vec<Member>,
    /// New lines of the log.
    pub chat: Vec<ChatLine>,
    /// Ids of lines of the log that are kept no more.
    pub dropped: Vec<u32>,
    /// Own lines that were typed and have no place in the log yet.
    pub unsent: Vec<ChatLine>,
    /// Ids of own lines that have one now: they are in `chat`, of this update or a later one.
    pub sent: Vec<u32>,
    /// New notices.
    pub notices: Vec<Notice>,
}

/// The part of the [`Snapshot`] that is told as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// [`Snapshot::phase`].
    pub phase: Phase,
    /// [`Snapshot::title`].
    pub title: String,
    /// [`Snapshot::security`].
    pub security: Security,
    /// [`Snapshot::lost`].
    pub lost: Vec<LostMember>,
    /// [`Snapshot::safety_code`].
    pub safety_code: Option<Vec<String>>,
    /// [`Snapshot::comparable`].
    pub comparable: bool,
    /// [`Snapshot::epoch`].
    pub epoch: u64,
    /// [`Snapshot::host`].
    pub host: bool,
    /// [`Snapshot::appoints`].
    pub appoints: bool,
    /// [`Snapshot::door`].
    pub door: Door,
    /// [`Snapshot::waiting`].
    pub waiting: Vec<Waiting>,
    /// [`Snapshot::declined`].
    pub declined: String,
    /// [`Snapshot::hides_speech`].
    pub hides_speech: bool,
    /// [`Snapshot::floor`].
    pub floor: Floor,
    /// [`Snapshot::mutes`].
    pub mutes: u32,
    /// [`Snapshot::device`].
    pub device: bool,
    /// [`Snapshot::minutes`].
    pub minutes: Option<u32>,
    /// [`Snapshot::ends_at`].
    pub ends_at: Option<f64>,
}

impl Status {
    /// A new field of the snapshot does not compile here before it is decided how it is told.
    fn of(snapshot: &Snapshot) -> Self {
        let Snapshot {
            phase,
            title,
            security,
            members: _,
            lost,
            chat: _,
            unsent: _,
            safety_code,
            comparable,
            epoch,
            notices: _,
            host,
            appoints,
            door,
            waiting,
            declined,
            hides_speech,
            floor,
            mutes,
            device,
            minutes,
            ends_at,
        } = snapshot;
        Self {
            phase: phase.clone(),
            title: title.clone(),
            security: security.clone(),
            lost: lost.clone(),
            safety_code: safety_code.clone(),
            comparable: *comparable,
            epoch: *epoch,
            host: *host,
            appoints: *appoints,
            door: *door,
            waiting: waiting.clone(),
            declined: declined.clone(),
            hides_speech: *hides_speech,
            floor: floor.clone(),
            mutes: *mutes,
            device: *device,
            minutes: *minutes,
            ends_at: *ends_at,
        }
    }
}

/// What the page was told; in the beginning, [`Snapshot::default`].
#[derive(Debug, Default)]
pub(crate) struct Told {
    status: Status,
    members: Vec<Member>,
    /// [`ChatLine::place`] of the log's newest line.
    place: u32,
    /// Ids of lines that the page still has and that are kept no more.
    dropped: Vec<u32>,
    /// Id of the newest own line that was typed.
    typed: u32,
    /// Own lines that the page has as unsent.
    unsent: BTreeSet<u32>,
    /// Id of the newest notice.
    notice: u32,
}

impl Told {
    /// The next step towards `snapshot`, and `None` once the page is there.
    pub(crate) fn next(&mut self, snapshot: &Snapshot) -> Option<SnapshotUpdate> {
        let (removed, members) = self.roster(&snapshot.members);
        let mut left = UPDATE_CHAT_BYTES;
        let update = SnapshotUpdate {
            status: self.status(snapshot),
            removed,
            members,
            sent: self.sent(&snapshot.unsent),
            chat: self.chat(snapshot, &mut left),
            dropped: std::mem::take(&mut self.dropped),
            unsent: self.unsent(&snapshot.unsent, &mut left),
            notices: self.notices(&snapshot.notices),
        };
        (update != SnapshotUpdate::default()).then_some(update)
    }

    fn status(&mut self, snapshot: &Snapshot) -> Option<Status> {
        let status = Status::of(snapshot);
        (self.status != status).then(|| {
            self.status.clone_from(&status);
            status
        })
    }

    fn roster(&mut self, members: &[Member]) -> (Vec<String>, Vec<Member>) {
        let (mut removed, mut changed, mut rest) = (Vec::new(), Vec::new(), members);
        for told in &self.members {
            match rest.split_first() {
                Some((member, after)) if member.identity == told.identity => {
                    changed.extend((member != told).then(|| member.clone()));
                    rest = after;
                }
                Some(_) | None => removed.push(told.identity.clone()),
            }
        }
        changed.extend_from_slice(rest);
        if !removed.is_empty() || !changed.is_empty() {
            self.members = members.to_vec();
        }
        (removed, changed)
    }

    fn sent(&mut self, unsent: &[ChatLine]) -> Vec<u32> {
        let is_sent = |id: &u32| unsent.binary_search_by_key(id, |line| line.id).is_err();
        self.unsent.extract_if(.., is_sent).collect()
    }

    fn chat(&mut self, snapshot: &Snapshot, left: &mut usize) -> Vec<ChatLine> {
        let lines = take(snapshot.lines_after(self.place), left);
        self.place = lines.last().map_or(self.place, |line| line.place);
        lines
    }

    /// This line is kept no more.
    pub(crate) fn on_dropped(&mut self, line: &ChatLine) {
        if line.place <= self.place {
            self.dropped.push(line.id);
        }
    }

    fn unsent(&mut self, unsent: &[ChatLine], left: &mut usize) -> Vec<ChatLine> {
        let lines = take(&unsent[unsent.partition_point(|line| line.id <= self.typed)..], left);
        self.typed = lines.last().map_or(self.typed, |line| line.id);
        self.unsent.extend(lines.iter().map(|line| line.id));
        lines
    }

    fn notices(&mut self, notices: &[Notice]) -> Vec<Notice> {
        let fresh = &notices[notices.partition_point(|notice| notice.id <= self.notice)..];
        self.notice = fresh.last().map_or(self.notice, |notice| notice.id);
        fresh.to_vec()
    }
}

/// What a line of chat takes.
pub(crate) const fn bytes_of(line: &ChatLine) -> usize {
    LINE_BYTES + line.from.len() + line.name.len() + line.text.len()
}

/// As many of the lines as fit into what is `left`.
fn take(lines: &[ChatLine], left: &mut usize) -> Vec<ChatLine> {
    let fits = |line: &&ChatLine| {
        let bytes = bytes_of(line);
        let fits = bytes <= *left;
        *left = left.saturating_sub(bytes);
        fits
    };
    lines.iter().take_while(fits).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Screen;
    use crate::snapshot::{CHAT_BYTES, CHAT_LINES, Comparison, NoticeKind, Recognition, SecurityState};
    use conclave_base::Time;

    const NOW: Time = Time::from_millis(1_700_000_000_000);

    fn member(identity: u32, flags: u32) -> Member {
        Member {
            identity: format!("member-{identity}"),
            name: "Amara".to_owned(),
            me: identity == 0,
            host: false,
            mic: flags & 1 != 0,
            camera: flags & 2 != 0,
            screen: false,
            denied: Vec::new(),
            away_since: (flags & 4 != 0).then_some(1.0),
            refusal: None,
            doubt: None,
            comparison: Comparison::None,
            software: None,
            recognition: Recognition::Guest,
            person_code: None,
            looks: "amara".to_owned(),
        }
    }

    const WHO: (&str, &str) = ("member-0", "Amara");

    fn hear(screen: &mut Screen, text: &str) {
        screen.line_received(WHO.0.to_owned(), WHO.1.to_owned(), text.to_owned(), NOW);
    }

    fn say(screen: &mut Screen, text: &str) -> u32 {
        screen.line_typed(WHO.0.to_owned(), WHO.1.to_owned(), text.to_owned(), NOW)
    }

    /// Everything that the page is told until it knows all.
    fn drain(screen: &mut Screen) -> Vec<SnapshotUpdate> {
        std::iter::from_fn(|| screen.take_update()).collect()
    }

    #[test]
    fn what_changed_nothing_is_not_told() {
        let mut screen = Screen::default();
        screen.changed();
        assert_eq!(drain(&mut screen), []);
        screen.set(|s| &mut s.members, vec![member(0, 0), member(1, 0)]);
        assert_eq!(drain(&mut screen).len(), 1);
        screen.set(|s| &mut s.members, vec![member(0, 0), member(1, 0)]);
        screen.changed();
        assert_eq!(drain(&mut screen), []);
    }

    #[test]
    fn only_the_member_that_changed_is_told() {
        let mut screen = Screen::default();
        screen.set(|s| &mut s.members, (0..100).map(|n| member(n, 0)).collect());
        drain(&mut screen);
        screen.set(|s| &mut s.members, (0..100).map(|n| member(n, u32::from(n == 70))).collect());
        let update = SnapshotUpdate { members: vec![member(70, 1)], ..SnapshotUpdate::default() };
        assert_eq!(drain(&mut screen), [update]);
        screen.set(|s| &mut s.members, (1..100).map(|n| member(n, u32::from(n == 70))).collect());
        let update = SnapshotUpdate { removed: vec!["member-0".to_owned()], ..SnapshotUpdate::default() };
        assert_eq!(drain(&mut screen), [update]);
    }

    fn ids(lines: &[ChatLine]) -> Vec<u32> {
        lines.iter().map(|line| line.id).collect()
    }

    #[test]
    fn an_own_line_is_told_as_typed_and_then_at_its_place_in_the_log() {
        let mut screen = Screen::default();
        let line = say(&mut screen, "hello");
        let [update] = &drain(&mut screen)[..] else { panic!("one update") };
        assert_eq!((ids(&update.chat), ids(&update.unsent), &update.sent[..]), (vec![], vec![line], &[][..]));
        hear(&mut screen, "before it");
        screen.line_sent(line, NOW);
        hear(&mut screen, "after it");
        let [update] = &drain(&mut screen)[..] else { panic!("one update") };
        assert_eq!((ids(&update.chat), ids(&update.unsent), &update.sent[..]), (vec![2, line, 3], vec![], &[line][..]));
        let line = say(&mut screen, "at once");
        screen.line_sent(line, NOW);
        let [update] = &drain(&mut screen)[..] else { panic!("one update") };
        assert_eq!((ids(&update.chat), ids(&update.unsent), &update.sent[..]), (vec![line], vec![], &[][..]));
    }

    #[test]
    fn much_chat_comes_in_bounded_updates_and_whole() {
        let mut screen = Screen::default();
        let longest = "\u{1f600}".repeat(conclave_protocol::limits::CHAT_CHARS);
        for _ in 0..20 {
            hear(&mut screen, &longest);
            say(&mut screen, &longest);
        }
        let updates = drain(&mut screen);
        let lines = |update: &SnapshotUpdate| [&update.chat[..], &update.unsent[..]].concat();
        let bytes = |update: &SnapshotUpdate| lines(update).iter().map(|line| line.text.len()).sum::<usize>();
        assert!(updates.len() > 1 && updates.iter().all(|update| bytes(update) <= UPDATE_CHAT_BYTES && !lines(update).is_empty()));
        let mut told = ids(&updates.iter().flat_map(lines).collect::<Vec<_>>());
        told.sort_unstable();
        assert_eq!(told, (1..=40).collect::<Vec<_>>());
    }

    #[test]
    fn whoever_takes_most_of_the_chat_loses_its_oldest_lines() {
        let mut screen = Screen::default();
        let hears = |screen: &mut Screen, who: &str, text: &str| screen.line_received(who.to_owned(), who.to_owned(), text.to_owned(), NOW);
        let own = say(&mut screen, "mine");
        screen.line_sent(own, NOW);
        for n in 0..20 {
            hears(&mut screen, "Bela", &format!("Bela's {n}"));
        }
        let before = drain(&mut screen);
        let longest = "\u{1f600}".repeat(conclave_protocol::limits::CHAT_CHARS);
        let mut page: Vec<u32> = before.iter().flat_map(|update| ids(&update.chat)).collect();
        for _ in 0..500 {
            hears(&mut screen, "Mallory", &longest);
            for update in drain(&mut screen) {
                page.extend(ids(&update.chat));
                page.retain(|id| !update.dropped.contains(id));
            }
            assert_eq!(page, ids(&screen.snapshot.chat));
        }
        assert!(screen.snapshot.chat.iter().map(bytes_of).sum::<usize>() <= CHAT_BYTES);
        let of = |who: &str| screen.snapshot.chat.iter().filter(|line| line.from == who).count();
        assert_eq!((of(WHO.0), of("Bela")), (1, 20));
        assert!(of("Mallory") > 20, "{}", of("Mallory"));
        assert_eq!(screen.snapshot.chat.last().map(|line| line.id), Some(521));
        // Short ones, too; and what the page was not told yet.
        for _ in 0..2 * CHAT_LINES {
            hears(&mut screen, "Mallory", "!");
        }
        hears(&mut screen, "Bela", "still here");
        assert_eq!(screen.snapshot.chat.len(), CHAT_LINES);
        let kept = |line: &ChatLine| line.from == "Bela";
        assert_eq!(screen.snapshot.chat.iter().filter(|line| kept(line)).count(), 21);
        for update in drain(&mut screen) {
            page.extend(ids(&update.chat));
            page.retain(|id| !update.dropped.contains(id));
        }
        assert_eq!(page, ids(&screen.snapshot.chat));
    }

    /// What the page makes of updates is written in TypeScript alone (`apps/web/src/worker/snapshot.ts`); its test reads what is
    /// recorded here: arbitrary changes, the updates that tell them, and now and then the snapshot that the page must have then.
    #[test]
    fn the_record_that_the_page_is_tested_with() {
        let mut record = vec![serde_json::to_string(&Snapshot::default()).expect("no failing serializer")];
        let (mut screen, mut state) = (Screen::default(), 1_u32);
        // A linear congruential generator: arbitrary, and the same each time.
        let mut below = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % n
        };
        let mut typed = Vec::new();
        for step in 1..=220 {
            for _ in 0..=below(3) {
                match below(8) {
                    0 => typed.push(say(&mut screen, &format!("line {step}"))),
                    1 => hear(&mut screen, "hello"),
                    2 => typed.pop().into_iter().for_each(|line| screen.line_sent(line, NOW)),
                    3 => screen.notice(NoticeKind::Joined { name: format!("Bela {step}") }, NOW),
                    4 => screen.set(|s| &mut s.epoch, u64::from(step)),
                    5 => screen.set(|s| &mut s.security, Security { state: SecurityState::Secure, people: below(9), verified: 0 }),
                    6 => {
                        let mut members = screen.snapshot.members.clone();
                        if members.is_empty() || below(3) == 0 {
                            members.push(member(u32::try_from(members.len()).expect("few") + 100 * step, 0));
                        } else {
                            let at = below(u32::try_from(members.len()).expect("few")) as usize;
                            members[at].mic = !members[at].mic;
                        }
                        screen.set(|s| &mut s.members, members);
                    }
                    _ => {
                        let mut members = screen.snapshot.members.clone();
                        let moved = members.len().checked_sub(1).map(|last| members.swap_remove(below(9) as usize % (last + 1)));
                        members.extend(moved.filter(|_| below(3) == 0));
                        screen.set(|s| &mut s.members, members);
                    }
                }
            }
            let updates = drain(&mut screen);
            record.push(serde_json::to_string(&updates).expect("no failing serializer"));
            if step % 110 == 0 {
                record.push(serde_json::to_string(&screen.snapshot).expect("no failing serializer"));
            }
        }
        insta::assert_snapshot!("updates", record.join("\n"));
    }
}
