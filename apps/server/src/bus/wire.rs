//! What `order.lua` is asked and says.

use std::time::Duration;

use conclave_base::{MeetingId, MemberId, Seq, hex};
use conclave_delivery::{AppendError, Ask, Contents, LogId, Ordered, Place, Told, Trim};
use conclave_protocol::ws::{Class, Entry, LogPosition, LogTime};
use redis::{FromRedisValue as _, Value};

/// An answer that this release does not understand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unreadable;

/// How far this node mirrors a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Known {
    pub(super) seq: u64,
    pub(super) at: u64,
    /// Stands for the whole log up to there.
    pub(super) mark: String,
}

/// The keys of a session, of one slot of a cluster.
#[derive(Debug, Clone)]
pub(super) struct Keys([String; 5]);

impl Keys {
    pub(super) fn of(meeting: &MeetingId) -> Self {
        Self(["meta", "log", "kept", "who", "nodes"].map(|part| format!("conclave:{{{}}}:{part}", meeting.to_text())))
    }

    pub(super) const fn all(&self) -> &[String; 5] {
        &self.0
    }

    /// On which entries are told.
    pub(super) const fn channel(&self) -> &String {
        &self.0[0]
    }

    pub(super) const fn meta(&self) -> &String {
        &self.0[0]
    }

    pub(super) const fn log(&self) -> &String {
        &self.0[1]
    }

    pub(super) const fn who(&self) -> &String {
        &self.0[3]
    }

    pub(super) const fn kept(&self) -> &String {
        &self.0[2]
    }
}

/// An operation's name and arguments. `origin` names the call in the log.
pub(super) fn arguments(ask: &Ask, origin: &str) -> (&'static str, Vec<Vec<u8>>) {
    let member = |who: &MemberId, place: &Place| vec![who.as_bytes().to_vec(), text(place.conn)];
    match ask {
        Ask::Enter { who, place, found, people, lasts } => {
            let mut arguments = member(who, place);
            let lasts = lasts.map(|lasts| text(lasts.as_millis())).unwrap_or_default();
            arguments.extend([log_name(*found).into_bytes(), text(*people), lasts]);
            ("enter", arguments)
        }
        Ask::Away { who, place } => ("away", member(who, place)),
        Ask::Gone { who, place } => ("gone", member(who, place)),
        Ask::Back { who, place } => ("back", member(who, place)),
        Ask::Forget { who, place } => ("forget", member(who, place)),
        Ask::Append { who, newcomer, class, parent_commit, sealed } => {
            let newcomer = text(u8::from(*newcomer));
            ("append", vec![who.as_bytes().to_vec(), newcomer, text(class.code()), text(parent_commit.0), origin.into(), sealed.clone()])
        }
        Ask::Trim(Trim { upto, next_at, chain_hash, last_commit, kept }) => {
            let mut arguments = vec![text(upto.0), text(next_at.0), hex::encode(chain_hash).into_bytes(), text(last_commit.0)];
            arguments.extend(kept.iter().flat_map(|(seq, chain_hash)| [text(seq.0), hex::encode(chain_hash).into_bytes()]));
            ("trim", arguments)
        }
    }
}

fn text(number: impl ToString) -> Vec<u8> {
    number.to_string().into_bytes()
}

pub(super) fn log_name(log: LogId) -> String {
    hex::encode(&log.0)
}

/// What the script says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Told(Told),
    Ticked {
        head: u64,
        /// The node's members may have been given up.
        lapsed: bool,
    },
    /// Another log has taken its place, or none.
    Ended,
    /// It has lost what this node mirrors.
    Rewound,
    /// It was trimmed further than this node mirrors.
    Behind,
}

pub(super) fn reply(value: Value) -> Result<Reply, Unreadable> {
    let Value::Array(parts) = value else { return Err(Unreadable) };
    let mut parts = parts.into_iter();
    let word = parts.next().and_then(|word| String::from_redis_value(word).ok()).ok_or(Unreadable)?;
    let mut next = || parts.next().ok_or(Unreadable);
    let mut number = || u64::from_redis_value(next()?).map_err(|_| Unreadable);
    Ok(match word.as_str() {
        "entered" => {
            let log = parts.next().and_then(|name| String::from_redis_value(name).ok()).and_then(|name| hex::decode(&name));
            let known = parts.next().and_then(|known| u64::from_redis_value(known).ok());
            // Negative for a log without end.
            let left = parts.next().and_then(|left| i64::from_redis_value(left).ok()).ok_or(Unreadable)?;
            let left = u64::try_from(left).ok().map(Duration::from_millis);
            Reply::Told(Told::Entered { log: LogId(log.ok_or(Unreadable)?), known: known.ok_or(Unreadable)? == 1, left })
        }
        "too many people" => Reply::Told(Told::TooManyPeople),
        "outdated" => Reply::Told(Told::Outdated),
        "appended" => Reply::Told(Told::Appended { seq: Seq(number()?), used: usize::try_from(number()?).map_err(|_| Unreadable)? }),
        "stale" => Reply::Told(Told::Refused(AppendError::Stale { last_commit: Seq(number()?) })),
        "full" => Reply::Told(Told::Refused(AppendError::Full)),
        "over" => Reply::Told(Told::Refused(AppendError::Over)),
        "done" => Reply::Told(Told::Done),
        "ticked" => Reply::Ticked { head: number()?, lapsed: number()? == 1 },
        "ended" => Reply::Ended,
        "rewound" => Reply::Rewound,
        "behind" => Reply::Behind,
        _ => return Err(Unreadable),
    })
}

/// An entry and how the log stands after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) entry: Ordered,
    pub(super) mark: String,
    /// Whose call it was.
    pub(super) origin: String,
}

impl Marked {
    pub(super) fn known(&self) -> Known {
        Known { seq: self.entry.seq.0, at: self.entry.at.0, mark: self.mark.clone() }
    }
}

/// What is told on a session's channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Push {
    Entry(Marked),
    /// An entry that is to be read, as it is large.
    Large(u64),
    Moved(MemberId, Place),
    Ended(LogId),
}

pub(super) fn push(payload: &[u8]) -> Option<Push> {
    let end = payload.iter().position(|byte| *byte == b'\n').unwrap_or(payload.len());
    let (head, rest) = payload.split_at_checked(end)?;
    let rest = rest.get(1..).unwrap_or_default();
    let words: Vec<&str> = std::str::from_utf8(head).ok()?.split(' ').collect();
    Some(match words[..] {
        ["e", place, class, mark, origin] => Push::Entry(marked(place, class, mark, origin, rest.to_vec())?),
        ["l", seq] => Push::Large(seq.parse().ok()?),
        ["p", node, conn] => {
            Push::Moved(MemberId::from_bytes(rest.try_into().ok()?), Place { node: node.parse().ok()?, conn: conn.parse().ok()? })
        }
        ["x", log] => Push::Ended(LogId(hex::decode(log)?)),
        _ => return None,
    })
}

fn marked(place: &str, class: &str, mark: &str, origin: &str, sealed: Vec<u8>) -> Option<Marked> {
    let (at, seq) = place.split_once('-')?;
    let entry = Ordered { seq: Seq(seq.parse().ok()?), at: LogTime(at.parse().ok()?), class: class_of(class.parse().ok()?)?, sealed };
    Some(Marked { entry, mark: mark.to_owned(), origin: origin.to_owned() })
}

fn class_of(code: u8) -> Option<Class> {
    use Class::{Commit, Gone, JoinRequest, Message, Proposal, Snapshot, Welcome};
    [Commit, Proposal, Message, JoinRequest, Welcome, Snapshot, Gone].into_iter().find(|class| class.code() == code)
}

/// Entries of the stream, as `XRANGE` gives them.
pub(super) fn stream(value: Value) -> Result<Vec<Marked>, Unreadable> {
    let entries = Vec::<(String, Vec<(String, Vec<u8>)>)>::from_redis_value(value).map_err(|_| Unreadable)?;
    let read = |(place, fields): (String, Vec<(String, Vec<u8>)>)| {
        let (mut class, mut mark, mut origin, mut sealed) = (String::new(), String::new(), String::new(), Vec::new());
        for (name, value) in fields {
            match name.as_str() {
                "c" => class = String::from_utf8(value).ok()?,
                "m" => mark = String::from_utf8(value).ok()?,
                "o" => origin = String::from_utf8(value).ok()?,
                "s" => sealed = value,
                _ => return None,
            }
        }
        marked(&place, &class, &mark, &origin, sealed)
    };
    entries.into_iter().map(|entry| read(entry).ok_or(Unreadable)).collect()
}

/// Whether a member's presence, as the script keeps it, is that of one who was not called gone.
pub(super) fn is_in(presence: &str) -> bool {
    presence.split(' ').nth(4) == Some("0")
}

/// The fields of `meta` that [`contents`] takes, in this order.
pub(super) const BASE: [&str; 5] = ["log", "base", "base_chain", "base_commit", "base_mark"];

/// All of a log, and how far that goes; `None` if it is another one.
pub(super) fn contents(
    log: LogId,
    base: Vec<Option<String>>,
    kept: Vec<(u64, Vec<u8>)>,
    entries: Value,
) -> Result<Option<(Contents, Known)>, Unreadable> {
    let mut base = base.into_iter();
    let mut next = || base.next().flatten().unwrap_or_default();
    let (name, seq, chain, commit, mark) = (next(), next(), next(), next(), next());
    if name != log_name(log) {
        return Ok(None);
    }
    let number = |text: &str| if text.is_empty() { Ok(0) } else { text.parse().map_err(|_| Unreadable) };
    let base_seq = number(&seq)?;
    let chain_hash = if base_seq == 0 { [0; 32] } else { hex::decode(&chain).ok_or(Unreadable)? };
    let mut kept = kept.into_iter().map(|(seq, bytes)| kept_entry(seq, &bytes)).collect::<Option<Vec<_>>>().ok_or(Unreadable)?;
    kept.sort_by_key(|entry| entry.seq);
    let entries = stream(entries)?;
    let known = entries.last().map_or(Known { seq: base_seq, at: 0, mark }, Marked::known);
    let contents = Contents {
        base: LogPosition { seq: Seq(base_seq), chain_hash },
        last_commit: Seq(number(&commit)?),
        kept,
        entries: entries.into_iter().map(|marked| marked.entry).collect(),
    };
    Ok(Some((contents, known)))
}

fn kept_entry(seq: u64, bytes: &[u8]) -> Option<Entry> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let words: Vec<&str> = std::str::from_utf8(bytes.get(..end)?).ok()?.split(' ').collect();
    let [at, class, chain] = words[..] else { return None };
    Some(Entry {
        seq: Seq(seq),
        at: LogTime(at.parse().ok()?),
        class: class_of(class.parse().ok()?)?,
        sealed: bytes.get(end + 1..)?.to_vec(),
        chain_hash: hex::decode(chain)?,
    })
}

/// The channel and the payload of what was published.
pub(super) fn published(info: redis::PushInfo) -> Option<(String, Vec<u8>)> {
    if info.kind != redis::PushKind::Message {
        return None;
    }
    let mut data = info.data.into_iter();
    Some((String::from_redis_value(data.next()?).ok()?, Vec::<u8>::from_redis_value(data.next()?).ok()?))
}
