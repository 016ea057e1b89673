use std::net::TcpStream;

use anyhow::{Context as _, bail};
use conclave_protocol::ws::{ClientMessage, ServerMessage};
use conclave_protocol::{challenge, limits};
use ed25519_dalek::{Signer as _, SigningKey};
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{self, Bytes, Message, WebSocket};

use crate::LinkKeys;

/// A connection to a meeting's log, let in by the link's admission key (docs/protocol.md).
pub(crate) struct LogConnection {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
}

impl LogConnection {
    /// Connects to `server` and proves that the link and the leaf's key are held. Gives the server's `Admitted`.
    pub(crate) fn open(server: &str, keys: &LinkKeys, leaf: &SigningKey) -> anyhow::Result<(Self, ServerMessage)> {
        let (socket, _) = tungstenite::connect(address(server))?;
        Self::prove(socket, keys, leaf)
    }

    /// As [`LogConnection::open`], by a stream to the server.
    pub(crate) fn open_by(stream: TcpStream, server: &str, keys: &LinkKeys, leaf: &SigningKey) -> anyhow::Result<(Self, ServerMessage)> {
        let (socket, _) = tungstenite::client(address(server), MaybeTlsStream::Plain(stream)).context("no WebSocket")?;
        Self::prove(socket, keys, leaf)
    }

    fn prove(socket: WebSocket<MaybeTlsStream<TcpStream>>, keys: &LinkKeys, leaf: &SigningKey) -> anyhow::Result<(Self, ServerMessage)> {
        let (mut connection, nonce) = Self::challenged(socket, keys)?;
        connection.send(&answer(keys, leaf, &nonce))?;
        let admitted = connection.receive()?;
        Ok((connection, admitted))
    }

    fn challenged(socket: WebSocket<MaybeTlsStream<TcpStream>>, keys: &LinkKeys) -> anyhow::Result<(Self, [u8; 32])> {
        let mut connection = Self { socket };
        connection.send(&ClientMessage::Hello { version: limits::PROTOCOL, meeting: keys.meeting, after: None })?;
        let ServerMessage::Challenge { nonce } = connection.receive()? else { bail!("no challenge") };
        Ok((connection, nonce))
    }

    pub(crate) fn send(&mut self, message: &ClientMessage) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::Binary(Bytes::from(message.encode())))?)
    }

    pub(crate) fn receive(&mut self) -> anyhow::Result<ServerMessage> {
        loop {
            if let Message::Binary(bytes) = self.socket.read()? {
                return Ok(ServerMessage::decode(&bytes)?);
            }
        }
    }
}

fn answer(keys: &LinkKeys, leaf: &SigningKey, nonce: &[u8; 32]) -> ClientMessage {
    ClientMessage::Prove {
        admission: keys.admission_key().sign(&challenge::admission(&keys.meeting, nonce)).to_bytes(),
        identity_key: leaf.verifying_key().to_bytes(),
        identity: leaf.sign(&challenge::identity(&keys.meeting, nonce)).to_bytes(),
    }
}

/// Somebody with the link whom a server has asked for a proof, and who answers it, here or elsewhere.
pub struct Challenged {
    connection: LogConnection,
    answer: ClientMessage,
}

impl Challenged {
    /// Connects to `server`; the leaf's key is one's own.
    pub fn at(server: &str, link: &str, leaf: &SigningKey) -> anyhow::Result<Self> {
        let keys = LinkKeys::of(link)?;
        let (socket, _) = tungstenite::connect(address(server))?;
        let (connection, nonce) = LogConnection::challenged(socket, &keys)?;
        Ok(Self { connection, answer: answer(&keys, leaf, &nonce) })
    }

    /// The answer to this challenge.
    pub const fn answer(&self) -> &ClientMessage {
        &self.answer
    }

    /// Answers with this; gives what the server says to that.
    pub fn send(&mut self, answer: &ClientMessage) -> anyhow::Result<ServerMessage> {
        self.connection.send(answer)?;
        self.connection.receive()
    }
}

fn address(server: &str) -> String {
    format!("ws{}/api/live", server.trim_start_matches("http"))
}
