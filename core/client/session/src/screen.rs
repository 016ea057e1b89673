use std::collections::BTreeMap;
use std::time::Duration;

use crate::snapshot::{CHAT_BYTES, CHAT_LINES, ChatLine, EndReason, JoinStep, NOTICES, Notice, NoticeKind, Phase, Snapshot};
use crate::update::{SnapshotUpdate, Told, bytes_of};
use conclave_base::Time;

/// The same notice is given once in this time.
const NOTICE_EVERY: Duration = Duration::from_secs(10);

/// The snapshot while it is being changed.
#[derive(Default)]
pub(crate) struct Screen {
    pub(crate) snapshot: Snapshot,
    told: Told,
    /// Something may differ from what was told.
    changed: bool,
    next_line: u32,
    next_place: u32,
    next_notice: u32,
    /// On the way to another node, of which nothing is told for a moment.
    sent_away: bool,
}

/// Unix milliseconds as the screen's numbers are.
pub(crate) fn millis(at: Time) -> f64 {
    at.as_millis() as f64
}

impl Screen {
    pub(crate) fn changed(&mut self) {
        self.changed = true;
    }

    /// What the page does not know yet; `None` once it knows all.
    pub(crate) fn take_update(&mut self) -> Option<SnapshotUpdate> {
        let update = self.changed.then(|| self.told.next(&self.snapshot)).flatten();
        self.changed = update.is_some();
        update
    }

    pub(crate) fn phase(&mut self, phase: Phase) {
        self.sent_away = false;
        if self.snapshot.phase != phase {
            self.snapshot.phase = phase;
            self.changed = true;
        }
    }

    /// On the way in. Who had been inside keeps the meeting on the screen, with what is typed there.
    pub(crate) fn joining(&mut self, step: JoinStep) {
        if !self.is_reconnecting() && !self.sent_away {
            self.phase(Phase::Joining { step });
        }
    }

    /// The connection broke, now or when it was first told.
    pub(crate) fn reconnecting(&mut self, now: Time) {
        if !self.is_reconnecting() {
            self.phase(Phase::Reconnecting { since: millis(now) });
        }
    }

    /// The server, which may end, sends this client on: most often it is back before anybody could read that.
    pub(crate) fn sent_away(&mut self) {
        self.sent_away = true;
    }

    pub(crate) fn is_reconnecting(&self) -> bool {
        matches!(self.snapshot.phase, Phase::Reconnecting { .. })
    }

    /// Outside the group: nothing of it is shown any more but what was said.
    pub(crate) fn outside(&mut self) {
        self.set(|s| &mut s.security, Default::default());
        self.set(|s| &mut s.members, Vec::new());
        self.set(|s| &mut s.lost, Vec::new());
        self.set(|s| &mut s.waiting, Vec::new());
        self.set(|s| &mut s.safety_code, None);
        self.set(|s| &mut s.comparable, false);
    }

    pub(crate) fn over(&mut self, reason: EndReason) {
        self.phase(Phase::Ended { reason });
    }

    /// Sets a part of the snapshot, and notes whether that changed it.
    pub(crate) fn set<T: PartialEq>(&mut self, part: impl FnOnce(&mut Snapshot) -> &mut T, value: T) {
        let part = part(&mut self.snapshot);
        if *part != value {
            *part = value;
            self.changed = true;
        }
    }

    /// Gives a notice.
    pub(crate) fn notice(&mut self, what: NoticeKind, now: Time) {
        self.next_notice += 1;
        let notices = &mut self.snapshot.notices;
        if notices.len() >= NOTICES {
            notices.remove(0);
        }
        notices.push(Notice { id: self.next_notice, at: millis(now), what });
        self.changed = true;
    }

    /// Gives a notice that somebody could cause again and again: once in ten seconds.
    pub(crate) fn notice_rarely(&mut self, what: NoticeKind, now: Time) {
        let since = millis(now) - NOTICE_EVERY.as_millis() as f64;
        if !self.snapshot.notices.iter().any(|notice| notice.at > since && notice.what == what) {
            self.notice(what, now);
        }
    }

    /// Another member's line of chat came.
    pub(crate) fn line_received(&mut self, from: String, name: String, text: String, now: Time) {
        let line = self.new_line(from, name, text, false, now);
        self.add_line(line);
    }

    /// The user wrote a line of chat; gives its id. It stands below the others until [`Self::line_sent`].
    pub(crate) fn line_typed(&mut self, from: String, name: String, text: String, now: Time) -> u32 {
        let line = self.new_line(from, name, text, true, now);
        let id = line.id;
        self.snapshot.unsent.push(line);
        self.changed = true;
        id
    }

    /// The next entry of the log is the own line `id`.
    pub(crate) fn line_sent(&mut self, id: u32, now: Time) {
        if let Some(at) = self.snapshot.unsent.iter().position(|line| line.id == id) {
            let line = self.snapshot.unsent.remove(at);
            self.add_line(ChatLine { at: millis(now), ..line });
        }
    }

    /// The own line `id` is shown to nobody: its author may not write, by the time that its place in the log would come.
    pub(crate) fn line_not_taken(&mut self, id: u32, now: Time) {
        self.snapshot.unsent.retain(|line| line.id != id);
        self.changed = true;
        self.notice_rarely(NoticeKind::LineNotTaken, now);
    }

    fn new_line(&mut self, from: String, name: String, text: String, mine: bool, now: Time) -> ChatLine {
        self.next_line += 1;
        ChatLine { id: self.next_line, from, name, text, at: millis(now), mine, place: 0 }
    }

    fn add_line(&mut self, line: ChatLine) {
        self.next_place += 1;
        let chat = &mut self.snapshot.chat;
        chat.push(ChatLine { place: self.next_place, ..line });
        while (chat.len() > CHAT_LINES || chat.iter().map(bytes_of).sum::<usize>() > CHAT_BYTES)
            && let Some(at) = oldest_of_whom_has_most(chat)
        {
            self.told.on_dropped(&chat.remove(at));
        }
        self.changed = true;
    }
}

/// The line that goes when there are too many. The newest one stays.
fn oldest_of_whom_has_most(chat: &[ChatLine]) -> Option<usize> {
    let (_, older) = chat.split_last()?;
    let mut taken = BTreeMap::<&str, usize>::new();
    for line in older {
        *taken.entry(&line.from).or_default() += bytes_of(line);
    }
    let (from, _) = taken.into_iter().max_by_key(|(_, bytes)| *bytes)?;
    older.iter().position(|line| line.from == from)
}
