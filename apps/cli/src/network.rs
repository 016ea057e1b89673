//! Everything of a member that touches the network: two WebSockets, UDP, HTTP.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use anyhow::Context as _;
use conclave_base::{Datagram, Machine as _, MemberId, Polled, Redacted, Source, Time};
use conclave_livekit_client::{Command, Config, Event, Input, LiveKitClient, Output, Publication, SendError};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use crate::http;
use crate::socket::{Socket, SocketEvent, What};

/// Longest datagram that is read.
pub(crate) const MAX_DATAGRAM: usize = 2048;

/// Which WebSocket something comes from; the number tells an old one from the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketId {
    /// To the delivery service.
    Session(u64),
    /// LiveKit signalling.
    Signal(u64),
}

/// What a member is connected to.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) origin: String,
    socket_events: mpsc::Sender<SocketEvent<SocketId>>,
    http_done: mpsc::Sender<conclave_session::Input>,
    next_id: u64,
    session: Option<Socket>,
    session_id: u64,
    signal: Option<Socket>,
    signal_id: u64,
    livekit: Option<LiveKitClient>,
    /// With its own address.
    udp: Option<(UdpSocket, SocketAddr)>,
    /// Own identity at the media server; another one needs another connection.
    identity: Option<MemberId>,
    /// Whose tracks are subscribed, on this connection and the next.
    subscribed: BTreeSet<String>,
}

impl Network {
    /// Connected to nothing. What sockets and HTTP requests bring goes into the two queues.
    pub(crate) fn new(
        origin: String,
        socket_events: mpsc::Sender<SocketEvent<SocketId>>,
        http_done: mpsc::Sender<conclave_session::Input>,
    ) -> Self {
        Self {
            origin,
            socket_events,
            http_done,
            next_id: 0,
            session: None,
            session_id: 0,
            signal: None,
            signal_id: 0,
            livekit: None,
            udp: None,
            identity: None,
            subscribed: BTreeSet::new(),
        }
    }

    /// Sends an HTTP request; its answer goes into the queue.
    pub(crate) fn post(&self, path: &'static str, body: Vec<u8>) {
        let (origin, done) = (self.origin.clone(), self.http_done.clone());
        tokio::spawn(async move {
            let input = match http::post(&origin, path, body).await {
                Ok((status, body)) => conclave_session::Input::HttpDone { status, body },
                Err(error) => {
                    tracing::debug!(%error, "http");
                    conclave_session::Input::HttpFailed
                }
            };
            // The member has gone meanwhile.
            let _gone = done.send(input).await;
        });
    }

    /// Opens the session's WebSocket.
    pub(crate) fn connect(&mut self) {
        self.next_id += 1;
        self.session_id = self.next_id;
        let url = format!("ws{}{}", self.origin.trim_start_matches("http"), conclave_protocol::paths::LIVE);
        self.session = Some(Socket::open(url, None, SocketId::Session(self.next_id), self.socket_events.clone()));
    }

    /// Sends a message of the session; says whether the connection is still there.
    pub(crate) fn send(&mut self, bytes: Vec<u8>) -> bool {
        let broke = self.session.as_ref().is_some_and(|socket| !socket.send(bytes));
        if broke {
            self.session = None;
        }
        !broke
    }

    /// Closes the session's WebSocket after what was sent.
    pub(crate) fn disconnect(&mut self) {
        self.session = None;
        self.session_id = 0;
    }

    /// Takes what a WebSocket brought; gives what the session must hear of it.
    pub(crate) fn on_socket_event(&mut self, event: SocketEvent<SocketId>, now: Time) -> Option<conclave_session::Input> {
        match (event.socket, event.what) {
            (SocketId::Session(n), _) if n != self.session_id => None,
            (SocketId::Signal(n), _) if n != self.signal_id => None,
            (SocketId::Session(_), What::Opened) => Some(conclave_session::Input::Opened),
            (SocketId::Session(_), What::Received(bytes)) => Some(conclave_session::Input::Received(bytes)),
            (SocketId::Session(_), What::Closed) => {
                self.session = None;
                Some(conclave_session::Input::Closed)
            }
            (SocketId::Signal(_), What::Opened) => {
                self.livekit_input(Input::SignalOpened, now);
                None
            }
            (SocketId::Signal(_), What::Received(bytes)) => {
                self.livekit_input(Input::Signal(&bytes), now);
                None
            }
            (SocketId::Signal(_), What::Closed) => {
                self.signal = None;
                self.livekit_input(Input::SignalClosed, now);
                None
            }
        }
    }

    /// The next datagram: its length in `buffer`, whence, and to which own address.
    pub(crate) async fn receive(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr, SocketAddr)> {
        let Some((socket, here)) = &self.udp else { return std::future::pending().await };
        // An ICMP error of an earlier datagram is not this one's.
        let (len, from) = socket.recv_from(buffer).await.ok()?;
        Some((len, from, *here))
    }

    pub(crate) fn on_datagram(&mut self, bytes: &[u8], src: SocketAddr, dst: SocketAddr, now: Time) {
        self.livekit_input(Input::Datagram { src, dst, bytes }, now);
    }

    pub(crate) fn on_timeout(&mut self, now: Time) {
        self.livekit_input(Input::Timeout, now);
    }

    /// Asks something of the media server.
    pub(crate) fn command(&mut self, command: Command, now: Time) {
        self.livekit_input(Input::Command(command), now);
    }

    /// From now on exactly these are subscribed.
    pub(crate) fn set_subscribed(&mut self, identities: BTreeSet<String>, now: Time) {
        self.subscribed.clone_from(&identities);
        self.command(Command::SetSubscribed(identities), now);
    }

    /// Connects to the media server as `identity`, or gives the present connection a newer token.
    /// Says whether the connection is a new one.
    pub(crate) async fn connect_media(
        &mut self,
        url: Option<String>,
        jwt: String,
        identity: MemberId,
        publications: Vec<Publication>,
        now: Time,
    ) -> bool {
        let token = Redacted::new(jwt);
        if self.livekit.is_some() && self.identity == Some(identity) {
            self.command(Command::Token(token), now);
            return false;
        }
        let url = url.unwrap_or_else(|| self.origin.clone());
        let bound = async { Ok::<_, anyhow::Error>(UdpSocket::bind(local_address(&url).await?).await?) }.await;
        let (udp, here) = match bound.and_then(|udp| Ok((udp.local_addr()?, udp))) {
            Ok((here, udp)) => (udp, here),
            Err(error) => {
                tracing::warn!(%error, "no socket for media");
                return false;
            }
        };
        self.udp = Some((udp, here));
        self.identity = Some(identity);
        self.signal = None;
        self.livekit = Some(LiveKitClient::new(Config { url, token, addresses: vec![here], vp9: true, packets: false }, now));
        self.command(Command::SetSubscribed(self.subscribed.clone()), now);
        for publication in publications {
            self.command(Command::Publish(publication), now);
        }
        true
    }

    /// Leaves the media server: this client has no leaf in the group, or not in time.
    pub(crate) fn disconnect_media(&mut self, now: Time) {
        self.identity = None;
        self.command(Command::Leave, now);
    }

    /// Sends one sealed frame.
    pub(crate) fn send_frame(&mut self, source: Source, rtp_time: u64, sealed: &[u8], now: Time) -> Result<(), SendError> {
        self.livekit.as_mut().ok_or(SendError::NotReady)?.send(source, 0, rtp_time, sealed, now)
    }

    /// Does all that the media connection asks for; gives what happened there, or when it wants to be woken.
    pub(crate) fn poll(&mut self, now: Time) -> Polled<Event> {
        while let Some(livekit) = &mut self.livekit {
            match livekit.poll() {
                Polled::Output(Output::Connect { url, token }) => {
                    self.next_id += 1;
                    self.signal_id = self.next_id;
                    let id = SocketId::Signal(self.next_id);
                    self.signal = Some(Socket::open(url.into_inner(), Some(token.into_inner()), id, self.socket_events.clone()));
                }
                Polled::Output(Output::Signal(bytes)) => {
                    if self.signal.as_ref().is_some_and(|socket| !socket.send(bytes)) {
                        self.signal = None;
                        self.livekit_input(Input::SignalClosed, now);
                    }
                }
                Polled::Output(Output::CloseSignal) => {
                    self.signal = None;
                    self.signal_id = 0;
                }
                Polled::Output(Output::Datagram(Datagram { dst, bytes, .. })) => {
                    if let Some((socket, _)) = &self.udp {
                        // A full socket loses it, as the network may.
                        let _lost = socket.try_send_to(&bytes, dst);
                    }
                }
                Polled::Output(Output::Event(event)) => {
                    if matches!(event, Event::Left { .. }) {
                        (self.livekit, self.signal, self.udp) = (None, None, None);
                    }
                    return Polled::Output(event);
                }
                Polled::Idle(until) => return Polled::Idle(until),
            }
        }
        Polled::Idle(Time::MAX)
    }

    fn livekit_input(&mut self, input: Input<'_>, now: Time) {
        if let Some(Err(error)) = self.livekit.as_mut().map(|livekit| livekit.handle(input, now)) {
            tracing::debug!(%error, "media connection");
        }
    }
}

/// The address of our own that is used towards `url`.
pub(crate) async fn local_address(url: &str) -> anyhow::Result<SocketAddr> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let named = if authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        authority.to_owned()
    } else {
        format!("{authority}:443")
    };
    let found: Vec<SocketAddr> = tokio::net::lookup_host(&named).await.context("the media server's name is not known")?.collect();
    // Media servers announce IPv4 more often than not.
    let there = found.iter().find(|a| a.is_ipv4()).or(found.first()).context("the media server has no address")?;
    let any: SocketAddr = if there.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let probe = UdpSocket::bind(any).await?;
    probe.connect(there).await?;
    Ok(SocketAddr::new(probe.local_addr()?.ip(), 0))
}
