//! What the hostile server and the hostile member do to the meeting.

use conclave_base::{MemberId, Source};
use conclave_protocol::ws::{ClientMessage, ServerMessage};
use conclave_session::snapshot::Command;

use crate::doors::PutOut;
use crate::lie::Lie;
use crate::mallory::{Misdeed, Speech};
use crate::media::Frame;
use crate::world::World;

/// The hostile member's connection: no line is between it and the server.
pub(crate) const MALLORY: u64 = u64::MAX;
/// Number of the frames that the hostile member makes: nobody else made one with it.
const FOREIGN: [u8; 8] = [0xff; 8];
/// Number of the frames that it makes as itself while it is a member.
pub(crate) const SPOKEN: u64 = u64::from_be_bytes([0xfd; 8]);

impl World {
    pub(crate) fn lie(&mut self, lie: Lie) {
        self.model.claimed.lied = true;
        if let Lie::Relabel { span } = lie {
            self.relabels_until = self.now + span;
        }
        let now = self.now;
        if let Some(liar) = self.server.liar.as_mut() {
            let said = liar.lie(lie, now);
            self.perform_said(said);
        }
    }

    pub(crate) fn misdeed(&mut self, misdeed: Misdeed) {
        if !self.server.is_up() {
            return;
        }
        self.model.claimed.misdeeds = true;
        if misdeed == Misdeed::NewKey {
            self.mallory_hangs_up();
            self.mallory.change_key();
        } else if misdeed == Misdeed::Force && self.model.claimed.is_mallory_out() {
            // It reads where the group is now.
            self.mallory_hangs_up();
        }
        if !self.mallory_connected {
            self.mallory_connected = true;
            let said = self.server.connected(MALLORY, self.people.len(), self.now);
            self.perform_said(said);
            let hello = self.mallory.hello();
            self.mallory_says(&hello);
        }
        // Who has the link may begin a session: others come into it if a server that lies leads them there, or if nobody else is inside.
        let is_alone = (0..self.clients.len()).all(|n| !self.clients[n].alive || self.model.clients[n].inside_since.is_none());
        let founds = misdeed == Misdeed::ForeignSnapshot && (self.model.claimed.lied || is_alone);
        let comes_in = matches!(misdeed, Misdeed::Enter | Misdeed::Force) || founds;
        self.model.claimed.on_mallory(self.mallory.identity(), comes_in);
        if misdeed == Misdeed::ForeignSnapshot {
            self.model.claimed.on_founded();
        }
        let target = match misdeed {
            Misdeed::Seal => return self.mallory_seals(),
            Misdeed::Speak(how) => return self.mallory_speaks(how),
            Misdeed::Impersonate(who, how) => {
                if let Some(leaf) = self.leaf_of(who) {
                    self.forge(leaf, how);
                }
                return;
            }
            Misdeed::Remove(who) | Misdeed::Rename(who) => self.leaf_of(who).zip(self.people.get(who).map(|person| person.name.clone())),
            Misdeed::Enter
            | Misdeed::EnterWithoutPsk
            | Misdeed::Append(_)
            | Misdeed::ForeignSnapshot
            | Misdeed::Knock
            | Misdeed::Force
            | Misdeed::NewKey
            | Misdeed::Say
            | Misdeed::Order
            | Misdeed::OldOrder => None,
        };
        let target = target.as_ref().map(|(leaf, name)| (*leaf, name.as_str()));
        if let Some(message) = self.mallory.misdeed(misdeed, target) {
            self.mallory_says(&message);
        }
    }

    fn leaf_of(&self, who: usize) -> Option<MemberId> {
        self.model.clients[self.living(who)?].leaf.map(|(leaf, _)| leaf)
    }

    fn mallory_says(&mut self, message: &ClientMessage) {
        if let ClientMessage::Append { class, sealed, .. } = message {
            self.model.claimed.on_append(None, *class, sealed, self.now);
        }
        let said = self.server.message(MALLORY, &message.encode(), self.now);
        self.perform_said(said);
    }

    pub(crate) fn on_mallory(&mut self, bytes: &[u8]) {
        let message = ServerMessage::decode(bytes).expect("servers send messages");
        let (answers, became) = self.mallory.on_message(message, self.now);
        if let Some(became) = became {
            self.model.claimed.on_mallory_became(became, self.now);
        }
        answers.iter().for_each(|answer| self.mallory_says(answer));
        // As its kernel does.
        self.server_input(conclave_admission::Input::Sent { conn: conclave_admission::ConnectionId(MALLORY), bytes: bytes.len() });
    }

    /// Its connection ends, and it says no more.
    pub(crate) fn mallory_hangs_up(&mut self) {
        if std::mem::take(&mut self.mallory_connected) {
            self.server_input(conclave_admission::Input::Disconnected { conn: conclave_admission::ConnectionId(MALLORY) });
        }
    }

    pub(crate) fn tick_mallory(&mut self) {
        if self.mallory_connected {
            self.server_input(conclave_admission::Input::Alive { conn: conclave_admission::ConnectionId(MALLORY) });
            if let Some(message) = self.mallory.on_tick(self.now) {
                self.mallory_says(&message);
            }
        }
    }

    /// It seals with the newest keys that it has, and the media server gives that to everybody.
    fn mallory_seals(&mut self) {
        // While it is a member, that is its right.
        if !self.model.claimed.is_mallory_out() {
            return;
        }
        let sound = [[0; 10].as_slice(), &FOREIGN, &[0; 4]].concat();
        if let Some(sealed) = self.mallory.seal(&sound, self.now) {
            self.mallory_is_given(sealed);
        }
    }

    /// As a member, it speaks by a client of its own making.
    fn mallory_speaks(&mut self, how: Speech) {
        if self.model.claimed.is_mallory_out() {
            return;
        }
        let sound = [[0; 10].as_slice(), &SPOKEN.to_be_bytes(), &[0; 4]].concat();
        if let Some(sealed) = self.mallory.speak(&sound, how) {
            self.mallory_is_given(sealed);
        }
    }

    fn mallory_is_given(&mut self, sealed: Vec<u8>) {
        let frame = Frame { owner: self.mallory.identity(), source: Source::Microphone, number: u64::MAX, sealed, contiguous: true };
        let listening: Vec<_> = (0..self.clients.len()).filter(|client| self.clients[*client].is_awake(self.now)).collect();
        listening.into_iter().for_each(|client| self.receive_frame(client, &frame, true));
    }

    /// The host removes the hostile member.
    pub(crate) fn expel(&mut self) {
        let Some(host) = self.living(0).filter(|client| self.clients[*client].is_awake(self.now)) else { return };
        let who = self.mallory.identity();
        let is_shown = self.clients[host].snapshot().members.iter().any(|m| m.identity == who.to_text());
        if is_shown && self.try_command(host, Command::Remove { identity: who.to_text(), open: true }).is_ok() {
            self.model.claimed.expelled = Some(self.now);
            self.model.on_put_out(host, who, PutOut::Barred, self.now);
        }
    }

    /// What a lying media server makes of a frame on its way to a client.
    pub(crate) fn relabelled(&mut self, client: usize, frame: &Frame) -> Vec<Frame> {
        let honest = frame.clone();
        if self.now >= self.relabels_until {
            return vec![honest];
        }
        let others: Vec<MemberId> = self.clients[client].subscribed.iter().filter(|who| **who != frame.owner).copied().collect();
        let dice = &mut self.clients[client].dice;
        match dice.below(4) {
            0 => vec![honest.clone(), honest],
            1 if !others.is_empty() => vec![Frame { owner: dice.pick(&others), ..honest }],
            2 if frame.source.is_audio() => vec![Frame { source: Source::ScreenAudio, ..honest }],
            2 => vec![Frame { source: if frame.source == Source::Camera { Source::Screen } else { Source::Camera }, ..honest }],
            _ => vec![honest],
        }
    }
}
