//! What hosts do by the page.

use conclave_base::{Door, MemberId};
use conclave_session::snapshot::{Command, Phase, Waiting};

use crate::action::Person;
use crate::doors::{Ordered, PutOut};
use crate::order::{Few, Order};
use crate::world::World;

impl World {
    pub(crate) fn order(&mut self, by: Person, what: Order) {
        let Some(host) = self.awake(by) else { return };
        let shown = self.clients[host].snapshot();
        if !shown.host || !matches!(shown.phase, Phase::Inside | Phase::Reconnecting { .. }) {
            return;
        }
        match what {
            Order::Door(door) => self.command_order(host, Command::SetDoor { door }, Ordered::Door(door)),
            Order::Admit(few) => self.admit(host, few),
            Order::Decline => self.decline(host),
            Order::Remove(who) => self.put_out(host, who, PutOut::BarredAndClosed),
            Order::RemoveOnly(who) => self.put_out(host, who, PutOut::Barred),
            Order::SendBack(who) => self.put_out(host, who, PutOut::SentBack),
            Order::Mute(None) => self.mute(host, None),
            Order::Mute(Some(who)) => {
                if let Some(identity) = self.shown(host, who) {
                    self.mute(host, Some(identity));
                }
            }
            Order::Everybody(what, everybody) => {
                self.command_order(host, Command::PermitEverybody { what, everybody }, Ordered::Everybody(what, everybody));
            }
            Order::Permit(who, what, given) => {
                if let Some(who) = self.shown(host, who) {
                    let command = Command::Permit { identity: who.to_text(), what, given };
                    self.command_order(host, command, Ordered::Permit(who, what, given));
                }
            }
            Order::MuteAbove(people) => self.command_order(host, Command::MuteAbove { people }, Ordered::MuteAbove(people)),
            Order::Limit(people) => self.command_order(host, Command::Limit { people }, Ordered::Limit(people)),
            Order::Appoint(who) => {
                if let Some(who) = self.shown(host, who).filter(|_| self.clients[host].snapshot().appoints) {
                    self.command_order(host, Command::Appoint { identity: who.to_text() }, Ordered::Host(who));
                }
            }
            Order::End => {
                self.command_order(host, Command::SetDoor { door: Door::Locked }, Ordered::Door(Door::Locked));
                (0..=self.people.len()).for_each(|who| self.put_out(host, who, PutOut::BarredAndClosed));
            }
        }
    }

    /// Another one whom the screen of a host shows inside.
    fn shown(&self, host: usize, who: Person) -> Option<MemberId> {
        let identity = match self.people.get(who) {
            Some(someone) => self.model.clients[someone.client.filter(|client| *client != host)?].leaf?.0,
            None => self.mallory.identity(),
        };
        self.clients[host].snapshot().members.iter().any(|m| m.identity == identity.to_text()).then_some(identity)
    }

    fn command_order(&mut self, host: usize, command: Command, ordered: Ordered) {
        let in_vain = !self.is_reachable(host);
        if self.try_command(host, command).is_ok() {
            self.model.on_ordered(host, ordered, in_vain, self.now);
        }
    }

    fn admit(&mut self, host: usize, few: Few) {
        let waiting = &self.clients[host].snapshot().waiting;
        let which = match few {
            Few::One => 0..waiting.len().min(1),
            Few::Several => waiting.len().min(1)..waiting.len(),
            Few::All => 0..waiting.len(),
        };
        let identities: Vec<_> = waiting[which].iter().map(|one| one.identity.clone()).collect();
        if !identities.is_empty() && self.try_command(host, Command::Admit { identities: identities.clone() }).is_ok() {
            for who in identities.iter().filter_map(|identity| identity.parse().ok()) {
                self.model.on_admit(host, who, self.now);
            }
        }
    }

    fn decline(&mut self, host: usize) {
        let first: Option<Waiting> = self.clients[host].snapshot().waiting.first().cloned();
        let Some((identity, who)) = first.and_then(|one| Some((one.identity.clone(), one.identity.parse().ok()?))) else { return };
        if self.try_command(host, Command::Decline { identity, word: "zq-mark not now".to_owned() }).is_ok() {
            self.model.on_decline(who);
        }
    }

    fn put_out(&mut self, host: usize, who: Person, how: PutOut) {
        let Some(identity) = self.shown(host, who) else { return };
        let command = match how {
            PutOut::SentBack => Command::SendBack { identity: identity.to_text() },
            PutOut::Barred => Command::Remove { identity: identity.to_text(), open: true },
            PutOut::BarredAndClosed => Command::Remove { identity: identity.to_text(), open: false },
        };
        let in_vain = !self.is_reachable(host);
        if self.try_command(host, command).is_err() {
            return;
        }
        self.model.on_put_out(host, identity, how, self.now);
        match self.people.get(who).and_then(|someone| someone.client) {
            Some(target) => {
                self.model.clients[target].remove_asked = Some((self.now, host));
                self.model.clients[target].asked_in_vain = in_vain;
            }
            None => self.model.claimed.expelled = Some(self.now),
        }
    }

    fn mute(&mut self, host: usize, who: Option<MemberId>) {
        let identity = who.map(|who| who.to_text());
        if self.try_command(host, Command::Mute { identity }).is_ok() {
            self.model.on_mute(host, who, self.now);
        }
    }
}
