//! Who sends what, and who watches whom: what a shape says unless the command line says otherwise.

use std::collections::BTreeSet;

use anyhow::{bail, ensure};
use conclave_livekit_client::Layer;

use crate::args::{Load, Shape};

/// Sizes of the layers of a picture in three, and the share of the largest one's bitrate that each has.
const LAYERS: [(u32, u32, u32); 3] = [(320, 180, 12), (640, 360, 4), (1280, 720, 1)];
/// A camera of 720p as browsers send it.
const CAMERA: u32 = 1_700_000;
/// Most clients together: as many as have ports at one address.
const MOST: u32 = 20_000;

/// What is run.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) rooms: u32,
    /// Of each room.
    pub(super) publishers: u32,
    /// Of each room. None where those who send also receive.
    pub(super) subscribers: u32,
    /// Those who send also receive.
    pub(super) is_mutual: bool,
    /// How many of those who send each receiver takes.
    pub(super) watched: u32,
    /// Layers of the picture, smallest first; none without a picture.
    pub(super) layers: Vec<Layer>,
    pub(super) has_sound: bool,
    /// Pixels in which pictures in layers are shown.
    pub(super) shown: Option<(u32, u32)>,
}

impl Plan {
    pub(super) fn new(args: &Load) -> anyhow::Result<Self> {
        let (publishers, subscribers, bitrate, shown) = match args.shape {
            Shape::FanOut => (1, 50, 2_000_000, args.layers.then_some(1)),
            Shape::Audio => (10, 3000, 0, None),
            Shape::Meeting => (150, 150, CAMERA, Some(0)),
            Shape::Livestream => (1, 3000, CAMERA, Some(2)),
            Shape::Gallery => (50, 0, CAMERA, Some(1)),
        };
        let is_mutual = args.shape == Shape::Gallery;
        let publishers = args.publishers.unwrap_or(publishers);
        let subscribers = args.subscribers.unwrap_or(subscribers);
        if is_mutual && subscribers > 0 {
            bail!("in a gallery everybody sends and watches: give --publishers alone");
        }
        let bitrate = args.bitrate.unwrap_or(bitrate);
        let layer = |&(width, height, share): &(u32, u32, u32)| Layer { width, height, bitrate: bitrate / share };
        let layers = match shown {
            _ if bitrate == 0 => vec![],
            Some(_) => LAYERS.iter().map(layer).collect(),
            None => LAYERS[2..].iter().map(layer).collect(),
        };
        let others = if is_mutual { publishers.saturating_sub(1) } else { publishers };
        let tiles = args.tiles.unwrap_or(if is_mutual { 9 } else { others });
        let plan = Self {
            rooms: args.rooms,
            publishers,
            subscribers,
            is_mutual,
            watched: tiles.min(others),
            layers,
            has_sound: args.sound || matches!(args.shape, Shape::Audio | Shape::Gallery),
            shown: shown.map(|at| (LAYERS[at].0, LAYERS[at].1)),
        };
        ensure!(
            plan.clients() <= MOST.into(),
            "{} clients are more than {MOST}, which is as many as one address has ports for: run several of these commands on several machines",
            plan.clients()
        );
        Ok(plan)
    }

    pub(super) fn clients(&self) -> u64 {
        u64::from(self.rooms) * u64::from(self.publishers + self.subscribers)
    }

    /// Clients that receive something.
    pub(super) fn receivers(&self) -> u64 {
        u64::from(self.rooms) * u64::from(if self.is_mutual { self.publishers } else { self.subscribers })
    }

    /// Tracks that somebody sends.
    pub(super) fn tracks(&self) -> u64 {
        u64::from(self.rooms) * u64::from(self.publishers) * self.tracks_of_one() as u64
    }

    /// Tracks of one who sends.
    pub(super) fn tracks_of_one(&self) -> usize {
        usize::from(!self.layers.is_empty()) + usize::from(self.has_sound)
    }

    /// All clients, those who send first in each room.
    pub(super) fn all(&self) -> impl Iterator<Item = Client> {
        let each = self.publishers + self.subscribers;
        (0..self.rooms).flat_map(move |room| (0..each).map(move |nth| Client { room, nth, number: room * each + nth }))
    }

    /// The first number of whoever sends in this room, by which packets say whose they are.
    pub(super) fn numbers(&self, room: u32) -> std::ops::Range<u32> {
        let first = room * (self.publishers + self.subscribers);
        first..first + self.publishers
    }

    pub(super) fn sends(&self, client: Client) -> bool {
        client.nth < self.publishers
    }

    /// Whose tracks this one takes.
    pub(super) fn watches(&self, client: Client) -> BTreeSet<String> {
        if self.sends(client) && !self.is_mutual {
            return BTreeSet::new();
        }
        // In a gallery, those who come next; else everybody from the first one on, evenly spread if it is not all.
        let from = if self.is_mutual { client.nth + 1 } else { (client.nth - self.publishers).wrapping_mul(self.watched) };
        (0..self.watched).map(|n| identity(from.wrapping_add(n) % self.publishers.max(1))).collect()
    }
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) room: u32,
    /// In its room.
    pub(super) nth: u32,
    /// Of all.
    pub(super) number: u32,
}

/// By which the server knows it, in its room.
pub(super) fn identity(nth: u32) -> String {
    format!("client-{nth}")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn plan(arguments: &[&str]) -> anyhow::Result<Plan> {
        let start = ["conclave-client", "load", "--url", "ws://127.0.0.1:1"];
        let Command::Load(load) = Cli::try_parse_from(start.iter().chain(arguments))?.command else { unreachable!("it is load") };
        Plan::new(&load)
    }

    #[test]
    fn shapes_are_those_of_livekits_load_tests() {
        let audio = plan(&["--shape", "audio"]).expect("plan");
        assert_eq!((audio.publishers, audio.receivers(), audio.layers.len(), audio.has_sound, audio.watched), (10, 3000, 0, true, 10));
        let meeting = plan(&["--shape", "meeting"]).expect("plan");
        assert_eq!((meeting.publishers, meeting.receivers(), meeting.layers.len(), meeting.has_sound), (150, 150, 3, false));
        assert_eq!((meeting.watched, meeting.shown), (150, Some((320, 180))));
        let livestream = plan(&["--shape", "livestream", "--subscribers", "300"]).expect("plan");
        assert_eq!((livestream.publishers, livestream.receivers(), livestream.shown), (1, 300, Some((1280, 720))));
    }

    #[test]
    fn in_a_gallery_everybody_watches_nine_others_and_is_watched_by_nine() {
        let gallery = plan(&["--shape", "gallery"]).expect("plan");
        assert_eq!((gallery.clients(), gallery.receivers(), gallery.tracks()), (50, 50, 100));
        let mut watched = vec![0; 50];
        for client in gallery.all() {
            let watches = gallery.watches(client);
            assert!(watches.len() == 9 && !watches.contains(&identity(client.nth)));
            (0..50).filter(|n| watches.contains(&identity(*n))).for_each(|n| watched[n as usize] += 1);
        }
        assert_eq!(watched, vec![9; 50]);
        assert_eq!(plan(&["--shape", "gallery", "--publishers", "4"]).expect("plan").watched, 3);
        assert!(plan(&["--shape", "gallery", "--subscribers", "4"]).is_err());
    }

    #[test]
    fn rooms_share_nobody() {
        let plan = plan(&["--rooms", "3", "--publishers", "2", "--subscribers", "5"]).expect("plan");
        let all: Vec<Client> = plan.all().collect();
        assert_eq!((all.len() as u64, plan.clients(), plan.receivers(), plan.tracks()), (21, 21, 15, 6));
        let senders: Vec<u32> = all.iter().filter(|c| plan.sends(**c)).map(|c| c.number).collect();
        assert_eq!(senders, (0..3).flat_map(|room| plan.numbers(room)).collect::<Vec<_>>());
    }

    #[test]
    fn with_fewer_tiles_than_senders_those_are_spread() {
        let plan = plan(&["--publishers", "4", "--subscribers", "2", "--tiles", "2"]).expect("plan");
        let watches: Vec<_> = plan.all().filter(|c| !plan.sends(*c)).map(|c| plan.watches(c)).collect();
        assert_eq!(watches, [BTreeSet::from([identity(0), identity(1)]), BTreeSet::from([identity(2), identity(3)])]);
    }

    #[test]
    fn more_clients_than_ports_are_refused() {
        let error = plan(&["--rooms", "1000", "--subscribers", "50"]).expect_err("too many");
        assert!(error.to_string().contains("51000"), "{error}");
    }
}
