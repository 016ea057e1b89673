//! One address takes all that it can get of the server: docs/security/flood_from_one_address.md.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use conclave_base::MeetingId;
use conclave_kit::{ObservedClient, PATIENCE, Server, Site, connect_from, create};
use conclave_protocol::http::{CreateMeeting, LookupMeeting};
use conclave_protocol::ws::{CloseReason, ServerMessage};
use ed25519_dalek::SigningKey;

/// Where the attacker is: in another block than everybody else.
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 66, 0, 1);
/// The server refuses, since one address asks too often.
const TOO_MANY: u16 = 429;
/// Meetings that one block makes at once.
const FROM_ONE_BLOCK: u8 = 30;
/// Memory that the server may take meanwhile.
const LARGEST: usize = 200 * 1024 * 1024;

#[test]
fn look_ups_without_end_leave_the_others_theirs() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let body = serde_json::to_string(&LookupMeeting { meeting: MeetingId::from_bytes([9; 16]) })?;
    let request = format!("POST /api/meetings/lookup HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    during_a_flood(&server, &request, || {
        let mut alice = ObservedClient::join(&link, "Alice", &[])?;
        alice.until_sees("Alice").map(drop)
    })
}

#[test]
fn meetings_made_at_several_nodes_are_no_more_than_at_one_and_none_while_nobody_counts() -> anyhow::Result<()> {
    let site = Site::start(2)?;
    let make = |n: u8, from: Ipv4Addr| -> anyhow::Result<u16> {
        let create = CreateMeeting {
            meeting: MeetingId::from_bytes([n; 16]),
            admission_key: SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes(),
            host_fingerprint: [1; 16],
            sealed_meta: vec![2; 60],
            expires_in: 60,
        };
        let body = serde_json::to_string(&create)?;
        let request = format!("POST /api/meetings HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        status(&mut connect_from(from, site.nodes[usize::from(n) % 2].port)?, &request)
    };
    let mut made = 0;
    while make(made, ATTACKER)? == 201 {
        made += 1;
        ensure!(made < 2 * FROM_ONE_BLOCK, "meetings without end");
    }
    ensure!((FROM_ONE_BLOCK..FROM_ONE_BLOCK + 3).contains(&made), "{made} meetings were made");
    ensure!(make(made + 1, ATTACKER)? == TOO_MANY, "the other node goes on");
    ensure!(make(200, Ipv4Addr::LOCALHOST)? == 201, "somebody else is refused");
    site.redis.pause()?;
    ensure!(make(202, Ipv4Addr::LOCALHOST)? == 503, "a meeting that cannot be counted is made");
    Ok(())
}

#[test]
fn tokens_that_are_none_delay_no_media() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut alice = ObservedClient::join(&link, "Alice", &[])?;
    alice.until_sees("Alice")?;
    let token = Server::member_token("another room", "mallory")?;
    let request = format!("GET /rtc/v1/validate?access_token={token} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    during_a_flood(&server, &request, || {
        let mut bob = ObservedClient::join(&link, "Bob", &[])?;
        let alices = bob.until_sees("Alice")?;
        bob.until_played(&alices, "camera")?;
        bob.until_played(&alices, "microphone")?;
        ensure!(!bob.observed.was_alarmed(), "{:?}", bob.observed);
        Ok(())
    })
}

/// Asks again and again, over several connections, and has `meanwhile` done once the server refuses to answer; it must refuse to the end.
fn during_a_flood(server: &Server, request: &str, meanwhile: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let (stop, port) = (AtomicBool::new(false), server.port);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    // Whatever becomes of a connection, another follows.
                    let _ended = connect_from(ATTACKER, port).and_then(|mut stream| {
                        while !stop.load(Ordering::Relaxed) {
                            status(&mut stream, request)?;
                        }
                        Ok(())
                    });
                }
            });
        }
        let witness = || -> anyhow::Result<()> {
            let mut stream = connect_from(ATTACKER, port)?;
            while status(&mut stream, request)? != TOO_MANY {}
            meanwhile()?;
            let mut stream = connect_from(ATTACKER, port)?;
            // One in a while is answered as ever.
            ensure!((0..10).any(|_| status(&mut stream, request).is_ok_and(|status| status == TOO_MANY)), "the flood was over already");
            Ok(())
        };
        let done = witness();
        stop.store(true, Ordering::Relaxed);
        done
    })
}

/// Sends a request; gives the status of the answer.
fn status(stream: &mut TcpStream, request: &str) -> anyhow::Result<u16> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head)?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).context("a length")?.parse()?;
    stream.read_exact(&mut vec![0; length])?;
    head.split(' ').nth(1).context("a status")?.parse().context("a number")
}

#[test]
fn sockets_that_say_nothing_give_way_to_others() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut held = Vec::new();
    let mut first = connect_from(ATTACKER, server.port)?;
    first.set_read_timeout(Some(Duration::from_millis(1)))?;
    // Until the oldest is closed: the block has all that it may.
    while !is_closed(&mut first)? {
        ensure!(held.len() < 10_000, "one address holds ten thousand sockets");
        held.push(connect_from(ATTACKER, server.port)?);
    }
    let mut alice = ObservedClient::join(&link, "Alice", &[])?;
    alice.until_sees("Alice")?;
    ensure!(memory(&server)? < LARGEST, "{} bytes of memory", memory(&server)?);
    Ok(())
}

#[test]
fn a_large_message_before_the_proof_is_not_read_to_its_end() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let mut stream = connect_from(ATTACKER, server.port)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let upgrade = "GET /api/live HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        stream.write_all(upgrade.as_bytes())?;
        sockets.push(stream);
    }
    for stream in &mut sockets {
        // A masked binary frame of 4 MiB, all but its last byte.
        let mut frame = vec![0x82, 0xff, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0];
        frame.resize(frame.len() + 4 * 1024 * 1024 - 1, 0);
        // The server may hang up in the middle.
        let (Ok(()) | Err(_)) = stream.write_all(&frame);
    }
    let mut alice = ObservedClient::join(&link, "Alice", &[])?;
    alice.until_sees("Alice")?;
    ensure!(memory(&server)? < LARGEST, "{} bytes of memory", memory(&server)?);
    let waited = ServerMessage::Closing { reason: CloseReason::Timeout }.encode();
    for stream in &mut sockets {
        let mut rest = Vec::new();
        let (Ok(_) | Err(_)) = stream.read_to_end(&mut rest);
        ensure!(!rest.windows(waited.len()).any(|window| window == waited), "the server waited for the rest until the time was up");
    }
    Ok(())
}

#[test]
fn a_head_that_comes_byte_by_byte_is_not_waited_for() -> anyhow::Result<()> {
    let server = Server::start()?;
    let mut slow = connect_from(ATTACKER, server.port)?;
    slow.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nx: ")?;
    slow.set_read_timeout(Some(Duration::from_millis(500)))?;
    let until = std::time::Instant::now() + PATIENCE;
    while !is_closed(&mut slow)? {
        ensure!(std::time::Instant::now() < until, "the server still waits for the head");
        // It may be closed between the two.
        let (Ok(()) | Err(_)) = slow.write_all(b"y");
    }
    Ok(())
}

/// Whether the server has hung up; waits as long as the stream's timeout.
fn is_closed(stream: &mut TcpStream) -> anyhow::Result<bool> {
    match stream.read(&mut [0; 256]) {
        Ok(0) => Ok(true),
        Ok(_) => Ok(false),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
        Err(e) if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted) => Ok(true),
        Err(e) => Err(e.into()),
    }
}

/// Memory of the server's process, in bytes.
fn memory(server: &Server) -> anyhow::Result<usize> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("its memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
}
