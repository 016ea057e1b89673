//! Lines between people and the server: each connection keeps its order, as TCP does, and no two keep time with each other.

use std::collections::VecDeque;
use std::time::Duration;

use conclave_admission::{ConnectionId, Input as ServerInput};
use conclave_base::Time;
use conclave_protocol::ws::{ClientMessage, ServerMessage};
use conclave_session::Input;

use crate::dice::Dice;
use crate::foes::MALLORY;
use crate::server::Said;
use crate::world::{Event, World};

/// What a kernel takes from a program before the other side has it, in bytes.
const SOCKET_BUFFER: usize = 128 * 1024;
/// When no answer comes to an HTTP request.
const HTTP_PATIENCE: Duration = Duration::from_secs(15);
/// How often the server's shell pings each WebSocket.
const PING_EVERY: Duration = Duration::from_secs(1);

/// One person's way to the server.
pub(crate) struct Line {
    dice: Dice,
    /// One way.
    latency: Duration,
    jitter: Duration,
    /// Media datagrams of a hundred that are lost.
    pub(crate) loss: u64,
    pub(crate) up_until: Time,
    pub(crate) down_until: Time,
    pub(crate) media_until: Time,
}

impl Line {
    pub(crate) fn new(seed: u64, person: usize) -> Self {
        let mut dice = Dice::new(seed, "line", person as u64);
        let latency = Duration::from_millis(dice.pick(&[1, 10, 30, 80, 200]));
        let jitter = latency / 2;
        let loss = dice.pick(&[0, 0, 1, 5]);
        Self { dice, latency, jitter, loss, up_until: Time::ZERO, down_until: Time::ZERO, media_until: Time::ZERO }
    }

    pub(crate) fn delay(&mut self) -> Duration {
        self.latency + Duration::from_micros(self.dice.below(1 + u64::try_from(self.jitter.as_micros()).expect("short")))
    }

    /// A datagram is lost.
    pub(crate) fn loses(&mut self) -> bool {
        let loss = self.loss;
        self.dice.chance(loss)
    }

    /// TCP tries again some time after the line is back.
    fn retransmission(&mut self) -> Duration {
        self.dice.millis(0, 900)
    }

    pub(crate) fn heal(&mut self, now: Time) {
        for until in [&mut self.up_until, &mut self.down_until, &mut self.media_until] {
            *until = now.min(*until);
        }
    }
}

#[derive(Debug)]
pub(crate) enum Packet {
    Open,
    Message(Vec<u8>),
    /// Down from the server's shell, up the answer.
    Ping,
    Close,
}

#[derive(Debug, Default)]
pub(crate) struct Pipe {
    packets: VecDeque<(Time, Packet)>,
    last: Time,
    /// When it is looked at next.
    at: Option<Time>,
}

/// A WebSocket, from its opening to the last packet.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client: usize,
    up: Pipe,
    down: Pipe,
    /// The client's side has not closed it.
    pub(crate) at_client: bool,
    /// The server's side knows it.
    at_server: bool,
    /// It was of a network that is gone: nothing passes any more, and nobody is told.
    pub(crate) dead: bool,
    /// Bytes on their way down, and those of them that the server was not told to be taken.
    under_way: usize,
    not_taken: VecDeque<usize>,
}

impl World {
    /// The client opens a WebSocket; the one before is no longer its.
    pub(crate) fn open_connection(&mut self, client: usize) {
        self.close_connection(client);
        self.last_connection += 1;
        let connection = Connection {
            client,
            up: Pipe::default(),
            down: Pipe::default(),
            at_client: true,
            at_server: false,
            dead: false,
            under_way: 0,
            not_taken: VecDeque::new(),
        };
        self.connections.insert(self.last_connection, connection);
        self.clients[client].connection = Some(self.last_connection);
        // TCP and TLS.
        let before = self.line(client).delay() * 2;
        self.push_packet(self.last_connection, true, Packet::Open, before);
    }

    /// The client closes its WebSocket after what was sent.
    pub(crate) fn close_connection(&mut self, client: usize) {
        if let Some(conn) = self.clients[client].connection.take() {
            self.connections.get_mut(&conn).expect("it is kept until both sides are done").at_client = false;
            self.push_packet(conn, true, Packet::Close, Duration::ZERO);
        }
    }

    /// The client sends; nothing, if the connection is not open.
    pub(crate) fn send_up(&mut self, client: usize, bytes: Vec<u8>) {
        if let Some(conn) = self.clients[client].connection {
            self.push_packet(conn, true, Packet::Message(bytes), Duration::ZERO);
        }
    }

    fn push_packet(&mut self, conn: u64, up: bool, packet: Packet, before: Duration) {
        let now = self.now;
        let Some(connection) = self.connections.get(&conn) else { return };
        let delay = self.line(connection.client).delay() + before;
        let connection = self.connections.get_mut(&conn).expect("it was there");
        let pipe = if up { &mut connection.up } else { &mut connection.down };
        let due = (now + delay).max(pipe.last);
        pipe.last = due;
        pipe.packets.push_back((due, packet));
        if pipe.at.is_none() {
            pipe.at = Some(due);
            self.schedule(due, Event::Pipe { conn, up });
        }
    }

    /// Until when nothing passes on a pipe, if so.
    fn blocked_until(&self, conn: u64, up: bool) -> Option<Time> {
        let client = self.connections[&conn].client;
        let line = &self.people[self.clients[client].person].line;
        // What sleeps sends nothing new, but its kernel goes on with what was sent.
        let until = if up { line.up_until } else { line.down_until.max(self.clients[client].asleep_until) };
        (until > self.now).then_some(until)
    }

    pub(crate) fn on_pipe(&mut self, conn: u64, up: bool) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if connection.dead {
            return;
        }
        let pipe = if up { &mut connection.up } else { &mut connection.down };
        if pipe.at != Some(self.now) {
            return;
        }
        pipe.at = None;
        if let Some(until) = self.blocked_until(conn, up) {
            let client = self.connections[&conn].client;
            if !up && self.answers_in_its_sleep(client) {
                self.answer_pings(conn);
                return self.look_at_pipe(conn, up, until.min(self.now + PING_EVERY / 2));
            }
            let at = until + self.line(client).retransmission();
            return self.look_at_pipe(conn, up, at);
        }
        loop {
            let now = self.now;
            let Some(connection) = self.connections.get_mut(&conn) else { return };
            let pipe = if up { &mut connection.up } else { &mut connection.down };
            match pipe.packets.front() {
                Some((due, _)) if *due <= now => {
                    let (_, packet) = pipe.packets.pop_front().expect("it is there");
                    if up { self.at_server(conn, packet) } else { self.at_client(conn, packet) }
                }
                Some((due, _)) => {
                    let due = *due;
                    return self.look_at_pipe(conn, up, due);
                }
                None => return,
            }
        }
    }

    /// Its browser is there for it.
    fn answers_in_its_sleep(&self, client: usize) -> bool {
        let program = &self.clients[client];
        program.alive && program.answers_until > self.now && self.people[program.person].line.down_until <= self.now
    }

    /// What waits for the program stays where it is.
    fn answer_pings(&mut self, conn: u64) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&conn).filter(|connection| connection.at_client) else { return };
        let is_due = |due: &Time, packet: &Packet| *due <= now && matches!(packet, Packet::Ping);
        let before = connection.down.packets.len();
        connection.down.packets.retain(|(due, packet)| !is_due(due, packet));
        for _ in connection.down.packets.len()..before {
            self.push_packet(conn, true, Packet::Ping, Duration::ZERO);
        }
    }

    fn look_at_pipe(&mut self, conn: u64, up: bool, at: Time) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let pipe = if up { &mut connection.up } else { &mut connection.down };
        pipe.at = Some(at);
        self.schedule(at, Event::Pipe { conn, up });
    }

    /// What waits is tried now: the lines are back.
    pub(crate) fn kick_pipes(&mut self) {
        let conns: Vec<_> = self.connections.keys().copied().collect();
        for conn in conns {
            for up in [true, false] {
                let connection = &self.connections[&conn];
                let pipe = if up { &connection.up } else { &connection.down };
                if !pipe.packets.is_empty() {
                    self.look_at_pipe(conn, up, self.now);
                }
            }
        }
    }

    fn at_server(&mut self, conn: u64, packet: Packet) {
        let id = ConnectionId(conn);
        match packet {
            Packet::Open if self.server.is_up() => {
                self.connections.get_mut(&conn).expect("it is there").at_server = true;
                self.push_packet(conn, false, Packet::Open, Duration::ZERO);
                let person = self.clients[self.connections[&conn].client].person;
                let said = self.server.connected(conn, person, self.now);
                self.perform_said(said);
                self.on_ping(conn);
            }
            // Nobody listens.
            Packet::Open => self.push_packet(conn, false, Packet::Close, Duration::ZERO),
            Packet::Message(bytes) => {
                self.model.on_bytes(&bytes, self.now);
                if self.connections[&conn].at_server {
                    if let Ok(ClientMessage::Append { class, sealed, .. }) = ClientMessage::decode(&bytes) {
                        self.model.claimed.on_append(Some(self.connections[&conn].client), class, &sealed, self.now);
                    }
                    let said = self.server.message(conn, &bytes, self.now);
                    self.perform_said(said);
                }
            }
            Packet::Ping => {
                if self.connections[&conn].at_server {
                    self.server_input(ServerInput::Alive { conn: id });
                }
            }
            Packet::Close => {
                let connection = self.connections.get_mut(&conn).expect("it is there");
                if std::mem::take(&mut connection.at_server) {
                    self.server_input(ServerInput::Disconnected { conn: id });
                }
                self.connections.remove(&conn);
            }
        }
    }

    fn at_client(&mut self, conn: u64, packet: Packet) {
        let connection = self.connections.get_mut(&conn).expect("it is there");
        let (client, is_current) = (connection.client, connection.at_client);
        if let Packet::Message(bytes) = &packet {
            connection.under_way -= bytes.len();
            if let Some(bytes) = connection.not_taken.pop_front() {
                self.server_input(ServerInput::Sent { conn: ConnectionId(conn), bytes });
            }
        }
        let is_close = matches!(packet, Packet::Close);
        if is_current && self.clients[client].alive {
            match packet {
                Packet::Open => self.session_input(client, Input::Opened),
                Packet::Message(bytes) => {
                    if let Ok(ServerMessage::Entry(entry)) = ServerMessage::decode(&bytes) {
                        self.model.claimed.on_read(client, &entry, self.now);
                    }
                    self.session_input(client, Input::Received(bytes));
                }
                // The WebSocket's implementation answers, and asks no program.
                Packet::Ping => self.push_packet(conn, true, Packet::Ping, Duration::ZERO),
                Packet::Close => {
                    self.clients[client].connection = None;
                    self.session_input(client, Input::Closed);
                }
            }
        }
        if is_close {
            self.connections.remove(&conn);
        }
    }

    /// The server's shell pings a connection, and will again.
    pub(crate) fn on_ping(&mut self, conn: u64) {
        if self.connections.get(&conn).is_some_and(|connection| connection.at_server) {
            self.push_packet(conn, false, Packet::Ping, Duration::ZERO);
            self.schedule(self.now + PING_EVERY, Event::Ping { conn });
        }
    }

    pub(crate) fn server_input(&mut self, input: ServerInput<'_>) {
        let said = self.server.input(input, self.now);
        self.perform_said(said);
    }

    /// Does what the server asks for.
    pub(crate) fn perform_said(&mut self, said: Vec<Said>) {
        let mut said = VecDeque::from(said);
        while let Some(next) = said.pop_front() {
            match next {
                Said::Send { conn: MALLORY, bytes } => self.on_mallory(&bytes),
                Said::Close { conn: MALLORY } => self.mallory_connected = false,
                Said::Send { conn, bytes } => {
                    let Some(connection) = self.connections.get_mut(&conn) else { continue };
                    connection.under_way += bytes.len();
                    let taken = connection.under_way <= SOCKET_BUFFER && connection.not_taken.is_empty();
                    if !taken {
                        connection.not_taken.push_back(bytes.len());
                    }
                    self.push_packet(conn, false, Packet::Message(bytes.to_vec()), Duration::ZERO);
                    if taken {
                        // What the server sends then comes after all that it sent.
                        said.extend(self.server.input(ServerInput::Sent { conn: ConnectionId(conn), bytes: bytes.len() }, self.now));
                    }
                }
                Said::Close { conn } => {
                    if let Some(connection) = self.connections.get_mut(&conn) {
                        connection.at_server = false;
                        self.push_packet(conn, false, Packet::Close, Duration::ZERO);
                    }
                }
                Said::Http { id, status, body } => self.answer_http(id, status, body),
                Said::Expel(identity) => self.remove_participant(identity),
            }
        }
        self.schedule_server();
    }

    /// The process of the server ended: its kernel closes what was open.
    pub(crate) fn close_all_at_server(&mut self) {
        let conns: Vec<_> = self.connections.iter().filter(|(_, c)| c.at_server).map(|(conn, _)| *conn).collect();
        for conn in conns {
            self.connections.get_mut(&conn).expect("it is there").at_server = false;
            self.push_packet(conn, false, Packet::Close, Duration::ZERO);
        }
    }

    /// The client asks over HTTP.
    pub(crate) fn ask_http(&mut self, client: usize, path: &'static str, body: Vec<u8>) {
        self.model.on_bytes(&body, self.now);
        self.last_http += 1;
        let id = self.last_http;
        let now = self.now;
        let line = self.line(client);
        if line.up_until > now || line.down_until > now {
            return self.schedule(now + HTTP_PATIENCE, Event::HttpAnswer { client, answer: None });
        }
        let at = now + line.delay() * 3;
        self.http.insert(id, client);
        self.schedule(at, Event::HttpAtServer { id, path, body });
    }

    pub(crate) fn on_http(&mut self, id: u64, path: &'static str, body: &[u8]) {
        if self.server.is_up() {
            let said = self.server.http(id, path, body, self.now);
            self.perform_said(said);
        } else if let Some(client) = self.http.remove(&id) {
            let at = self.now + self.line(client).delay();
            self.schedule(at, Event::HttpAnswer { client, answer: None });
        }
    }

    fn answer_http(&mut self, id: u64, status: u16, body: Vec<u8>) {
        if let Some(client) = self.http.remove(&id) {
            let at = self.now + self.line(client).delay();
            self.schedule(at, Event::HttpAnswer { client, answer: Some((status, body)) });
        }
    }
}
