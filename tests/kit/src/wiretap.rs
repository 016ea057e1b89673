//! Everything that passes between one member and the server, as the server sees it: sizes and times, and what is readable of each packet.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::{Relay, address};

/// Bytes of one read.
const CHUNK: usize = 16 * 1024;
/// How soon its threads notice that it was dropped.
const NOTICE: Duration = Duration::from_millis(100);
/// Bytes that are kept of each way.
const KEPT: usize = 1024 * 1024;
/// Of a datagram, what SRTP leaves readable (RFC 3711, section 3.1), without extensions.
const HEADER: usize = 12;

/// What something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Of the connection that carries the log.
    Log,
    /// Of LiveKit's signalling.
    Signalling,
    /// A datagram: media, and what goes with it.
    Media,
}

/// Something passed.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// What it was.
    pub channel: Channel,
    /// From the member; else to it.
    pub up: bool,
    /// Bytes.
    pub size: usize,
    /// Of datagrams, how they begin.
    pub header: [u8; HEADER],
}

/// For one member. Its threads for TCP end with the connections.
#[derive(Debug)]
pub struct Wiretap {
    url: String,
    shared: Arc<Shared>,
    _relay: Relay,
}

#[derive(Debug, Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    /// All bytes of HTTP and of the log, from and to the member.
    bytes: Mutex<[Vec<u8>; 2]>,
    over: AtomicBool,
}

impl Wiretap {
    /// In front of the server at these ports.
    pub fn start(port: u16, media_port: u16) -> anyhow::Result<Self> {
        let shared = Arc::<Shared>::default();
        // It has the member send its media here.
        let relay = Relay::start(port)?;
        relay.move_media(datagrams(media_port, &shared)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://localhost:{}", listener.local_addr()?.port());
        let (noted, server) = (Arc::clone(&shared), relay.port());
        thread::spawn(move || {
            for member in listener.incoming().flatten() {
                let noted = Arc::clone(&noted);
                // A connection that fails is, to the member, a server that fails: it tries again. Browsers open some that they never use.
                thread::spawn(move || connect(member, server, &noted));
            }
        });
        Ok(Self { url, shared, _relay: relay })
    }

    /// `link` with this address in the server's place.
    pub fn link(&self, link: &str) -> anyhow::Result<String> {
        let (_, fragment) = link.split_once('#').context("a link has a fragment")?;
        Ok(format!("{}/#{fragment}", self.url))
    }

    /// What passed on the channel of the log, and of the requests before it: first what came from the member, then what went to it.
    pub fn bytes(&self) -> Vec<u8> {
        self.shared.bytes.lock().unwrap_or_else(PoisonError::into_inner).concat()
    }

    /// All that passed, in the order of its channel.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Wiretap {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn note(&self, channel: Channel, up: bool, bytes: &[u8]) {
        let mut header = [0; HEADER];
        if channel == Channel::Media {
            let readable = bytes.len().min(HEADER);
            header[..readable].copy_from_slice(&bytes[..readable]);
        } else if channel == Channel::Log {
            let mut kept = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            let way = &mut kept[usize::from(!up)];
            if way.len() < KEPT {
                way.extend_from_slice(bytes);
            }
        }
        let seen = Seen { at: Instant::now(), channel, up, size: bytes.len(), header };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }
}

fn connect(member: TcpStream, port: u16, shared: &Arc<Shared>) -> std::io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    member.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut first = [0; 64];
    let begins = member.peek(&mut first)?;
    let channel = if first[..begins].starts_with(b"GET /rtc") { Channel::Signalling } else { Channel::Log };
    for (from, to, up) in [(member.try_clone()?, server.try_clone()?, true), (server, member, false)] {
        let shared = Arc::clone(shared);
        thread::spawn(move || pass(from, to, |bytes| shared.note(channel, up, bytes)));
    }
    Ok(())
}

/// Until one of both closes.
fn pass(mut from: TcpStream, mut to: TcpStream, note: impl Fn(&[u8])) {
    let mut bytes = [0; CHUNK];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        note(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Closed already is as good.
    let _closed = to.shutdown(Shutdown::Write);
}

/// What the member takes for the media server.
fn datagrams(media_port: u16, shared: &Arc<Shared>) -> anyhow::Result<SocketAddr> {
    let front = UdpSocket::bind((address(), 0))?;
    let back = UdpSocket::bind((address(), 0))?;
    back.connect((address(), media_port))?;
    for socket in [&front, &back] {
        socket.set_read_timeout(Some(NOTICE))?;
    }
    let member = Arc::new(Mutex::new(None));
    let at = front.local_addr()?;
    let (from, to) = (front.try_clone()?, back.try_clone()?);
    let (noted, sender) = (Arc::clone(shared), Arc::clone(&member));
    thread::spawn(move || {
        carry(&from, &noted, true, |bytes, from| {
            *sender.lock().unwrap_or_else(PoisonError::into_inner) = Some(from);
            to.send(bytes)
        });
    });
    let noted = Arc::clone(shared);
    thread::spawn(move || {
        carry(&back, &noted, false, |bytes, _| match *member.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(to) => front.send_to(bytes, to),
            None => Ok(0),
        });
    });
    Ok(at)
}

fn carry(from: &UdpSocket, shared: &Shared, up: bool, send: impl Fn(&[u8], SocketAddr) -> std::io::Result<usize>) {
    let mut buffer = [0; 2048];
    while !shared.over.load(Ordering::Relaxed) {
        let (len, sender) = match from.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused) => continue,
            Err(_) => return,
        };
        shared.note(Channel::Media, up, &buffer[..len]);
        // What a full socket does not take is lost.
        let _full = send(&buffer[..len], sender);
    }
}
