//! Everything that the server held of one meeting, searched.

use std::collections::BTreeMap;
use std::fmt;

use conclave_base::Source;

use crate::decoders::{self, Played};
use crate::eavesdropper::Heard;
use crate::markers::{Found, Markers, What};
use crate::memory::Image;

/// Where something was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// What the server received on TCP: requests, their paths and heads, messages.
    Tcp,
    /// The server's memory at several moments while media flowed.
    Memory,
    /// Names and contents of all files in the data folder, while it ran and after it had ended.
    Files,
    /// What the server wrote to stdout and stderr, from start to end.
    Log,
    /// Frames as the media server forwards them, without the transport's encryption.
    Media,
    /// Those frames, played.
    Decoders,
    /// A member's memory: not the server's, and full of what is looked for.
    Member,
}

/// All of it, as taken.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) received: Vec<Vec<u8>>,
    pub(crate) memory: Vec<Image>,
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) log: String,
    pub(crate) heard: Heard,
    /// Of somebody who may know everything, if there is one beside the test.
    pub(crate) member: Option<Image>,
}

/// The member that is listened to, and what its picture and sound are known to be.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) identity: String,
    pub(crate) colour: [f64; 3],
    pub(crate) hertz: f32,
}

/// What was found in each place.
#[derive(Debug)]
pub struct Findings {
    found: BTreeMap<Place, Found>,
    sought: Found,
    /// How much was searched, for people.
    searched: Vec<String>,
}

impl Findings {
    /// Searches all of it.
    pub(crate) fn search(evidence: &Evidence, markers: &Markers, known: &Known) -> anyhow::Result<Self> {
        let Evidence { received, memory, files, log, heard, member } = evidence;
        let of = |source| heard.get(&(known.identity.clone(), source)).into_iter().flatten().map(|frame| &**frame);
        let pictures = decoders::pictures(of(Source::Camera), known.colour)?;
        let sounds = decoders::sounds(of(Source::Microphone), known.hertz)?;
        let found = BTreeMap::from([
            (Place::Tcp, markers.find(received.iter().map(Vec::as_slice))),
            (Place::Memory, markers.find(memory.iter().flat_map(Image::regions))),
            (Place::Files, markers.find(files.iter().map(Vec::as_slice))),
            (Place::Log, markers.find([log.as_bytes()])),
            (Place::Media, markers.find(heard.values().flatten().map(|frame| &**frame))),
            (Place::Decoders, played(&[(What::Picture, pictures), (What::Tone, sounds)])),
            (Place::Member, markers.find(member.iter().flat_map(Image::regions))),
        ]);
        let bytes = |parts: &[Vec<u8>]| parts.iter().map(Vec::len).sum::<usize>();
        let image = |measure: fn(&Image) -> usize| memory.iter().map(measure).sum::<usize>();
        let searched = vec![
            format!("{} bytes received on TCP, {} bytes of files, {} of log", bytes(received), bytes(files), log.len()),
            format!("{} bytes of memory in {} images, {} not readable", image(Image::size), memory.len(), image(|i| i.missed)),
            format!(
                "{} frames forwarded; pictures: {pictures:?}, quarters of a second: {sounds:?}",
                heard.values().map(Vec::len).sum::<usize>()
            ),
        ];
        Ok(Self { found, sought: markers.things().clone(), searched })
    }

    /// Whether something of this kind was found there.
    pub fn has(&self, place: Place, what: What) -> bool {
        self.found.get(&place).is_some_and(|found| found.get(&what).is_some_and(|count| *count > 0))
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "looked for: {:?}", self.sought)?;
        self.searched.iter().try_for_each(|line| writeln!(f, "searched: {line}"))?;
        self.found.iter().try_for_each(|(place, found)| writeln!(f, "found in {place:?}: {found:?}"))
    }
}

fn played(all: &[(What, Played)]) -> Found {
    all.iter().filter(|(_, played)| played.recognised > 0).map(|(what, played)| (*what, played.recognised)).collect()
}
