//! What is looked for, and a search for thousands of such things at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shortest thing that is looked for: anything shorter may be there by chance.
const SHORTEST: usize = 8;
/// Bytes by which most places are ruled out at once.
const START: usize = 3;

/// What a found thing tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Title of the meeting.
    Title,
    /// A member's name.
    Name,
    /// A line of chat.
    Chat,
    /// The passphrase beside the link.
    Passphrase,
    /// The link's secret, as it is written and as bytes.
    Link,
    /// Keys that are derived from link and passphrase.
    Keys,
    /// Slices of a member's encoded pictures; from decoders: pictures.
    Picture,
    /// Slices of a member's encoded sound; from decoders: quarters of a second.
    Tone,
    /// Something that the place does hold, whoever joins: found, or the place was not searched.
    Known,
}

/// How many different things were found of each kind.
pub(crate) type Found = BTreeMap<What, usize>;

/// All that is looked for.
#[derive(Debug, Default)]
pub(crate) struct Markers {
    /// What each spelling tells, and of which thing it is one.
    spellings: Vec<(What, usize, Vec<u8>)>,
    things: Found,
    by_start: HashMap<[u8; SHORTEST], Vec<usize>>,
    /// One bit for each possible start, so that most places cost one look.
    possible: Vec<u64>,
}

impl Markers {
    /// Looks for these bytes as they are.
    pub(crate) fn bytes(&mut self, what: What, bytes: &[u8]) {
        let thing = self.thing(what);
        self.spelling(what, thing, bytes.to_vec());
    }

    /// Looks for these bytes in every spelling in which a program may keep them.
    pub(crate) fn text(&mut self, what: What, bytes: &[u8]) {
        let thing = self.thing(what);
        for spelling in spellings(bytes) {
            self.spelling(what, thing, spelling);
        }
    }

    /// How many things of each kind are looked for.
    pub(crate) fn things(&self) -> &Found {
        &self.things
    }

    /// What occurs in any of these byte strings.
    pub(crate) fn find<'a>(&self, places: impl IntoIterator<Item = &'a [u8]>) -> Found {
        let mut found = BTreeSet::new();
        for bytes in places {
            for at in 0..bytes.len().saturating_sub(SHORTEST - 1) {
                if self.may_start(&bytes[at..]) {
                    self.here(&bytes[at..], &mut found);
                }
            }
        }
        let mut counts = Found::new();
        for (what, _) in found {
            *counts.entry(what).or_default() += 1;
        }
        counts
    }

    fn thing(&mut self, what: What) -> usize {
        let count = self.things.entry(what).or_default();
        *count += 1;
        *count
    }

    fn spelling(&mut self, what: What, thing: usize, bytes: Vec<u8>) {
        let start = bytes.first_chunk::<SHORTEST>().copied();
        let start = start.expect("what is looked for is written in these tests, and is long enough");
        self.by_start.entry(start).or_default().push(self.spellings.len());
        self.spellings.push((what, thing, bytes));
        if self.possible.is_empty() {
            self.possible = vec![0; 1 << (8 * START - 6)];
        }
        let (word, bit) = place(&start);
        self.possible[word] |= bit;
    }

    fn may_start(&self, bytes: &[u8]) -> bool {
        let (word, bit) = place(bytes);
        self.possible.get(word).is_some_and(|bits| bits & bit != 0)
    }

    fn here(&self, bytes: &[u8], found: &mut BTreeSet<(What, usize)>) {
        let Some(start) = bytes.first_chunk::<SHORTEST>() else { return };
        for (what, thing, spelling) in self.by_start.get(start).into_iter().flatten().map(|n| &self.spellings[*n]) {
            if bytes.starts_with(spelling) {
                found.insert((*what, *thing));
            }
        }
    }
}

/// Where the bit of a start stands.
fn place(bytes: &[u8]) -> (usize, u64) {
    let number = bytes[..START].iter().fold(0, |n, b| n << 8 | usize::from(*b));
    (number >> 6, 1 << (number & 63))
}

/// As it is, in hexadecimal, in base64 at all three places where it may begin, and as the lists of numbers of JSON and of `{:?}`.
fn spellings(bytes: &[u8]) -> BTreeSet<Vec<u8>> {
    let list = |between: &str| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(between);
    let mut all: Vec<String> = vec![list(","), list(", ")];
    all.push(bytes.iter().map(|b| format!("{b:02x}")).collect());
    all.push(bytes.iter().map(|b| format!("{b:02X}")).collect());
    for before in 0..3 {
        // Characters at both ends hang on what stands beside: only those in between are certain.
        let (start, end) = ((before * 8_usize).div_ceil(6), (before + bytes.len()) * 8 / 6);
        let shifted = [vec![0; before].as_slice(), bytes].concat();
        for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            all.push(text[start..end].to_owned());
        }
    }
    all.into_iter().map(String::into_bytes).chain([bytes.to_vec()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_found_and_nothing_else() {
        let text = b"Quetzalcoatlus";
        let mut markers = Markers::default();
        markers.text(What::Name, text);
        markers.bytes(What::Tone, b"\x80\x81\x82\x83\x84\x85\x86\x87");
        let base64 = (0..3).map(|n| STANDARD_NO_PAD.encode([&b"abc"[..n], text, b"!"].concat()));
        let mut written: Vec<String> = base64.collect();
        written.push(format!("{{\"name\":{:?}}}", text.to_vec()));
        written.push(text.iter().map(|b| format!("{b:02x}")).collect());
        written.push(format!("name={}", String::from_utf8_lossy(text)));
        for written in written {
            assert_eq!(markers.find([written.as_bytes()]), Found::from([(What::Name, 1)]), "{written}");
        }
        assert_eq!(markers.find([b"Quetzalcoatl, the other one".as_slice(), b"Quetz"]), Found::new());
        assert_eq!(markers.find([b"..\x80\x81\x82\x83\x84\x85\x86\x87".as_slice()]), Found::from([(What::Tone, 1)]));
    }
}
