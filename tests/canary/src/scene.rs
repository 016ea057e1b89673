//! One meeting: who is in it, what they say and show, and when the server's share of it is taken.

use std::path::Path;

use anyhow::{Context as _, ensure};
use conclave_base::Source;
use conclave_kit::{Member, Server, create_with};
use serde_json::Value;
use tempfile::TempDir;

use crate::eavesdropper::Eavesdropper;
use crate::files;
use crate::held::{Evidence, Held, Known};
use crate::memory::Image;
use crate::needles::{Needles, What};
use crate::recording::{frames, slices};
use crate::secrets::Secrets;
use crate::tap::Tap;

/// The member that is looked for; the other one watches and records.
const NAME: &str = "Quetzalcoatlus Vexillifer";
const OTHER: &str = "Plain";
const TITLE: &str = "Axolotl husbandry, ninth colloquium";
const CHAT: &str = "zymurgy-kakapo-0xC0FFEE-whispered";
const PASSPHRASE: &str = "borogoves mimsy quarterstaff";
/// Hue of the looked-for picture, degrees.
const HUE: &str = "300";
/// Pitch of the looked-for tone, hertz.
const TONE: u16 = 1730;
/// As much as the server ever logs.
const LOG: &str = "trace";
/// Copies of the server's memory: each is a moment.
const MOMENTS: usize = 5;
/// Frames of a track that the eavesdropper takes before the first moment, and between two.
const LISTEN: usize = 120;
const BETWEEN: usize = 15;
/// Slices of a recording below which a search would say little.
const SLICES: usize = 100;

/// Lets two members who run `client` meet on a real server, talk and send pictures and sound; then searches all that the server holds.
pub fn meet(client: &str) -> anyhow::Result<Held> {
    let mut server = Server::start_logging(LOG)?;
    let tap = Tap::start(server.port)?;
    let link = create_with(client, &tap.url, &["--title", TITLE, "--passphrase-stdin"], PASSPHRASE)?;
    let folder = TempDir::new()?;
    let [mut one, mut two] = members(client, &link, folder.path())?;

    let (identity, colour) = two.wait("sees the picture", |e| Some((of_sender(e, "camera")?, colour(e)?)))?;
    two.wait("hears the tone", |e| of_sender(e, "microphone").filter(|_| e["frequency"] == TONE))?;
    one.say(CHAT)?;
    two.wait("reads the chat", |e| (e["event"] == "chat" && e["line"]["text"] == CHAT).then_some(()))?;

    let eavesdropper = Eavesdropper::listen(&server, &link, &[&identity])?;
    let mut memory = Vec::new();
    for moment in 0..MOMENTS {
        for source in [Source::Camera, Source::Microphone] {
            eavesdropper.until_heard(&identity, source, LISTEN + moment * BETWEEN)?;
        }
        memory.push(Image::of(server.pid())?);
    }
    let member = Image::of(two.pid())?;
    let heard = eavesdropper.stop();
    // Recordings are whole when their writers have ended.
    two.leave()?;
    one.leave()?;
    let mut files = files::below(server.data.path())?;
    let log = server.end()?;
    files.append(&mut files::below(server.data.path())?);

    let needles = needles(&link, &identity, folder.path())?;
    let evidence = Evidence { received: tap.received(), memory, files, log, heard, member };
    Held::search(&evidence, &needles, &Known { identity, colour, hertz: f32::from(TONE) })
}

/// Both on their way in, through the tap.
fn members(client: &str, link: &str, folder: &Path) -> anyhow::Result<[Member; 2]> {
    let folder = folder.to_str().context("a folder whose name is UTF-8")?;
    let tone = TONE.to_string();
    let known = ["--passphrase-stdin", "--picture-hue", HUE, "--width", "480", "--height", "272", "--tone", &tone];
    let other = ["--passphrase-stdin", "--picture-hue", "100", "--tone", "700", "--record", folder];
    let mut members = [Member::join_with(client, link, NAME, &known)?, Member::join_with(client, link, OTHER, &other)?];
    for member in &mut members {
        member.say(PASSPHRASE)?;
    }
    Ok(members)
}

/// The sender's identity, if this is a report of that track of it.
fn of_sender(event: &Value, source: &str) -> Option<String> {
    let is = event["event"] == "media" && event["name"] == NAME && event["source"] == source;
    event["identity"].as_str().filter(|_| is).map(str::to_owned)
}

/// The colour of the picture that a report tells of.
fn colour(event: &Value) -> Option<[f64; 3]> {
    serde_json::from_value(event["colour"].clone()).ok()
}

/// All that is looked for: what was said, what may never be said, and what the other member recorded of the sender.
fn needles(link: &str, sender: &str, folder: &Path) -> anyhow::Result<Needles> {
    let mut needles = Needles::default();
    for (what, text) in [(What::Title, TITLE), (What::Name, NAME), (What::Chat, CHAT), (What::Passphrase, PASSPHRASE)] {
        needles.text(what, text.as_bytes());
    }
    let secrets = Secrets::of(link, PASSPHRASE)?;
    needles.text(What::Link, secrets.fragment.as_bytes());
    needles.text(What::Link, &secrets.secret);
    secrets.keys.iter().for_each(|key| needles.text(What::Keys, key));
    for (what, file) in [(What::Picture, "camera.ivf"), (What::Tone, "microphone.ogg")] {
        let recorded = frames(&folder.join(format!("{sender}-{file}")))?;
        recorded.iter().flat_map(|frame| slices(frame)).for_each(|slice| needles.bytes(what, slice));
        let count = needles.things().get(&what).copied().unwrap_or(0);
        ensure!(count >= SLICES, "only {count} slices of {what:?} are worth looking for");
    }
    // Of each place something that is there whoever joins: memory, files, log, TCP.
    for known in [Server::SECRET, "CREATE TABLE meeting", "media_port", "GET /api/live"] {
        needles.bytes(What::Known, known.as_bytes());
    }
    Ok(needles)
}
