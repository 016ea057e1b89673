use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use conclave_admission::{Block, Config, HttpRequest, HttpResponse};
use conclave_base::{MeetingId, Secret};
use conclave_livekit_proto::ApiKey;
use conclave_protocol::http::{CreateMeeting, LookupMeeting};
use conclave_protocol::ws::{ClientMessage, CloseReason, ServerMessage};
use ed25519_dalek::SigningKey;
use tokio::sync::mpsc;

use crate::addresses::Proxies;
use crate::clients::Clients;
use crate::control_task::ControlHandle;
use crate::database::Database;
use crate::media_thread::{self, Media};
use crate::store::Store;

/// Everything here answers long before; this bounds a failing test.
const PATIENCE: Duration = Duration::from_secs(20);

const MEETING: MeetingId = MeetingId::from_bytes([1; 16]);

fn start(database: Database) -> ControlHandle {
    let key = ApiKey::new("conclave", &[1; 32]);
    let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port").local_addr().expect("bound").port();
    let config = media_thread::Config { port, addresses: vec![Ipv4Addr::LOCALHOST.into()], key: key.clone(), seed: [2; 32] };
    let (tell, presence) = mpsc::channel(1);
    let (media, _thread) = Media::start(config, tell).expect("the media server starts");
    ControlHandle::start(database, key, Config::new(Secret::new([3; 32]), Secret::new([4; 32])), media, presence)
}

#[tokio::test]
async fn a_disk_that_hangs_delays_only_what_waits_for_it_and_keeps_the_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::start(Store::open(folder.path()).expect("new"));
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let hung = database.submit(move |_| {
        // Until the test opens the gate, or fails and drops it.
        let (Ok(()) | Err(_)) = gate.recv();
        None
    });
    assert!(hung);
    let control = start(database);

    let create = CreateMeeting {
        meeting: MEETING,
        admission_key: SigningKey::from_bytes(&[4; 32]).verifying_key().to_bytes(),
        host_fingerprint: [5; 16],
        sealed_meta: vec![6; 40],
        expires_in: 60,
    };
    let on_disk = async {
        tokio::join!(
            control.respond(Block(1), HttpRequest::Create(create)),
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
    let (started, wait) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let database = Database::start(Store::open(folder.path()).expect("new"));
        let (open, gate) = std::sync::mpsc::channel::<()>();
        assert!(database.submit(move |_| {
            started.send(()).expect("the test waits");
            let (Ok(()) | Err(_)) = gate.recv();
            None
        }));
        wait.recv().expect("the thread has the first job");
        for id in 0..10 {
            let record = conclave_admission::Record {
                meeting: MeetingId::from_bytes([id; 16]),
                admission_key: [2; 32],
                host_fingerprint: [3; 16],
                sealed_meta: vec![4; 50],
                expires_at: 1_000,
            };
            assert!(database.submit(move |store| {
                store.insert(&record).expect("written");
                None
            }));
        }
        drop(open);
    });
    drop(runtime);
    assert_eq!(Store::open(folder.path()).expect("again").delete_expired(1_000), Ok(10));
}
