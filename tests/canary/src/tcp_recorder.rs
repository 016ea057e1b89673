//! Between members and server: everything passes, and what the server receives on TCP is written down.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use conclave_livekit_proto::join::Query;

/// Bytes of one read.
const CHUNK: usize = 16 * 1024;

/// What each connection carried towards the server, oldest first.
type Streams = Arc<Mutex<Vec<Vec<u8>>>>;

/// In front of a server, for all members. Its threads end with the test's process.
#[derive(Debug)]
pub(crate) struct TcpRecorder {
    /// What members take for the server.
    pub(crate) url: String,
    streams: Streams,
}

impl TcpRecorder {
    /// Stands in front of the server at `port`.
    pub(crate) fn start(port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://localhost:{}", listener.local_addr()?.port());
        let streams = Streams::default();
        let shared = Arc::clone(&streams);
        thread::spawn(move || {
            for member in listener.incoming().flatten() {
                // A connection that fails is, to the member, a server that fails: it tries again.
                let _failed = connect(member, port, &shared);
            }
        });
        Ok(Self { url, streams })
    }

    /// All that can be read of what the server received: each connection as it came, WebSocket messages without their masks, and the
    /// media server's join requests unpacked.
    pub(crate) fn received(&self) -> Vec<Vec<u8>> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut all = Vec::new();
        for stream in streams {
            all.extend(join_request(&stream));
            all.extend(messages(&stream));
            all.push(stream);
        }
        all
    }
}

fn connect(member: TcpStream, port: u16, streams: &Streams) -> std::io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    member.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let number = {
        let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push(Vec::new());
        streams.len() - 1
    };
    let (from_member, to_member) = (member.try_clone()?, member);
    let (from_server, to_server) = (server.try_clone()?, server);
    let streams = Arc::clone(streams);
    thread::spawn(move || {
        pass(from_member, to_server, |bytes| {
            streams.lock().unwrap_or_else(PoisonError::into_inner)[number].extend_from_slice(bytes);
        });
    });
    thread::spawn(move || pass(from_server, to_member, |_| {}));
    Ok(())
}

/// Until one of both closes.
fn pass(mut from: TcpStream, mut to: TcpStream, mut note: impl FnMut(&[u8])) {
    let mut bytes = [0; CHUNK];
    while let Ok(count) = from.read(&mut bytes) {
        note(&bytes[..count]);
        if count == 0 || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Closed already is as good.
    let _closed = to.shutdown(Shutdown::Write);
}

/// What a client told LiveKit's signalling in the URL, as text.
fn join_request(stream: &[u8]) -> Option<Vec<u8>> {
    let line = stream.split(|b| *b == b'\r').next()?;
    let query = std::str::from_utf8(line).ok()?.split([' ', '?']).nth(2)?;
    let request = Query::parse(query).ok()?.join_request().ok()?;
    Some(format!("{request:?}").into_bytes())
}

/// The payloads of a WebSocket's frames (RFC 6455, 5.2), unmasked and joined, so that a fragment hides nothing.
fn messages(stream: &[u8]) -> Option<Vec<u8>> {
    let head = stream.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&stream[..head]).to_lowercase();
    if !text.contains("upgrade: websocket") {
        return None;
    }
    let mut payloads = Vec::new();
    let mut rest = &stream[head..];
    while let Some((mask, payload, after)) = frame(rest) {
        payloads.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        rest = after;
    }
    Some(payloads)
}

/// Mask and payload of the first frame, and what follows it; `None` if it is not whole.
fn frame(bytes: &[u8]) -> Option<([u8; 4], &[u8], &[u8])> {
    let (&[_, second], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match second & 0x7f {
        126 => rest.split_first_chunk::<2>().map(|(n, rest)| (u64::from(u16::from_be_bytes(*n)), rest))?,
        127 => rest.split_first_chunk::<8>().map(|(n, rest)| (u64::from_be_bytes(*n), rest))?,
        short => (u64::from(short), rest),
    };
    let (mask, rest) = if second & 0x80 == 0 { ([0; 4], rest) } else { rest.split_first_chunk::<4>().map(|(m, rest)| (*m, rest))? };
    let (payload, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((mask, payload, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_come_off_and_fragments_are_joined() {
        let mut stream = b"GET /api/live HTTP/1.1\r\nUpgrade: websocket\r\n\r\n".to_vec();
        for (first, part) in [(0x02, b"zymurgy".as_slice()), (0x80, &[b'-'; 130])] {
            let mask = [0x5a, 0x01, 0xff, 0x33];
            stream.push(first);
            match u8::try_from(part.len()) {
                Ok(short) if short < 126 => stream.push(0x80 | short),
                Ok(_) | Err(_) => stream.extend([0x80 | 126, 0, 130]),
            }
            stream.extend(mask);
            stream.extend(part.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
        }
        stream.extend([0x82, 0x85, 1, 2]);
        let joined = messages(&stream).expect("a WebSocket");
        assert_eq!(joined, [b"zymurgy".as_slice(), &[b'-'; 130]].concat());
        assert_eq!(messages(b"POST /api/meetings HTTP/1.1\r\n\r\n{}"), None);
    }
}
