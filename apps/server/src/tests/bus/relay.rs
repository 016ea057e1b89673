//! Between a node and Redis: it loses, repeats and swaps what Redis publishes, and nothing else.

use std::net::Ipv4Addr;

use conclave_base::Seq;
use conclave_engines as engines;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::node::Node;

#[derive(Clone, Copy)]
enum Fault {
    Lose,
    Repeat,
    Swap,
}

/// The length of the first whole value, as RESP3 has it.
fn value(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let number = || std::str::from_utf8(&bytes[1..line - 2]).ok()?.parse::<i64>().ok();
    let many = |mut end: usize, count: usize| {
        for _ in 0..count {
            end += value(bytes.get(end..)?)?;
        }
        Some(end)
    };
    match bytes[0] {
        b'$' | b'=' | b'!' => {
            let end = usize::try_from(number()?).map_or(line, |size| line + size + 2);
            (bytes.len() >= end).then_some(end)
        }
        b'*' | b'~' | b'>' => many(line, usize::try_from(number()?).unwrap_or(0)),
        b'%' => many(line, 2 * usize::try_from(number()?).ok()?),
        _ => Some(line),
    }
}

/// Gives its port. Every third entry that is published suffers the fault.
async fn start(redis: u16, fault: Fault) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((node, _)) = listener.accept().await {
            let upstream = TcpStream::connect((Ipv4Addr::LOCALHOST, redis)).await.expect("Redis");
            let ((mut from_node, mut to_node), (mut from_redis, mut to_redis)) = (node.into_split(), upstream.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_node, &mut to_redis).await });
            tokio::spawn(async move {
                let (mut bytes, mut count, mut held) = (Vec::new(), 0_u32, Vec::new());
                while from_redis.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                    while let Some(length) = (!bytes.is_empty()).then(|| value(&bytes)).flatten() {
                        let frame: Vec<u8> = bytes.drain(..length).collect();
                        let is_entry = frame.starts_with(b">3\r\n$7\r\nmessage") && frame.windows(4).any(|word| word == b"\r\ne ");
                        count += u32::from(is_entry);
                        let mut out = match fault {
                            _ if !is_entry || count % 3 != 0 => frame,
                            Fault::Lose => Vec::new(),
                            Fault::Repeat => frame.repeat(2),
                            Fault::Swap => {
                                held = frame;
                                continue;
                            }
                        };
                        if is_entry {
                            out.append(&mut held);
                        }
                        if to_node.write_all(&out).await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    port
}

async fn all_is_there_in_spite_of(fault: Fault) {
    let redis = engines::Redis::start().expect("Redis");
    let port = start(redis.port(), fault).await;
    let mut speaker = Node::at(&redis, 1).await;
    let mut listener = Node::at_url(&redis.url_at(port), 2, conclave_protocol::limits::LOG_BYTES).await;
    speaker.enter(1, 1).await.expect("in");
    listener.enter(2, 1).await.expect("in");
    speaker.commit(1).await;
    for n in 0..50_u8 {
        speaker.say(1, &[n]).await;
        if n % 10 == 0 {
            listener.until("so far", |listener| listener.mirror.head() >= speaker.mirror.head()).await;
        }
    }
    listener.until("all", |listener| listener.mirror.head() == Seq(51)).await;
    assert_eq!(listener.entries, speaker.entries);
}

#[tokio::test]
async fn what_is_published_and_lost_is_read() {
    all_is_there_in_spite_of(Fault::Lose).await;
}

#[tokio::test]
async fn what_is_published_twice_counts_once() {
    all_is_there_in_spite_of(Fault::Repeat).await;
}

#[tokio::test]
async fn what_is_published_in_another_order_is_put_in_order() {
    all_is_there_in_spite_of(Fault::Swap).await;
}
