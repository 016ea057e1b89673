//! What must be so once all faults have healed.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{Source, Time};
use conclave_session::snapshot::{Phase, SecurityState, Snapshot};

use crate::bounds::{AGREE, PROBE, SETTLE};
use crate::encoders::On;
use crate::failure::{Failure, Kind};
use crate::model::Calm;
use crate::world::{Event, World};

/// How often it is looked whether all are in one epoch.
const TRIES: u32 = 10;
const TRY_EVERY: Duration = Duration::from_millis(200);
/// When it is looked whether all is well already, before the time is over.
const LOOKS: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(36)];
/// One meeting in so many waits for the end of the time all the same.
const PATIENT: u64 = 4;

impl World {
    /// Heals all, lets everybody speak, waits, and looks at every screen.
    pub(crate) fn calm(&mut self) -> Result<(), Failure> {
        if self.model.claimed.lied {
            // What a liar lets heal is its own affair; what is claimed must be so all the same.
            self.pass_until(self.now + AGREE + PROBE)?;
            return self.model.check();
        }
        self.mallory_hangs_up();
        let now = self.now;
        self.people.iter_mut().for_each(|person| person.line.heal(now));
        self.kick_pipes();
        for client in 0..self.clients.len() {
            if self.clients[client].hidden_until > now {
                self.clients[client].hidden_until = now;
                self.schedule(now, Event::Draw { client });
            }
        }
        // Who sleeps is let sleep, and a server that is down is let come up.
        let asleep = self.clients.iter().filter(|c| c.alive).map(|c| c.asleep_until).max().unwrap_or(now);
        self.pass_until(asleep.max(now))?;
        while !self.server.is_up() {
            self.pass_until(self.now + PROBE)?;
        }
        for client in self.present() {
            let on = self.clients[client].encoders.on;
            self.set_media(client, On { mic: true, ..on });
        }
        let healed = self.now;
        // What is well early seldom is not later; for that, some meetings wait.
        if !(self.seed / 8).is_multiple_of(PATIENT) {
            for look in LOOKS {
                if self.is_calm(healed + look, true)? {
                    return Ok(());
                }
            }
        }
        self.is_calm(healed + SETTLE, false)?;
        self.model.check()
    }

    /// Whether all is at this moment as it must be in the end. If it is not, that is no failure when it is `early`.
    fn is_calm(&mut self, at: Time, early: bool) -> Result<bool, Failure> {
        self.pass_until(Time::ZERO + (at - (Time::ZERO + PROBE)))?;
        let probe = self.now;
        self.model.calm = Some(Calm { since: probe, early, holds: true });
        self.pass_until(at)?;
        // A commit may be under way just now.
        for _ in 0..TRIES {
            if self.is_one_group() {
                break;
            }
            self.pass_until(self.now + TRY_EVERY)?;
        }
        self.check_calm(probe);
        Ok(self.model.calm.take().is_some_and(|calm| calm.holds))
    }

    /// Whether all screens show one epoch.
    fn is_one_group(&self) -> bool {
        let inside = self.present().into_iter().map(|client| self.clients[client].snapshot()).filter(|shown| shown.phase == Phase::Inside);
        let epochs: BTreeSet<_> = inside.map(|shown| shown.epoch).collect();
        epochs.len() <= 1
    }

    /// Programs that run.
    fn present(&self) -> Vec<usize> {
        (0..self.clients.len()).filter(|client| self.clients[*client].alive).collect()
    }

    fn check_calm(&mut self, probe: Time) {
        let present = self.present();
        let mut waiting = Vec::new();
        for &client in &present {
            let snapshot = self.clients[client].snapshot();
            match snapshot.phase {
                Phase::Inside => {}
                Phase::AtTheDoor { .. } => waiting.push((client, snapshot.clone())),
                Phase::LookingUp
                | Phase::NeedsPassphrase { .. }
                | Phase::Prejoin { .. }
                | Phase::Joining { .. }
                | Phase::Reconnecting { .. }
                | Phase::Ended { .. } => {
                    let detail = format!("client {client} is {:?}", snapshot.phase);
                    return self.model.fail_calm(Kind::NotInside, self.now, detail);
                }
            }
        }
        let is_inside = |client: &usize| self.clients[*client].snapshot().phase == Phase::Inside;
        let present: Vec<_> = present.into_iter().filter(is_inside).collect();
        let hosts: Vec<_> =
            present.iter().map(|client| (*client, self.clients[*client].snapshot().clone())).filter(|(_, s)| s.host).collect();
        self.model.check_door_in_the_end(&present, &waiting, &hosts, self.now);
        self.model.check_orders_in_the_end(&present, self.now);
        let leaves: BTreeSet<String> = present.iter().filter_map(|client| Some(self.model.clients[*client].leaf?.0.to_text())).collect();
        for &client in &present {
            let snapshot = self.clients[client].snapshot().clone();
            let roster: BTreeSet<String> = snapshot.members.iter().map(|m| m.identity.clone()).collect();
            if roster != leaves {
                let detail = format!("client {client} shows {} members, and {} are inside", roster.len(), leaves.len());
                return self.model.fail_calm(Kind::WrongRoster, self.now, detail);
            }
            let first = self.clients[present[0]].snapshot();
            if (snapshot.epoch, &snapshot.safety_code) != (first.epoch, &first.safety_code) {
                return self.model.fail_calm(Kind::NotOneGroup, self.now, format!("clients {} and {client}", present[0]));
            }
            self.check_screen(client, &snapshot);
            self.check_lines(client, &snapshot);
            self.check_hearing(client, &present, probe);
        }
        for (n, &one) in present.iter().enumerate() {
            for &another in &present[n + 1..] {
                self.check_order(one, another);
            }
        }
        self.check_removals();
    }

    fn check_screen(&mut self, client: usize, snapshot: &Snapshot) {
        // With a frame each 300 ms, every other of which carries proofs, a line that loses frames can lose all proofs of two seconds.
        let whole = [SecurityState::Secure, SecurityState::Unproved].contains(&snapshot.security.state);
        if !whole || snapshot.security.people as usize != snapshot.members.len() {
            self.model.fail_calm(Kind::NotCalm, self.now, format!("client {client} says {:?}", snapshot.security));
        }
        for member in &snapshot.members {
            let owner = (0..self.clients.len())
                .find(|n| self.clients[*n].alive && self.model.clients[*n].leaf.is_some_and(|(leaf, _)| leaf.to_text() == member.identity));
            let Some(owner) = owner else { continue };
            let On { mic, camera, screen } = self.clients[owner].encoders.on;
            if member.away_since.is_some() || (member.mic, member.camera, member.screen) != (mic, camera, screen) {
                let detail = format!("client {client} shows client {owner} as away ({:?}) or with other media", member.away_since);
                self.model.fail_calm(Kind::NotCalm, self.now, detail);
            }
        }
    }

    /// Whoever was a member from before a line was written, and never lost, has it, and its author sees it in its place.
    fn check_lines(&mut self, client: usize, snapshot: &Snapshot) {
        let me = self.model.clients[client].leaf.map(|(leaf, _)| leaf.to_text());
        if let Some(line) = snapshot.unsent.first() {
            self.model.fail_calm(Kind::ChatLost, self.now, format!("client {client} could not send {:?}", line.text));
        }
        for n in 0..self.model.lines.len() {
            let line = &self.model.lines[n];
            let author_is_here = self.clients[line.author].alive && self.clients[line.author].snapshot().phase == Phase::Inside;
            let is_reader = author_is_here && !self.model.is_back_too_late(line, client) && !self.model.is_gone_with_log(n, client);
            let owed = line.author == client && !line.refused || is_reader && me.as_ref().is_some_and(|me| self.model.is_owed(line, me));
            let text = format!("zq-mark line {n}");
            if owed && !snapshot.chat.iter().any(|shown| shown.text == text) {
                let detail = format!("client {client} lacks line {n} of client {}", line.author);
                self.model.fail_calm(Kind::ChatLost, self.now, detail);
            }
        }
    }

    fn check_order(&mut self, one: usize, another: usize) {
        let texts = |client: usize| self.clients[client].snapshot().chat.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
        let (one_has, another_has) = (texts(one), texts(another));
        let common = |of: &[String], other: &[String]| of.iter().filter(|text| other.contains(text)).cloned().collect::<Vec<_>>();
        let (left, right) = (common(&one_has, &another_has), common(&another_has, &one_has));
        if left != right {
            self.model.fail_calm(Kind::ChatOrder, self.now, format!("client {one} has {left:?}, client {another} {right:?}"));
        }
    }

    fn check_hearing(&mut self, client: usize, present: &[usize], probe: Time) {
        for &sender in present.iter().filter(|sender| **sender != client) {
            for source in [Source::Microphone, Source::Camera, Source::Screen] {
                let on = self.clients[sender].encoders.on.has(source);
                let heard = self.model.clients[client].heard.get(&(sender, source)).is_some_and(|at| *at >= probe);
                if on && !heard {
                    let detail = format!("nothing of the {source:?} of client {sender} came out at client {client}");
                    self.model.fail_calm(Kind::NotHeard, self.now, detail);
                }
            }
        }
    }

    /// A removal that its host asked for, and was not disturbed in, took effect.
    fn check_removals(&mut self) {
        for client in self.present() {
            if let Some((at, host)) = self.model.clients[client].remove_asked
                && self.model.clients[client].leaf.is_some_and(|(_, since)| since <= at)
                && self.clients[host].alive
                && self.model.is_steady_since(host, at)
            {
                self.model.fail_calm(Kind::WrongRoster, self.now, format!("client {client} was to be removed"));
            }
        }
    }
}
