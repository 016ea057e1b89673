//! What the actions of a script do.

use std::time::Duration;

use conclave_admission::Input as ServerInput;
use conclave_session::snapshot::{Command, Phase};

use crate::action::{Action, Cut, Person};
use crate::doors::PutOut;
use crate::encoders::On;
use crate::model::Gone;
use crate::world::{Event, World};

impl World {
    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Join(who) => {
                if self.living(who).is_none() {
                    self.open_link(who, None);
                }
            }
            Action::Title => {
                if self.living(0).is_none() {
                    let title = "zq-mark second title";
                    self.model.on_title(title);
                    self.open_link(0, Some(title.to_owned()));
                }
            }
            Action::Leave(who) => {
                if let Some(client) = self.awake(who) {
                    self.model.on_gone(client, Gone::Left, self.now);
                    self.command(client, Command::Leave);
                    self.leave_media(client);
                    self.clients[client].alive = false;
                }
            }
            Action::Reload(who) => {
                if let Some(client) = self.living(who) {
                    self.crash(client);
                    self.open_link(who, None);
                }
            }
            Action::Crash(who) => {
                if let Some(client) = self.living(who) {
                    self.crash(client);
                }
            }
            Action::PowerOff(who) => {
                if let Some(client) = self.living(who) {
                    self.model.on_gone(client, Gone::Lost, self.now);
                    self.lose_media(client, false);
                    self.kill_connection(client);
                    self.clients[client].alive = false;
                }
            }
            Action::Sleep { who, span, stops } => {
                if let Some(client) = self.awake(who) {
                    self.model.touch(client, self.now + span);
                    self.model.on_asleep(client, self.now);
                    self.clients[client].asleep_until = self.now + span;
                    if stops {
                        self.model.claimed.on_standstill(client, self.now, span);
                        self.clients[client].stop_clock(span);
                    }
                }
            }
            Action::Freeze { who, span } => {
                if let Some(client) = self.awake(who) {
                    self.model.touch(client, self.now + span);
                    self.model.on_asleep(client, self.now);
                    self.clients[client].asleep_until = self.now + span;
                    self.clients[client].answers_until = self.now + span;
                }
            }
            Action::CutLine { who, how, span } => self.cut(who, how, span),
            Action::CutMedia { who, span } => {
                let until = self.now + span;
                let line = &mut self.people[who].line;
                line.media_until = line.media_until.max(until);
                if let Some(client) = self.living(who) {
                    self.model.on_media_cut(client, until);
                }
            }
            Action::ChangeNetwork(who) => {
                if let Some(client) = self.living(who) {
                    self.model.touch(client, self.now);
                    self.change_network(client);
                }
            }
            Action::Partition { who, span } => {
                for person in (0..self.people.len()).filter(|person| who >> person & 1 == 1) {
                    self.cut(person, Cut::Both, span);
                }
            }
            Action::KillServer { span } => self.end_server(span, false),
            Action::StopServer { span } => self.end_server(span, true),
            Action::HideScreen { who, span } => {
                if let Some(client) = self.living(who) {
                    self.clients[client].hidden_until = self.now + span;
                }
            }
            Action::Media { who, mic, camera, screen } => {
                if let Some(client) = self.awake(who) {
                    self.set_media(client, On { mic, camera, screen });
                }
            }
            Action::Chat(who) => self.chat(who),
            Action::Remove(who) => self.remove(who),
            Action::Compare { who, with } => self.compare(who, with),
            Action::Expel => self.expel(),
            Action::Order { by, what } => self.order(by, what),
            Action::Lie(lie) => self.lie(lie),
            Action::Misdeed(misdeed) => self.misdeed(misdeed),
            // The runner's.
            Action::Calm => {}
        }
    }

    /// The program of somebody, if it runs.
    pub(crate) fn living(&self, who: Person) -> Option<usize> {
        self.people[who].client.filter(|client| self.clients[*client].alive)
    }

    /// The same, if it does not sleep.
    pub(crate) fn awake(&self, who: Person) -> Option<usize> {
        self.living(who).filter(|client| self.clients[*client].is_awake(self.now))
    }

    fn crash(&mut self, client: usize) {
        self.model.on_gone(client, Gone::Lost, self.now);
        self.lose_media(client, true);
        self.close_connection(client);
        self.clients[client].alive = false;
    }

    fn cut(&mut self, who: Person, how: Cut, span: Duration) {
        let until = self.now + span;
        let line = &mut self.people[who].line;
        let (up, down) = match how {
            Cut::Both => (true, true),
            Cut::Up => (true, false),
            Cut::Down => (false, true),
        };
        if up {
            line.up_until = line.up_until.max(until);
        }
        if down {
            line.down_until = line.down_until.max(until);
        }
        line.media_until = line.media_until.max(until);
        if let Some(client) = self.living(who) {
            self.model.touch(client, until);
            // A browser tells of a network that is back, mostly.
            if self.clients[client].is_browser && self.clients[client].dice.chance(60) {
                self.schedule(until, Event::Online { client });
            }
        }
    }

    fn kill_connection(&mut self, client: usize) {
        if let Some(conn) = self.clients[client].connection
            && let Some(connection) = self.connections.get_mut(&conn)
        {
            connection.dead = true;
        }
    }

    fn change_network(&mut self, client: usize) {
        self.kill_connection(client);
        let now = self.now;
        let program = &mut self.clients[client];
        let noticed = now + program.dice.millis(0, 2000);
        if program.is_browser {
            self.schedule(noticed, Event::Online { client });
        }
        self.break_media(client);
    }

    fn end_server(&mut self, span: Duration, tells: bool) {
        if self.server.is_up() {
            if tells {
                self.server_input(ServerInput::Stop);
            }
            let reachable: Vec<_> = (0..self.clients.len()).map(|client| self.is_reachable(client)).collect();
            self.model.on_server_ended(&reachable, self.now);
            self.server.kill();
            self.mallory_connected = false;
            self.kill_media();
            self.close_all_at_server();
            self.schedule(self.now + span, Event::ServerStarts);
        }
    }

    /// Whether it has a connection that is of its network.
    pub(crate) fn is_reachable(&self, client: usize) -> bool {
        let connection = self.clients[client].connection.and_then(|conn| self.connections.get(&conn));
        connection.is_some_and(|connection| !connection.dead)
    }

    pub(crate) fn set_media(&mut self, client: usize, on: On) {
        // The page switches nothing on that may not be.
        self.clients[client].encoders.on = self.clients[client].permitted(on);
        self.tell_media(client);
    }

    fn chat(&mut self, who: Person) {
        let Some(client) = self.awake(who) else { return };
        if matches!(self.clients[client].snapshot().phase, Phase::Inside | Phase::Reconnecting { .. }) {
            let text = format!("zq-mark line {}", self.model.lines.len());
            self.model.on_line(client, self.clients[client].snapshot(), self.now);
            if self.try_command(client, Command::Chat { text }).is_err() {
                // It stays in the page's field.
                self.model.lines.pop();
            }
        }
    }

    fn remove(&mut self, who: Person) {
        let (Some(host), Some(target)) = (self.awake(0), self.people[who].client) else { return };
        let leaf = self.model.clients[target].leaf.map(|(leaf, _)| leaf.to_text());
        let shown = self.clients[host].snapshot();
        if let Some(identity) = leaf.filter(|leaf| shown.members.iter().any(|m| m.identity == *leaf))
            && self.try_command(host, Command::Remove { identity, open: true }).is_ok()
        {
            self.model.clients[target].remove_asked = Some((self.now, host));
            self.model.clients[target].asked_in_vain = !self.is_reachable(host);
            if let Some((who, _)) = self.model.clients[target].leaf {
                self.model.on_put_out(host, who, PutOut::Barred, self.now);
            }
        }
    }

    fn compare(&mut self, who: Person, with: Person) {
        let (Some(client), Some(other)) = (self.awake(who), self.awake(with)) else { return };
        let (mine, theirs) = (self.clients[client].snapshot(), self.clients[other].snapshot());
        let Some(code) = mine.safety_code.clone().filter(|code| theirs.safety_code.as_ref() == Some(code)) else { return };
        let Some((leaf, _)) = self.model.clients[other].leaf.filter(|_| client != other) else { return };
        let _may_be_too_soon = self.try_command(client, Command::Compare { identity: leaf.to_text(), code, same: true });
    }
}
