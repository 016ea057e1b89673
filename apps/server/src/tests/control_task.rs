use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use conclave_admission::{Admission, Block, Config, Counted, HttpRequest, HttpRequestId, HttpResponse, Input, Output, Record, StoreError};
use conclave_base::{Machine as _, MeetingId, Polled, Secret};
use conclave_livekit_proto::ApiKey;
use conclave_protocol::http::{CreateMeeting, LookupMeeting};
use conclave_protocol::ws::{ClientMessage, CloseReason, ServerMessage};
use ed25519_dalek::SigningKey;
use tokio::sync::{Mutex, mpsc};

use crate::addresses::Proxies;
use crate::bus::{Bus, Memory};
use crate::clients::Clients;
use crate::clock::now;
use crate::control_task::ControlHandle;
use crate::database::Database;
use crate::engine::Engine;
use crate::media_thread::{self, Media};
use crate::metrics::Metrics;
use crate::store::{Sqlite, Store};

/// Everything here answers long before; this bounds a failing test.
const PATIENCE: Duration = Duration::from_secs(20);

const MEETING: MeetingId = MeetingId::from_bytes([1; 16]);

/// A disk on which each job waits until the test opens the gate, or fails and drops it.
struct Gated {
    store: Sqlite,
    gate: Mutex<mpsc::Receiver<()>>,
}

impl Gated {
    fn new(store: Sqlite) -> (Self, mpsc::Sender<()>) {
        let (open, gate) = mpsc::channel(1);
        (Self { store, gate: Mutex::new(gate) }, open)
    }

    async fn pass(&self) -> &Sqlite {
        while self.gate.lock().await.recv().await.is_some() {}
        &self.store
    }
}

impl Store for Gated {
    const AT_ONCE: usize = Sqlite::AT_ONCE;

    async fn find(&self, meeting: MeetingId) -> Result<Option<Record>, StoreError> {
        self.pass().await.find(meeting).await
    }

    async fn insert(&self, record: &Record) -> Result<(), StoreError> {
        self.pass().await.insert(record).await
    }

    async fn update(&self, meeting: MeetingId, sealed_meta: &[u8]) -> Result<(), StoreError> {
        self.pass().await.update(meeting, sealed_meta).await
    }

    async fn delete_expired(&self, until: u64) -> Result<u64, StoreError> {
        self.pass().await.delete_expired(until).await
    }
}

fn start(database: Database) -> ControlHandle {
    let key = ApiKey::new("conclave", &[1; 32]);
    let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port").local_addr().expect("bound").port();
    let config = media_thread::Config { port, addresses: vec![Ipv4Addr::LOCALHOST.into()], key: key.clone(), seed: [2; 32] };
    let (tell, presence) = mpsc::channel(1);
    let (media, _thread) = Media::start(config, tell).expect("the media server starts");
    ControlHandle::start(database, Bus::Memory(Memory::default()), key, admission_config(), Engine::Embedded(media), presence)
}

fn admission_config() -> Config {
    Config::new(Secret::new([3; 32]), Secret::new([4; 32]))
}

fn create(meeting: MeetingId) -> CreateMeeting {
    let admission_key = SigningKey::from_bytes(&[4; 32]).verifying_key().to_bytes();
    CreateMeeting { meeting, admission_key, host_fingerprint: [5; 16], sealed_meta: vec![6; 40], expires_in: 60 }
}

#[tokio::test]
async fn a_disk_that_hangs_delays_only_what_waits_for_it_and_keeps_the_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, open) = Gated::new(Sqlite::open(folder.path()).expect("new"));
    let control = start(Database::on_thread(store, Metrics::new()));

    let on_disk = async {
        tokio::join!(
            control.respond(Block(1), HttpRequest::create(create(MEETING))),
            control.respond(Block(1), HttpRequest::LookupMeeting(LookupMeeting { meeting: MEETING }))
        )
    };
    let mut on_disk = std::pin::pin!(on_disk);
    let other_client = async {
        let clients = Clients::new(Proxies::default(), 16).expect("randomness");
        let (place, _gives_way) = clients.open(Ipv4Addr::LOCALHOST.into()).expect("a place");
        let (conn, mut outbox) = control.open(Block(2), Arc::clone(&place)).await;
        control.on_message(conn, &place, ClientMessage::Hello { version: 0, meeting: MEETING, after: None }.encode()).await;
        outbox.recv().await.expect("the task sends")
    };
    let sent = tokio::select! {
        biased; // What waits for the disk comes first.
        responses = &mut on_disk => panic!("answered without the disk: {responses:?}"),
        sent = tokio::time::timeout(PATIENCE, other_client) => sent.expect("a client that needs no disk is answered"),
    };
    assert_eq!(ServerMessage::decode(&sent), Ok(ServerMessage::Closing { reason: CloseReason::Version }));

    drop(open);
    let (created, found) = tokio::time::timeout(PATIENCE, on_disk).await.expect("the disk works again");
    assert!(matches!(created, Ok(HttpResponse::Created(_))), "{created:?}");
    assert!(matches!(found, Ok(HttpResponse::Info(_))), "looked up after it was made: {found:?}");
}

#[test]
fn what_waits_for_the_disk_at_the_end_is_still_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (store, open) = Gated::new(Sqlite::open(folder.path()).expect("new"));
        let database = Database::on_thread(store, Metrics::new());
        let mut admission = Admission::new(admission_config(), now());
        for id in 0..10 {
            let request = HttpRequest::create(create(MeetingId::from_bytes([id; 16])));
            admission.handle(Input::HttpRequest { id: HttpRequestId(id.into()), block: Block(1), request }, now()).expect("taken");
            while let Polled::Output(output) = admission.poll() {
                if let Output::StoreMeeting { request, record } = output {
                    assert!(database.insert(request, record).is_ok(), "there is room");
                } else if let Output::Count { request: Some(request), .. } = output {
                    admission.handle(Input::Counted { request, counted: Ok(Counted::Done) }, now()).expect("taken");
                }
            }
        }
        drop(open);
    });
    drop(runtime);
    let store = Sqlite::open(folder.path()).expect("again");
    assert_eq!(tokio::runtime::Runtime::new().expect("a runtime").block_on(store.delete_expired(u64::MAX)), Ok(10));
}
