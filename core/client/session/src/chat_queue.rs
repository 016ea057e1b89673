use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use conclave_base::{MemberId, Permission, Redacted, Time};
use conclave_mls::Group;
use conclave_protocol::payload::App;

use crate::InputError;
use crate::context::Context;
use crate::log_writer::{LogWriter, Sent};
use crate::membership::clean_text;

/// Own lines that may wait for a connection.
const UNSENT: usize = 64;
/// After the server was busy.
const RETRY: Duration = Duration::from_secs(1);
/// After a server began anew, everybody is back within this: connections are tried again every 8 s at the latest, two more seconds later all have
/// said that they come in, and that is under way for as long.
const COMING_BACK: Duration = Duration::from_secs(12);

/// An own line that has no place in the log yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnsentLine {
    /// On the page; grows from line to line.
    pub(crate) id: u32,
    /// Among the lines of this member: the same line, sent again, is shown once.
    pub(crate) unique: u64,
    pub(crate) text: String,
}

/// Own lines of chat that wait to be appended, in the order in which they were typed.
#[derive(Debug, Default)]
pub(crate) struct ChatQueue {
    unsent: VecDeque<UnsentLine>,
    not_before: Time,
    /// Who was in the group when this client had to join anew, until they had time to come back and all lines are said. Whoever comes back has the same key; whoever is new is not waited for.
    expected: BTreeSet<MemberId>,
}

impl ChatQueue {
    /// The user typed a line, as the member `me` called `name`: it is on the page, and waits for its place in the log.
    pub(crate) fn type_line(&mut self, text: &str, me: &MemberId, name: String, ctx: &mut Context, now: Time) -> Result<(), InputError> {
        let text = clean_text(text).ok_or(InputError::Text)?;
        if self.unsent.len() >= UNSENT {
            return Err(InputError::Busy);
        }
        let id = ctx.screen.line_typed(me.to_text(), name, text.clone(), now);
        self.unsent.push_back(UnsentLine { id, unique: ctx.rng.number(), text });
        Ok(())
    }

    /// Takes back the lines among what was appended and got lost: each stands where it was typed.
    pub(crate) fn put_back(&mut self, lost: impl IntoIterator<Item = Sent>) {
        for sent in lost {
            if let Sent::Chat(line) = sent {
                let place = self.unsent.partition_point(|other| other.id < line.id);
                self.unsent.insert(place, line);
            }
        }
    }

    /// What waits goes to nobody, and its author is told.
    pub(crate) fn refuse(&mut self, ctx: &mut Context, now: Time) {
        for line in self.unsent.drain(..) {
            ctx.screen.line_not_taken(line.id, now);
        }
    }

    /// The server is busy: chat waits.
    pub(crate) fn pause(&mut self, now: Time) {
        self.not_before = now + RETRY;
    }

    /// This client must join anew; these were members.
    pub(crate) fn on_rejoin(&mut self, members: impl Iterator<Item = MemberId>) {
        self.expected.extend(members);
    }

    /// Appends what may be appended. `joined`: since when this client is a member.
    pub(crate) fn poll(&mut self, group: &mut Group, joined: Time, log: &mut LogWriter, ctx: &mut Context, now: Time) {
        // What is on its way may be lost with the connection, and is then to wait for the same members.
        if now >= joined + COMING_BACK && self.unsent.is_empty() && !log.is_chat_in_flight() {
            self.expected.clear();
        }
        if !group.may(&group.me(), Permission::Chat) {
            self.refuse(ctx, now);
        }
        while now >= self.opens(group, joined)
            && let Some(line) = self.unsent.pop_front()
        {
            let app = App::Chat { id: line.unique, text: Redacted::new(line.text.clone()) };
            if !log.append_app(group, &app, Sent::Chat(line.clone()), ctx, now) {
                self.unsent.push_front(line);
                self.pause(now);
            }
        }
    }

    pub(crate) fn deadline(&self, group: &Group, joined: Time) -> Option<Time> {
        (!self.unsent.is_empty()).then(|| self.opens(group, joined))
    }

    /// From when on chat goes out. A joiner reads nothing that was said before it joined: chat waits while former members are expected back.
    fn opens(&self, group: &Group, joined: Time) -> Time {
        let is_missing = |who: &MemberId| !group.members().iter().any(|m| m.identity == *who);
        let back = if self.expected.iter().any(is_missing) { joined + COMING_BACK } else { Time::ZERO };
        self.not_before.max(back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_lines_stand_where_they_were_typed() {
        let line = |id| UnsentLine { id, unique: u64::from(id), text: id.to_string() };
        let mut chat = ChatQueue::default();
        chat.unsent.push_back(line(4));
        chat.put_back([Sent::Commit, Sent::Chat(line(2)), Sent::Other]);
        // Refusals come one by one.
        chat.put_back([Sent::Chat(line(3))]);
        chat.put_back([Sent::Chat(line(1))]);
        assert_eq!(chat.unsent.iter().map(|line| line.id).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}
