//! What the program knows of the tabs that it had opened: tokens that open one each, and the sessions of those that are open.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use conclave_base::{Redacted, Secret, hex};
use conclave_device::system;
use sha2::{Digest as _, Sha256};

use crate::address::Address;

/// How long a browser may take to start and to ask.
const TOKEN_LIVES: Duration = Duration::from_secs(120);
/// Tokens that wait, and tabs.
const MOST: usize = 32;

/// A token or a session, by its hash: how long a comparison takes tells nothing of it.
type Name = [u8; 32];

/// Why a tab gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Neither a token nor a session.
    Unknown,
    /// The token was used before. Whoever used it is thrown out, since one of the two is not our browser.
    Twice,
}

/// All that is open.
pub(crate) struct Desk {
    /// Seals what the page keeps.
    key: Secret<32>,
    /// The one meeting server.
    server: String,
    waiting: VecDeque<(Name, Instant, Option<Redacted<String>>)>,
    /// With the token that opened each.
    open: VecDeque<(Name, Name)>,
}

/// What a tab is told.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) session: Redacted<String>,
    pub(crate) server: String,
    pub(crate) key: Redacted<String>,
    pub(crate) fragment: Option<Redacted<String>>,
}

impl Desk {
    pub(crate) const fn new(key: Secret<32>, server: String) -> Self {
        Self { key, server, waiting: VecDeque::new(), open: VecDeque::new() }
    }

    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// A token for a tab, which goes there.
    pub(crate) fn admit(&mut self, address: Option<Address>, now: Instant) -> anyhow::Result<Redacted<String>> {
        let fragment = address.and_then(|Address { server, fragment }| {
            self.server = server;
            fragment
        });
        let token = random_name()?;
        self.waiting.truncate(MOST - 1);
        self.waiting.push_front((name_of(token.expose()), now, fragment));
        Ok(token)
    }

    /// Opens a tab by its token, or knows it again by its session.
    pub(crate) fn open(&mut self, shown: &str, now: Instant) -> anyhow::Result<Result<Opened, Refused>> {
        let shown_name = name_of(shown);
        self.waiting.retain(|(_, since, _)| now.duration_since(*since) < TOKEN_LIVES);
        if self.open.iter().any(|(session, _)| *session == shown_name) {
            return Ok(Ok(self.opened(Redacted::new(shown.to_owned()), None)));
        }
        if self.open.iter().any(|(_, token)| *token == shown_name) {
            self.open.retain(|(_, token)| *token != shown_name);
            return Ok(Err(Refused::Twice));
        }
        let Some(at) = self.waiting.iter().position(|(token, ..)| *token == shown_name) else { return Ok(Err(Refused::Unknown)) };
        let fragment = self.waiting.remove(at).and_then(|(_, _, fragment)| fragment);
        let session = random_name()?;
        self.open.truncate(MOST - 1);
        self.open.push_front((name_of(session.expose()), shown_name));
        Ok(Ok(self.opened(session, fragment)))
    }

    /// Another server from now on, if a tab of ours asks.
    pub(crate) fn set_server(&mut self, session: &str, server: String) -> bool {
        let known = self.open.iter().any(|(open, _)| *open == name_of(session));
        if known {
            self.server = server;
        }
        known
    }

    fn opened(&self, session: Redacted<String>, fragment: Option<Redacted<String>>) -> Opened {
        let key = Redacted::new(hex::encode(self.key.expose()));
        Opened { session, server: self.server.clone(), key, fragment }
    }
}

fn name_of(text: &str) -> Name {
    Sha256::digest(text).into()
}

fn random_name() -> anyhow::Result<Redacted<String>> {
    Ok(Redacted::new(hex::encode(&system::random::<32>()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> Desk {
        Desk::new(Secret::new([7; 32]), "https://meet.example.org".to_owned())
    }

    fn open(desk: &mut Desk, shown: &str, now: Instant) -> Result<Opened, Refused> {
        desk.open(shown, now).expect("randomness")
    }

    #[test]
    fn a_token_opens_one_tab_which_is_known_again() {
        let (mut desk, now) = (desk(), Instant::now());
        let link = Address { server: "https://other.example".to_owned(), fragment: Some(Redacted::new("secret".to_owned())) };
        let token = desk.admit(Some(link), now).expect("randomness");
        let opened = open(&mut desk, token.expose(), now).expect("opened");
        assert_eq!((opened.server.as_str(), opened.key.expose().as_str()), ("https://other.example", "07".repeat(32).as_str()));
        assert_eq!(opened.fragment.as_ref().map(|fragment| fragment.expose().as_str()), Some("secret"));
        let again = open(&mut desk, opened.session.expose(), now).expect("known");
        assert!(again.fragment.is_none() && again.session.expose() == opened.session.expose());
        assert!(desk.set_server(opened.session.expose(), "https://third.example".to_owned()));
        assert!(!desk.set_server(token.expose(), "https://evil.example".to_owned()));
        assert_eq!(desk.server(), "https://third.example");
    }

    #[test]
    fn a_token_that_is_used_twice_opens_nothing_any_more() {
        let (mut desk, now) = (desk(), Instant::now());
        let token = desk.admit(None, now).expect("randomness");
        let thief = open(&mut desk, token.expose(), now).expect("opened");
        assert_eq!(open(&mut desk, token.expose(), now).err(), Some(Refused::Twice));
        assert_eq!(open(&mut desk, thief.session.expose(), now).err(), Some(Refused::Unknown));
    }

    #[test]
    fn a_token_lives_for_two_minutes_and_nothing_else_opens() {
        let (mut desk, now) = (desk(), Instant::now());
        let token = desk.admit(None, now).expect("randomness");
        assert_eq!(open(&mut desk, "", now).err(), Some(Refused::Unknown));
        assert_eq!(open(&mut desk, token.expose(), now + TOKEN_LIVES).err(), Some(Refused::Unknown));
    }
}
