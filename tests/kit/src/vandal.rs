//! Somebody with the link who is in no group and writes into the log what nobody can open.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use anyhow::{Context as _, bail};
use conclave_base::{MemberId, Redacted, Seq};
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Refusal, ServerMessage};
use ed25519_dalek::SigningKey;
use socket2::{Domain, Socket, Type};

use crate::log_connection::LogConnection;
use crate::{LinkKeys, random};

/// Where it is.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 66, 0, 1);

/// A connection to the log; let in, since the link is all that it takes.
pub struct Vandal {
    connection: LogConnection,
    last_commit: Seq,
    request: u32,
    /// As the media server calls it.
    pub identity: String,
    /// Its media token.
    pub token: Redacted<String>,
}

impl Vandal {
    /// Lets itself in at the meeting of `link`, of the server on this port, from an address in whose block nobody else is.
    pub fn connect(port: u16, link: &str) -> anyhow::Result<Self> {
        let leaf = SigningKey::from_bytes(&random::<32>()?);
        let stream = connect_from(ELSEWHERE, port)?;
        let (connection, admitted) = LogConnection::open_by(stream, &format!("http://localhost:{port}"), &LinkKeys::of(link)?, &leaf)?;
        let ServerMessage::Admitted { last_commit, media_token, .. } = admitted else { bail!("not let in") };
        let identity = MemberId::of_key(leaf.verifying_key().as_bytes()).to_text();
        Ok(Self { connection, last_commit, request: 0, identity, token: Redacted::new(media_token) })
    }

    /// Appends this where the next commit goes, as often as it takes when somebody else is faster. Gives whether the server took it.
    pub fn append(&mut self, class: Class, sealed: &[u8]) -> anyhow::Result<bool> {
        loop {
            self.request += 1;
            let (request, parent_commit) = (self.request, self.last_commit);
            self.connection.send(&ClientMessage::Append { request, class, parent_commit, sealed: sealed.to_vec() })?;
            loop {
                match self.connection.receive()? {
                    ServerMessage::Entry(entry) if entry.class == Class::Commit => self.last_commit = self.last_commit.max(entry.seq),
                    ServerMessage::Appended { request: r, .. } if r == request => return Ok(true),
                    ServerMessage::Refused { request: r, why: Refusal::Stale { last_commit } } if r == request => {
                        self.last_commit = last_commit;
                        break;
                    }
                    ServerMessage::Refused { request: r, .. } if r == request => return Ok(false),
                    ServerMessage::Closing { reason } => bail!("put out: {reason:?}"),
                    ServerMessage::Challenge { .. }
                    | ServerMessage::Admitted { .. }
                    | ServerMessage::Entry(_)
                    | ServerMessage::Appended { .. }
                    | ServerMessage::Refused { .. }
                    | ServerMessage::MediaDisconnected { .. }
                    | ServerMessage::Token { .. }
                    | ServerMessage::Pong => {}
                }
            }
        }
    }

    /// Stays until the server puts it out, and says why.
    pub fn until_put_out(&mut self) -> anyhow::Result<CloseReason> {
        loop {
            if let ServerMessage::Closing { reason } = self.connection.receive()? {
                return Ok(reason);
            }
        }
    }

    /// Says that it leaves, and goes.
    pub fn leave(mut self) -> anyhow::Result<()> {
        self.connection.send(&ClientMessage::Leave)
    }
}

/// A connection to a server on this machine from an address of ours, which is in the block of no other.
pub fn connect_from(address: Ipv4Addr, port: u16) -> anyhow::Result<TcpStream> {
    let connect = || -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((address, 0)).into())?;
        socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
        Ok(socket.into())
    };
    connect().context("the server listens")
}
