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
        let mut connection = Self { socket };
        connection.send(&ClientMessage::Hello { version: limits::PROTOCOL, meeting: keys.meeting, after: None })?;
        let ServerMessage::Challenge { nonce } = connection.receive()? else { bail!("no challenge") };
        connection.send(&ClientMessage::Prove {
            admission: keys.admission_key().sign(&challenge::admission(&keys.meeting, &nonce)).to_bytes(),
            identity_key: leaf.verifying_key().to_bytes(),
            identity: leaf.sign(&challenge::identity(&keys.meeting, &nonce)).to_bytes(),
        })?;
        let admitted = connection.receive()?;
        Ok((connection, admitted))
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

fn address(server: &str) -> String {
    format!("ws{}/api/live", server.trim_start_matches("http"))
}
