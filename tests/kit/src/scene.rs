//! What most attacks begin with: Alice, and Bob, who watches her through the operator's hands.

use conclave_livekit_proto::proto::ParticipantInfo;

use crate::{Client, Ghost, ObservedClient, Relay, Server, create};

/// A meeting of two.
#[derive(Debug)]
pub struct Scene {
    /// Who is attacked.
    pub bob: ObservedClient,
    /// Whom Bob watches.
    pub alice: ObservedClient,
    /// Her identity.
    pub alices: String,
    /// Stands between Bob and the server.
    pub relay: Relay,
    /// The meeting's link, past the relay.
    pub link: String,
    /// The true server.
    pub server: Server,
}

impl Scene {
    /// The operator is honest until told otherwise.
    pub fn open(client: Client, attack: &str) -> anyhow::Result<Self> {
        Self::open_with(client, attack, |_| {})
    }

    /// The operator lies from the beginning. A browser's alarm is kept as a picture named after the `attack`.
    pub fn open_with(client: Client, attack: &str, lie: impl FnMut(&mut Vec<ParticipantInfo>) + Send + 'static) -> anyhow::Result<Self> {
        let server = Server::start()?;
        let link = create(&server.url, None)?;
        let relay = Relay::start(server.port)?;
        relay.lie(lie);
        let alice = ObservedClient::join(&link, "Alice", &[])?;
        let mut bob = ObservedClient::watch(client, &relay.link(&link)?, "Bob", attack)?;
        let alices = bob.until_sees("Alice")?;
        Ok(Self { bob, alice, alices, relay, link, server })
    }

    /// A participant of the media server who is in no group.
    pub fn ghost(&self, identity: &str) -> anyhow::Result<Ghost> {
        Ghost::connect(&self.server, &self.link, identity)
    }
}
