//! The operator between a member and its own server: everything passes, but LiveKit's signalling is read and rewritten.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conclave_livekit_proto::proto::participant_info::State;
use conclave_livekit_proto::proto::signal_response::Message as Response;
use conclave_livekit_proto::proto::{
    IceServer, MuteTrackRequest, ParticipantInfo, ParticipantUpdate, SessionDescription, TrackInfo, TrackSource, UpdateSubscription,
    signal_request,
};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response as Handshake};
use tokio_tungstenite::tungstenite::http::HeaderMap;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::front::Front;

/// How the request for LiveKit's signalling begins; `/rtc/v1/validate` does not.
const SIGNALLING: &[u8] = b"GET /rtc/v1?";

/// Who is in the room with which tracks, as the member is to believe.
type Lie = Box<dyn FnMut(&mut Vec<ParticipantInfo>) + Send>;
/// Whose track it is and which, as the member was told: identity, the media server's name for that participant, source.
type Owner = (String, String, i32);

/// In front of a server, for one member.
#[derive(Debug)]
pub struct Relay {
    front: Front,
    shared: Arc<Shared>,
}

struct Shared {
    operator: Mutex<Operator>,
    changed: Notify,
}

struct Operator {
    lie: Lie,
    /// Where the member is to send its media, if not to the server.
    media: Option<SocketAddr>,
    /// A server for ICE that the member is to ask.
    ice_server: Option<String>,
    /// As it is.
    room: BTreeMap<String, ParticipantInfo>,
    /// Of whom the member was told.
    told: BTreeSet<String>,
    /// Of which tracks.
    owners: BTreeMap<String, Owner>,
    /// Tracks that changed hands: the member is told of them once the server has stopped sending them, since whoever has a track under
    /// one name already is not sent it under another.
    moving: BTreeSet<String>,
    /// Tracks that the server is to stop sending.
    dropped: Vec<String>,
    /// Versions only rise, whatever is made up.
    version: u32,
    /// Tracks that the member asked for.
    wanted: BTreeSet<String>,
    /// The member's own.
    published: BTreeSet<String>,
    /// What the member is told beside all that.
    orders: Vec<Response>,
}

impl Relay {
    /// Stands in front of the server at `port`, honest until told otherwise.
    pub fn start(port: u16) -> anyhow::Result<Self> {
        let operator = Operator {
            lie: Box::new(|_| {}),
            media: None,
            ice_server: None,
            room: BTreeMap::new(),
            told: BTreeSet::new(),
            owners: BTreeMap::new(),
            moving: BTreeSet::new(),
            dropped: Vec::new(),
            version: 0,
            wanted: BTreeSet::new(),
            published: BTreeSet::new(),
            orders: Vec::new(),
        };
        let shared = Arc::new(Shared { operator: Mutex::new(operator), changed: Notify::new() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let state = Arc::clone(&shared);
        let front = Front::start(runtime, port, SIGNALLING, move |socket| {
            let state = Arc::clone(&state);
            async move { signalling(socket, port, &state).await }
        })?;
        Ok(Self { front, shared })
    }

    /// `link` with this relay in the server's place.
    pub fn link(&self, link: &str) -> anyhow::Result<String> {
        self.front.link(link)
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.front.port
    }

    /// From now on the member is told of this room, at once and after every change.
    pub fn lie(&self, lie: impl FnMut(&mut Vec<ParticipantInfo>) + Send + 'static) {
        self.shared.operator().lie = Box::new(lie);
        self.shared.changed.notify_one();
    }

    /// A member that comes from now on is told that the media server is there.
    pub fn move_media(&self, to: SocketAddr) {
        self.shared.operator().media = Some(to);
    }

    /// A member that comes from now on is told to ask this server what its address is, as `stun:ADDRESS:PORT`.
    pub fn name_ice_server(&self, url: String) {
        self.shared.operator().ice_server = Some(url);
    }

    /// Tells the member to mute all that it sends, and then to go on with it. Gives how many tracks that are.
    pub fn unmute(&self) -> usize {
        let mut operator = self.shared.operator();
        let tracks: Vec<_> = operator.published.iter().cloned().collect();
        for muted in [true, false] {
            operator.orders.extend(tracks.iter().map(|sid| Response::Mute(MuteTrackRequest { sid: sid.clone(), muted })));
        }
        self.shared.changed.notify_one();
        tracks.len()
    }

    /// Whether the member ever asked for this track.
    pub fn was_asked_for(&self, sid: &str) -> bool {
        self.shared.operator().wanted.contains(sid)
    }

    /// The room as it is.
    pub fn room(&self) -> Vec<ParticipantInfo> {
        self.shared.operator().room.values().cloned().collect()
    }
}

/// Takes the track of this source away from a participant.
pub fn take_track(room: &mut [ParticipantInfo], identity: &str, source: TrackSource) -> Option<TrackInfo> {
    let participant = room.iter_mut().find(|p| p.identity == identity)?;
    let at = participant.tracks.iter().position(|t| t.source == i32::from(source))?;
    Some(participant.tracks.remove(at))
}

/// Puts `ghost`'s track of this source in place of the one of `member`; gives whether there is one to put.
pub fn replace_track(room: &mut [ParticipantInfo], member: &str, ghost: &str, source: TrackSource) -> bool {
    let Some(track) = take_track(room, ghost, source) else { return false };
    take_track(room, member, source);
    put_track(room, member, track);
    true
}

/// Keeps a participant from being told of.
pub fn hide(room: &mut Vec<ParticipantInfo>, identity: &str) {
    room.retain(|p| p.identity != identity);
}

/// Puts a track under a participant's name.
pub fn put_track(room: &mut [ParticipantInfo], identity: &str, track: TrackInfo) {
    if let Some(participant) = room.iter_mut().find(|p| p.identity == identity) {
        participant.tracks.push(track);
    }
}

impl Shared {
    fn operator(&self) -> MutexGuard<'_, Operator> {
        self.operator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the member gets instead.
    fn rewrite(&self, bytes: &[u8]) -> Vec<u8> {
        let mut message = match conclave_livekit_proto::frame::decode_response(bytes) {
            Ok(message) => message,
            Err(_) => return bytes.to_vec(),
        };
        let mut operator = self.operator();
        if let Response::Join(join) = &mut message {
            operator.forget();
            operator.note(std::mem::take(&mut join.other_participants));
            join.other_participants = operator.told();
            let servers = operator.ice_server.iter().map(|url| IceServer { urls: vec![url.clone()], ..Default::default() });
            join.ice_servers.extend(servers);
        } else if let Response::Update(update) = &mut message {
            operator.note(std::mem::take(&mut update.participants));
            update.participants = operator.told();
        } else if let Response::TrackPublished(published) = &message {
            operator.published.extend(published.track.iter().map(|track| track.sid.clone()));
        } else if let Response::Answer(answer) = &mut message
            && operator.answer(answer)
        {
            self.changed.notify_one();
        }
        conclave_livekit_proto::frame::encode_response(message)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Operator {
    /// The member came anew.
    fn forget(&mut self) {
        self.room.clear();
        self.told.clear();
        self.owners.clear();
        self.moving.clear();
        self.published.clear();
    }

    /// The whole room, as the lie has it; whoever is not in it any more is gone.
    fn told(&mut self) -> Vec<ParticipantInfo> {
        self.version += 1;
        let mut room: Vec<_> = self.room.values().cloned().collect();
        (self.lie)(&mut room);
        self.move_tracks(&mut room);
        let present: BTreeSet<_> = room.iter().map(|p| p.identity.clone()).collect();
        for gone in self.told.difference(&present) {
            room.push(ParticipantInfo { identity: gone.clone(), state: State::Disconnected.into(), ..Default::default() });
        }
        for info in &mut room {
            info.version = self.version;
        }
        self.told = present;
        room
    }

    /// Takes those tracks from the server that the member has under another name than it is told of now.
    fn move_tracks(&mut self, room: &mut [ParticipantInfo]) {
        let tracks = room.iter().flat_map(|p| p.tracks.iter().map(move |t| (t.sid.clone(), (p.identity.clone(), p.sid.clone(), t.source))));
        let owners: BTreeMap<_, _> = tracks.collect();
        for (sid, before) in &self.owners {
            if self.wanted.contains(sid)
                && owners.get(sid) != Some(before)
                && self.room.values().any(|p| p.tracks.iter().any(|t| t.sid == *sid))
            {
                self.dropped.push(sid.clone());
                self.moving.extend(owners.contains_key(sid).then(|| sid.clone()));
            }
        }
        for participant in room {
            participant.tracks.retain(|t| !self.moving.contains(&t.sid));
        }
        self.owners = owners;
    }

    /// The answer names participants too: it tells the same. Says whether something stopped that the member can be told of now.
    fn answer(&mut self, answer: &mut SessionDescription) -> bool {
        let sent: BTreeSet<_> = answer.mid_to_track_id.values().collect();
        let before = self.moving.len();
        self.moving.retain(|sid| sent.contains(sid));
        let line = |line: &str| {
            let moved = self.media.filter(|_| line.starts_with("a=candidate:")).map(|to| candidate(line, to));
            let renamed = line.strip_prefix("a=msid:").and_then(|msid| {
                let (stream, track) = msid.split_once(' ')?;
                let (_, stream) = stream.split_once('|')?;
                let (_, sid, _) = self.owners.get(track)?;
                Some(format!("a=msid:{sid}|{stream} {track}"))
            });
            moved.or(renamed).unwrap_or_else(|| line.to_owned()) + "\r\n"
        };
        answer.sdp = answer.sdp.lines().map(line).collect();
        self.moving.len() < before
    }

    fn note(&mut self, participants: Vec<ParticipantInfo>) {
        for info in participants {
            if info.state == i32::from(State::Disconnected) {
                self.room.remove(&info.identity);
            } else {
                self.room.insert(info.identity.clone(), info);
            }
        }
    }

    fn overhear(&mut self, bytes: &[u8]) {
        if let Ok(signal_request::Message::Subscription(update)) = conclave_livekit_proto::frame::decode_request(bytes)
            && update.subscribe
        {
            self.wanted.extend(update.track_sids);
        }
    }
}

/// The candidate (RFC 8839, section 5.1) with another address and port, its fifth and sixth word.
fn candidate(line: &str, to: SocketAddr) -> String {
    let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    if let [_, _, _, _, address, port, ..] = words.as_mut_slice() {
        (*address, *port) = (to.ip().to_string(), to.port().to_string());
    }
    words.join(" ")
}

async fn signalling(socket: TcpStream, port: u16, shared: &Shared) -> anyhow::Result<()> {
    let (mut path, mut headers) = (String::new(), HeaderMap::new());
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let read = |request: &Request, response: Handshake| {
        path = request.uri().to_string();
        headers = request.headers().clone();
        Ok(response)
    };
    let member = tokio_tungstenite::accept_hdr_async(socket, read).await?;
    let mut request = format!("ws://127.0.0.1:{port}{path}").into_client_request()?;
    if let Some(token) = headers.get("authorization") {
        request.headers_mut().insert("authorization", token.clone());
    }
    let (server, _) = tokio_tungstenite::connect_async(request).await?;
    let ((mut to_member, mut from_member), (mut to_server, mut from_server)) = (member.split(), server.split());
    loop {
        tokio::select! {
            message = from_server.next() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    let bytes = shared.rewrite(&bytes);
                    to_member.send(Message::Binary(Bytes::from(bytes))).await?;
                }
                Some(Ok(message)) => to_member.send(message).await?,
                Some(Err(_)) | None => return Ok(()),
            },
            message = from_member.next() => match message {
                Some(Ok(message)) => {
                    if let Message::Binary(bytes) = &message {
                        shared.operator().overhear(bytes);
                    }
                    to_server.send(message).await?;
                }
                Some(Err(_)) | None => return Ok(()),
            },
            () = shared.changed.notified() => {
                let update = Response::Update(ParticipantUpdate { participants: shared.operator().told() });
                let orders = std::mem::take(&mut shared.operator().orders);
                for message in std::iter::once(update).chain(orders) {
                    to_member.send(Message::Binary(Bytes::from(conclave_livekit_proto::frame::encode_response(message)))).await?;
                }
            }
        }
        let dropped = std::mem::take(&mut shared.operator().dropped);
        if !dropped.is_empty() {
            let update = UpdateSubscription { track_sids: dropped, subscribe: false, ..Default::default() };
            let bytes = conclave_livekit_proto::frame::encode_request(signal_request::Message::Subscription(update));
            to_server.send(Message::Binary(Bytes::from(bytes))).await?;
        }
    }
}
