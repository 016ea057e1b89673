use std::time::Duration;

use crate::snapshot::{CHAT_LINES, ChatLine, EndReason, JoinStep, NOTICES, Notice, NoticeKind, Phase, Snapshot};
use crate::update::{SnapshotUpdate, Told};
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
    next_notice: u32,
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
        if self.snapshot.phase != phase {
            self.snapshot.phase = phase;
            self.changed = true;
        }
    }

    /// On the way in. Who had been inside keeps the meeting on the screen, with what is typed there.
    pub(crate) fn joining(&mut self, step: JoinStep) {
        if !self.is_reconnecting() {
            self.phase(Phase::Joining { step });
        }
    }

    /// The connection broke, now or when it was first told.
    pub(crate) fn reconnecting(&mut self, now: Time) {
        if !self.is_reconnecting() {
            self.phase(Phase::Reconnecting { since: millis(now) });
        }
    }

    pub(crate) fn is_reconnecting(&self) -> bool {
        matches!(self.snapshot.phase, Phase::Reconnecting { .. })
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

    /// Adds a line of chat and gives its id.
    pub(crate) fn line(&mut self, from: String, name: String, text: String, mine: bool, now: Time) -> u32 {
        self.next_line += 1;
        let chat = &mut self.snapshot.chat;
        if chat.len() >= CHAT_LINES {
            chat.remove(0);
        }
        chat.push(ChatLine { id: self.next_line, from, name, text, at: millis(now), mine, pending: mine });
        self.changed = true;
        self.next_line
    }

    /// The own line `id` has its place in the log.
    pub(crate) fn line_sent(&mut self, id: u32) {
        if let Some(line) = self.snapshot.chat.iter_mut().find(|line| line.id == id) {
            line.pending = false;
            self.changed = true;
        }
    }
}
