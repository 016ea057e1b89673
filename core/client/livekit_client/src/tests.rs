//! A client against a scripted server: what it says in the signalling, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{Codec, Machine as _, Polled, Redacted, Source, Time};
use conclave_livekit_proto::frame::{decode_request, encode_response};
use conclave_livekit_proto::proto::leave_request::Action;
use conclave_livekit_proto::proto::{
    JoinResponse, LeaveRequest, MediaSectionsRequirement, ParticipantInfo, ParticipantUpdate, ReconnectResponse, SessionDescription,
    TrackInfo, TrackPublishedResponse, TrackSource, signal_request, signal_response,
};

use super::*;

struct Stage {
    client: LiveKitClient,
    now: Time,
    urls: Vec<String>,
    said: Vec<signal_request::Message>,
    events: Vec<Event>,
    closed: usize,
}

impl Stage {
    fn new() -> Self {
        let now = Time::from_millis(1_000);
        let config = Config {
            url: "https://media.example/".into(),
            token: Redacted::new("secret".into()),
            addresses: vec![([127, 0, 0, 1], 4100).into()],
            vp9: true,
            packets: false,
        };
        let mut stage = Self { client: LiveKitClient::new(config, now), now, urls: vec![], said: vec![], events: vec![], closed: 0 };
        stage.drain();
        stage
    }

    fn joined() -> Self {
        let mut stage = Self::new();
        stage.hear(signal_response::Message::Join(JoinResponse {
            participant: Some(ParticipantInfo { sid: "PA_me".into(), identity: "me".into(), ..Default::default() }),
            ping_interval: 5,
            ping_timeout: 15,
            ..Default::default()
        }));
        stage
    }

    fn hear(&mut self, message: signal_response::Message) {
        self.client.handle(Input::Signal(&encode_response(message)), self.now).expect("only commands are refused");
        self.drain();
    }

    fn command(&mut self, command: Command) -> Result<(), CommandError> {
        let result = self.client.handle(Input::Command(command), self.now);
        self.drain();
        result
    }

    fn pass(&mut self, span: Duration) {
        self.now += span;
        self.client.handle(Input::Timeout, self.now).expect("only commands are refused");
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            let output = match self.client.poll() {
                Polled::Output(output) => output,
                Polled::Idle(_) => return,
            };
            match output {
                Output::Connect { url, token } => {
                    assert_eq!(token.expose(), "secret");
                    self.urls.push(url.into_inner());
                }
                Output::Signal(bytes) => self.said.push(decode_request(&bytes).expect("own message")),
                Output::CloseSignal => self.closed += 1,
                Output::Event(event) => self.events.push(event),
                Output::Datagram(_) => {}
            }
        }
    }

    /// The media sections of the last offer by kind: all, and those that are sent in.
    fn offered(&self) -> Option<(usize, usize)> {
        let sdp =
            self.said.iter().rev().find_map(|m| if let signal_request::Message::Offer(o) = m { Some(o.sdp.clone()) } else { None })?;
        Some((sdp.matches("a=recvonly").count(), sdp.matches("a=sendonly").count()))
    }
}

fn seen(identity: &str, sid: &str) -> signal_response::Message {
    let track = TrackInfo { sid: sid.into(), source: TrackSource::Camera.into(), ..Default::default() };
    let info = ParticipantInfo { identity: identity.into(), version: 1, tracks: vec![track], ..Default::default() };
    signal_response::Message::Update(ParticipantUpdate { participants: vec![info] })
}

#[test]
fn it_connects_with_its_offer_and_keeps_the_token_out_of_the_url() {
    let stage = Stage::new();
    let [url] = &stage.urls[..] else { panic!("one connection") };
    assert!(url.starts_with("wss://media.example/rtc/v1?join_request="));
    assert!(!url.contains("secret"));
    let query = conclave_livekit_proto::join::Query::parse(url.split_once('?').expect("query").1).expect("readable");
    let request = query.join_request().expect("readable");
    let offer = request.publisher_offer.expect("offer");
    assert_eq!((offer.sdp.matches("m=audio").count(), offer.sdp.matches("m=video").count()), (3, 3));
    assert!(offer.sdp.contains("m=application") && !offer.sdp.contains("ssrc-audio-level"));
    assert!(request.connection_settings.is_some_and(|s| !s.auto_subscribe));
}

#[test]
fn only_chosen_participants_are_subscribed() {
    let mut stage = Stage::joined();
    stage.command(Command::SetSubscribed(BTreeSet::from(["amara".to_owned()]))).expect("followed");
    stage.hear(seen("ghost", "TR_ghost"));
    stage.hear(seen("amara", "TR_amara"));
    let subscribed: Vec<_> = stage
        .said
        .iter()
        .filter_map(|m| if let signal_request::Message::Subscription(s) = m { Some((s.subscribe, s.track_sids.clone())) } else { None })
        .collect();
    assert_eq!(subscribed, [(true, vec!["TR_amara".to_owned()])]);
    let ghost = stage.events.iter().any(|e| matches!(e, Event::ParticipantJoined { identity } if identity == "ghost"));
    assert!(ghost, "the ghost is told");
}

#[test]
fn a_track_is_offered_once_the_server_knows_it() {
    let mut stage = Stage::joined();
    let layers = vec![Layer { width: 320, height: 180, bitrate: 200_000 }];
    let publication = Publication { source: Source::Camera, codec: Codec::Vp8, layers, sealed: true };
    stage.command(Command::Publish(publication.clone())).expect("published");
    assert_eq!(stage.command(Command::Publish(publication)), Err(CommandError::AlreadyPublished));
    let cid = stage.said.iter().find_map(|m| if let signal_request::Message::AddTrack(a) = m { Some(a.cid.clone()) } else { None });
    let cid = cid.expect("announced");
    // The join's offer is still unanswered: no second one is made meanwhile.
    let track = Some(TrackInfo { sid: "TR_own".into(), ..Default::default() });
    stage.hear(signal_response::Message::TrackPublished(TrackPublishedResponse { cid, track }));
    assert_eq!(stage.offered(), None);
}

#[test]
fn a_broken_signalling_is_resumed_as_the_same_participant() {
    let mut stage = Stage::joined();
    stage.client.handle(Input::SignalClosed, stage.now).expect("taken");
    stage.drain();
    stage.pass(Duration::from_millis(500));
    assert_eq!(stage.urls.len(), 2);
    let query = conclave_livekit_proto::join::Query::parse(stage.urls[1].split_once('?').expect("query").1).expect("readable");
    let request = query.join_request().expect("readable");
    assert!(request.reconnect && request.participant_sid == "PA_me" && request.publisher_offer.is_none());
    stage.said.clear();
    stage.hear(signal_response::Message::Reconnect(ReconnectResponse::default()));
    let [signal_request::Message::SyncState(_), signal_request::Message::Offer(offer), ..] = &stage.said[..] else {
        panic!("state first, then an offer with new credentials: {:?}", stage.said)
    };
    assert!(offer.id > 1);
}

#[test]
fn a_server_that_lost_the_session_is_told_apart_from_one_that_is_gone() {
    let mut stage = Stage::joined();
    stage.hear(signal_response::Message::Leave(LeaveRequest { action: Action::Reconnect.into(), ..Default::default() }));
    assert!(matches!(stage.events.last(), Some(Event::Left { reason: LeaveReason::SessionLost })));
    assert_eq!(stage.command(Command::Leave), Err(CommandError::Closed));

    let mut stage = Stage::new();
    for _ in 0..20 {
        stage.client.handle(Input::SignalClosed, stage.now).expect("taken");
        stage.drain();
        stage.pass(Duration::from_secs(10));
    }
    assert!(matches!(stage.events.last(), Some(Event::Left { reason: LeaveReason::Unreachable })));
    assert!(stage.urls.len() <= 6);
}

#[test]
fn silence_of_the_server_is_a_broken_signalling() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(5));
    assert!(stage.said.iter().any(|m| matches!(m, signal_request::Message::PingReq(_))));
    stage.pass(Duration::from_secs(11));
    assert_eq!(stage.closed, 1);
    assert!(matches!(stage.events.last(), Some(Event::Reconnecting)));
}

#[test]
fn a_hostile_server_cannot_ask_for_endless_sections_or_break_the_client() {
    let mut stage = Stage::joined();
    stage.hear(signal_response::Message::MediaSectionsRequirement(MediaSectionsRequirement { num_audios: u32::MAX, num_videos: u32::MAX }));
    stage.client.handle(Input::Signal(&[0xff; 200]), stage.now).expect("ignored");
    stage.hear(signal_response::Message::Answer(SessionDescription { sdp: "nonsense".into(), id: 1, ..Default::default() }));
    assert!(matches!(stage.events.last(), Some(Event::Left { reason: LeaveReason::SessionLost })));
}
