//! What hosts order, woven into the meeting of a seed by dice of its own: whatever else happens there, happens at its moment.

use std::time::Duration;

use conclave_base::{Door, Permission};

use crate::action::{Action, Person, Step};
use crate::dice::Dice;
use crate::mallory::{Misdeed, Speech};
use crate::order::{Few, Order};
use crate::script::Script;

/// In one meeting of so many hosts order something.
const ORDERLY: u64 = 3;

/// The same meeting, in which hosts order something, if it is one of those.
pub(crate) fn woven(script: Script) -> Script {
    if !script.seed.is_multiple_of(ORDERLY) {
        return script;
    }
    let mut dice = Dice::new(script.seed, "orders", 0);
    let is_hostile = script.hostile && dice.chance(60) || script.steps.iter().any(|step| matches!(step.action, Action::Misdeed(_)));
    let mut at = Duration::ZERO;
    let mut moments: Vec<(Duration, Action)> = Vec::new();
    for step in &script.steps {
        at += step.after;
        moments.push((at, step.action));
    }
    let came = moments.get(script.people.saturating_sub(1)).map_or(Duration::ZERO, |(at, _)| *at);
    let first = millis_of(came) + 3000;
    for _ in 0..dice.pick(&[1, 2, 2, 3, 4]) {
        let begins = Duration::from_millis(first + dice.below((millis_of(at).saturating_sub(first)).max(4000)));
        let mut episode = Episode { dice: &mut dice, people: script.people, at: begins, moments: &mut moments };
        episode.draw(is_hostile);
    }
    // What is woven in comes before the end.
    let end = moments.iter().map(|(at, _)| *at).max().unwrap_or_default();
    if let Some(last) = moments.iter().rposition(|(_, action)| *action == Action::Calm) {
        moments.remove(last);
    }
    let mut closing = Episode { dice: &mut dice, people: script.people, at: end, moments: &mut moments };
    closing.close();
    moments.sort_by_key(|(at, _)| *at);
    let mut before = Duration::ZERO;
    let steps = moments.into_iter().map(|(at, action)| Step { after: at - std::mem::replace(&mut before, at), action }).collect();
    Script { steps, ..script }
}

fn millis_of(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).expect("a short meeting")
}

/// Something that a host is up to, and what others do in it.
struct Episode<'a> {
    dice: &'a mut Dice,
    people: usize,
    at: Duration,
    moments: &'a mut Vec<(Duration, Action)>,
}

impl Episode<'_> {
    /// Something happens so many milliseconds later, at the most.
    fn then(&mut self, from: u64, to: u64, action: Action) {
        self.at += self.dice.millis(from, to);
        self.moments.push((self.at, action));
    }

    fn order(&mut self, by: Person, what: Order) {
        self.then(0, 3000, Action::Order { by, what });
    }

    /// Another one than person 0, if there is one.
    fn guest(&mut self) -> Person {
        if self.people > 1 { 1 + self.dice.index(self.people - 1) } else { 0 }
    }

    /// Goes and comes back, by another key.
    fn come_again(&mut self, who: Person) {
        if self.dice.chance(50) {
            self.then(200, 3000, Action::Reload(who));
        } else {
            self.then(200, 2000, Action::Leave(who));
            self.then(300, 4000, Action::Join(who));
        }
    }

    fn permission(&mut self) -> Permission {
        self.dice.pick(&[Permission::Speak, Permission::Speak, Permission::Chat, Permission::Share])
    }

    fn draw(&mut self, is_hostile: bool) {
        if is_hostile && self.dice.chance(60) {
            return self.draw_hostile();
        }
        match self.dice.below(12) {
            0..3 => self.lobby(),
            3 => self.lock(),
            4 => self.put_out(),
            5..7 => self.floor(),
            7 => self.silence_one(),
            8 => self.hand_over(),
            9 => self.limit(),
            10 => self.anything(),
            _ => self.end(),
        }
    }

    fn lobby(&mut self) {
        self.order(0, Order::Door(Door::Ask));
        for _ in 0..self.dice.pick(&[1, 1, 2, 3]) {
            let who = self.guest();
            self.come_again(who);
        }
        let few = self.dice.pick(&[Few::One, Few::Several, Few::All, Few::All]);
        match self.dice.below(5) {
            0 => {}
            1 => {
                self.then(1000, 4000, Action::Order { by: 0, what: Order::Decline });
                self.order(0, Order::Admit(few));
            }
            2 => {
                let action = if self.dice.chance(50) { Action::Crash(0) } else { Action::Reload(0) };
                self.then(0, 6000, action);
                self.then(500, 5000, Action::Join(0));
                self.then(3000, 9000, Action::Order { by: 0, what: Order::Admit(few) });
            }
            _ => self.then(500, 7000, Action::Order { by: 0, what: Order::Admit(few) }),
        }
        if self.dice.chance(30) {
            self.then(500, 9000, Action::Order { by: 0, what: Order::Door(Door::Open) });
        }
    }

    fn lock(&mut self) {
        self.order(0, Order::Door(Door::Locked));
        let who = self.guest();
        self.come_again(who);
        if self.dice.chance(60) {
            let door = self.dice.pick(&[Door::Open, Door::Ask]);
            self.then(1000, 8000, Action::Order { by: 0, what: Order::Door(door) });
        }
        if self.dice.chance(60) {
            self.then(2000, 8000, Action::Order { by: 0, what: Order::Admit(Few::All) });
        }
    }

    fn put_out(&mut self) {
        let who = self.guest();
        let what = self.dice.pick(&[Order::SendBack(who), Order::SendBack(who), Order::Remove(who), Order::RemoveOnly(who)]);
        self.order(0, what);
        if self.dice.chance(60) {
            self.then(500, 6000, Action::Join(who));
        }
        if self.dice.chance(60) {
            self.then(2000, 8000, Action::Order { by: 0, what: Order::Admit(Few::All) });
        }
    }

    fn floor(&mut self) {
        let what = self.permission();
        self.order(0, Order::Everybody(what, false));
        let (who, other) = (self.guest(), self.guest());
        if self.dice.chance(60) {
            self.order(0, Order::Permit(who, what, true));
        }
        let screen = self.dice.chance(50);
        self.then(500, 3000, Action::Media { who, mic: true, camera: false, screen });
        self.then(0, 2000, Action::Chat(other));
        self.then(0, 500, Action::Chat(who));
        if self.dice.chance(40) {
            let muted = self.dice.pick(&[None, Some(who)]);
            self.order(0, Order::Mute(muted));
            self.then(300, 2000, Action::Media { who, mic: true, camera: true, screen: false });
        }
        if self.dice.chance(30) {
            self.come_again(other);
        }
        if self.dice.chance(60) {
            self.order(0, Order::Everybody(what, true));
            self.then(0, 2000, Action::Chat(who));
        }
    }

    fn silence_one(&mut self) {
        let (who, what) = (self.guest(), self.permission());
        self.then(0, 1000, Action::Media { who, mic: true, camera: false, screen: true });
        self.then(500, 4000, Action::Order { by: 0, what: Order::Permit(who, what, false) });
        self.then(0, 300, Action::Chat(who));
        self.then(0, 2000, Action::Media { who, mic: true, camera: true, screen: true });
        if self.dice.chance(50) {
            self.then(500, 6000, Action::Order { by: 0, what: Order::Permit(who, what, true) });
            self.then(500, 2000, Action::Media { who, mic: true, camera: true, screen: true });
            self.then(0, 1000, Action::Chat(who));
        }
    }

    fn hand_over(&mut self) {
        let (who, other) = (self.guest(), self.guest());
        self.order(0, Order::Appoint(who));
        let goes = self.dice.pick(&[Action::Leave(0), Action::Leave(0), Action::Crash(0), Action::Reload(0)]);
        self.then(500, 5000, goes);
        let (door, what) = (self.dice.pick(&[Door::Ask, Door::Locked]), self.permission());
        self.then(200, 4000, Action::Order { by: who, what: Order::Door(door) });
        if self.dice.chance(50) {
            self.order(who, Order::Permit(other, what, false));
        }
        if self.dice.chance(40) {
            let out = self.dice.pick(&[Order::SendBack(other), Order::Remove(other)]);
            self.order(who, out);
        }
        self.come_again(other);
        self.then(2000, 7000, Action::Order { by: who, what: Order::Admit(Few::All) });
        if self.dice.chance(50) {
            self.then(500, 5000, Action::Join(0));
        }
        if self.dice.chance(40) {
            self.then(3000, 6000, Action::Order { by: 0, what: Order::SendBack(who) });
            self.then(3000, 6000, Action::Order { by: 0, what: Order::Admit(Few::All) });
        }
    }

    fn limit(&mut self) {
        let people = u32::try_from(self.people).expect("few");
        let most = self.dice.pick(&[1, 2, people.saturating_sub(1).max(1), people, people + 1]);
        let what = if self.dice.chance(70) { Order::Limit(most) } else { Order::MuteAbove(Some(most)) };
        self.order(0, what);
        for _ in 0..self.dice.pick(&[1, 2]) {
            let who = self.guest();
            self.come_again(who);
        }
        if self.dice.chance(50) {
            self.then(500, 5000, Action::Order { by: 0, what: Order::Limit(people + 20) });
            let who = self.guest();
            self.then(500, 3000, Action::Join(who));
        }
    }

    fn anything(&mut self) {
        for _ in 0..self.dice.pick(&[2, 4, 7]) {
            let (by, who, what) = (self.dice.index(self.people), self.dice.index(self.people), self.permission());
            let by = if self.dice.chance(70) { 0 } else { by };
            let order = match self.dice.below(12) {
                0 | 1 => Order::Door(self.dice.pick(&[Door::Open, Door::Ask, Door::Locked])),
                2 | 3 => Order::Admit(Few::All),
                4 => Order::SendBack(who),
                5 => Order::RemoveOnly(who),
                6 => Order::Everybody(what, self.dice.chance(50)),
                7 | 8 => Order::Permit(who, what, self.dice.chance(50)),
                9 => Order::Mute(Some(who)),
                10 => Order::MuteAbove(self.dice.pick(&[None, Some(2)])),
                _ => Order::Appoint(who),
            };
            self.order(by, order);
        }
    }

    fn end(&mut self) {
        // Seldom: it is the end.
        if self.dice.chance(60) {
            return self.anything();
        }
        self.order(0, Order::End);
        if self.dice.chance(70) {
            self.then(500, 5000, Action::Leave(0));
        }
        let who = self.guest();
        self.then(500, 5000, Action::Join(who));
    }

    /// A hostile member, whom orders do not concern as it sees it.
    fn draw_hostile(&mut self) {
        let mallory = self.people;
        let enters = |episode: &mut Self| {
            episode.then(0, 1000, Action::Misdeed(Misdeed::Enter));
            episode.then(500, 3000, Action::Misdeed(Misdeed::Enter));
        };
        match self.dice.below(5) {
            // At the door, and against it.
            0 => {
                let door = self.dice.pick(&[Door::Ask, Door::Locked]);
                self.order(0, Order::Door(door));
                self.then(2000, 5000, Action::Misdeed(Misdeed::Knock));
                match self.dice.below(3) {
                    0 => self.order(0, Order::Decline),
                    1 => self.order(0, Order::Admit(Few::All)),
                    _ => {}
                }
                self.then(500, 4000, Action::Misdeed(Misdeed::Force));
                self.then(500, 2000, Action::Misdeed(Misdeed::NewKey));
                self.then(0, 2000, Action::Misdeed(Misdeed::Force));
            }
            // Put out, it comes back.
            1 => {
                enters(self);
                let what = self.dice.pick(&[Order::Remove(mallory), Order::RemoveOnly(mallory), Order::SendBack(mallory)]);
                self.then(3000, 7000, Action::Order { by: 0, what });
                self.then(2000, 6000, Action::Misdeed(Misdeed::Force));
                if self.dice.chance(60) {
                    self.then(500, 3000, Action::Misdeed(Misdeed::NewKey));
                    self.then(0, 2000, Action::Misdeed(Misdeed::Force));
                }
            }
            // Silenced, it goes on.
            2 | 3 => {
                enters(self);
                let one = self.dice.chance(50);
                for what in [Permission::Speak, Permission::Chat] {
                    let order = if one { Order::Permit(mallory, what, false) } else { Order::Everybody(what, false) };
                    self.then(3000, 6000, Action::Order { by: 0, what: order });
                }
                for _ in 0..self.dice.pick(&[2, 4]) {
                    let how = Speech { late: self.dice.chance(40), off: self.dice.chance(40) };
                    let misdeed = if self.dice.chance(70) { Misdeed::Speak(how) } else { Misdeed::Say };
                    self.then(100, 3000, Action::Misdeed(misdeed));
                }
                if self.dice.chance(50) {
                    self.then(500, 3000, Action::Order { by: 0, what: Order::Everybody(Permission::Speak, true) });
                    self.then(500, 3000, Action::Misdeed(Misdeed::Speak(Speech { late: true, off: false })));
                }
            }
            // It orders, too; and it is one too many.
            _ => {
                if self.dice.chance(50) {
                    self.order(0, Order::Door(Door::Ask));
                    self.order(0, Order::Door(Door::Open));
                    enters(self);
                    let old = self.dice.chance(50);
                    self.then(2000, 6000, Action::Misdeed(if old { Misdeed::OldOrder } else { Misdeed::Order }));
                } else {
                    let people = u32::try_from(self.people).expect("few");
                    let most = self.dice.pick(&[1, people.saturating_sub(1).max(1), people]);
                    self.order(0, Order::Limit(most));
                    self.then(2000, 5000, Action::Misdeed(Misdeed::Force));
                    self.then(500, 3000, Action::Misdeed(Misdeed::Force));
                }
            }
        }
    }

    /// The host is there in the end, mostly, and looks who waits.
    fn close(&mut self) {
        if self.dice.chance(70) {
            self.then(0, 1000, Action::Join(0));
        }
        if self.dice.chance(60) {
            self.then(4000, 8000, Action::Order { by: 0, what: Order::Admit(Few::All) });
        }
        self.then(0, 2000, Action::Calm);
    }
}
