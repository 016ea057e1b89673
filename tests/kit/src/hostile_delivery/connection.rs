use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use conclave_base::Seq;
use conclave_protocol::paths::LIVE;
use conclave_protocol::ws::{ClientMessage, ServerMessage};
use conclave_protocol::{challenge, limits};
use ed25519_dalek::{Signer as _, SigningKey};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::Shared;
use super::operator::{Seat, Way};
use crate::{LinkKeys, random};

/// The server leaves who says nothing for long.
const PING_EVERY: Duration = Duration::from_secs(10);

type ToServer = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection that is given the whole log. An operator has that in memory; here it is let in as somebody who only listens.
pub(super) async fn follow(port: u16, keys: &LinkKeys) -> anyhow::Result<ToServer> {
    let mut socket = connect(port).await?;
    send(&mut socket, &ClientMessage::Hello { version: limits::PROTOCOL, meeting: keys.meeting, after: None }).await?;
    let ServerMessage::Challenge { nonce } = receive(&mut socket).await? else { bail!("no challenge") };
    let leaf = SigningKey::from_bytes(&random()?);
    let prove = ClientMessage::Prove {
        admission: keys.admission_key().sign(&challenge::admission(&keys.meeting, &nonce)).to_bytes(),
        identity_key: leaf.verifying_key().to_bytes(),
        identity: leaf.sign(&challenge::identity(&keys.meeting, &nonce)).to_bytes(),
    };
    send(&mut socket, &prove).await?;
    let ServerMessage::Admitted { head, .. } = receive(&mut socket).await? else { bail!("not let in") };
    ensure!(head == Seq(0), "the meeting has begun: what was before is not known");
    Ok(socket)
}

/// Reads the true log, until the server is gone.
pub(super) async fn read_truth(mut socket: ToServer, shared: Arc<Shared>) -> anyhow::Result<()> {
    let mut pings = tokio::time::interval(PING_EVERY);
    loop {
        tokio::select! {
            message = receive(&mut socket) => if let ServerMessage::Entry(entry) = message? {
                shared.change(|operator| operator.on_truth(entry));
            },
            _ = pings.tick() => send(&mut socket, &ClientMessage::Ping).await?,
        }
    }
}

/// One victim's connection, and the one to the true server behind it.
pub(super) async fn victim(socket: TcpStream, port: u16, shared: Arc<Shared>) -> anyhow::Result<()> {
    let (generation, is_cut) = {
        let operator = shared.operator();
        (operator.generation, operator.is_cut())
    };
    if is_cut {
        return Ok(());
    }
    let mut victim = tokio_tungstenite::accept_async(socket).await?;
    let mut server = connect(port).await?;
    let mut changed = shared.log.subscribe();
    let mut seat = Seat::default();
    loop {
        tokio::select! {
            message = victim.next() => match message.context("it is gone")?? {
                Message::Binary(bytes) => {
                    let message = ClientMessage::decode(&bytes)?;
                    let way = shared.change(|operator| operator.on_client(&mut seat, message));
                    match way {
                        Way::On(message) => send(&mut server, &message).await?,
                        Way::Back(message) => tell(&mut victim, &message).await?,
                        Way::Nowhere => {}
                    }
                }
                Message::Close(_) => return Ok(()),
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            },
            message = receive(&mut server) => {
                let message = message?;
                let told = shared.change(|operator| operator.on_server(&mut seat, message));
                if let Some(message) = told {
                    tell(&mut victim, &message).await?;
                }
            }
            _ = changed.changed() => {}
        }
        if shared.operator().generation != generation {
            return Ok(());
        }
        loop {
            let next = shared.operator().next(&mut seat);
            let Some(entry) = next else { break };
            tell(&mut victim, &ServerMessage::Entry(entry)).await?;
        }
    }
}

async fn connect(port: u16) -> anyhow::Result<ToServer> {
    Ok(tokio_tungstenite::connect_async(format!("ws://{}:{port}{LIVE}", Ipv4Addr::LOCALHOST)).await?.0)
}

async fn send(socket: &mut ToServer, message: &ClientMessage) -> anyhow::Result<()> {
    Ok(socket.send(Message::Binary(Bytes::from(message.encode()))).await?)
}

async fn tell(socket: &mut WebSocketStream<TcpStream>, message: &ServerMessage) -> anyhow::Result<()> {
    Ok(socket.send(Message::Binary(Bytes::from(message.encode()))).await?)
}

async fn receive(socket: &mut ToServer) -> anyhow::Result<ServerMessage> {
    loop {
        if let Message::Binary(bytes) = socket.next().await.context("it is gone")?? {
            return Ok(ServerMessage::decode(&bytes)?);
        }
    }
}
