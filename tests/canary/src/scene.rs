//! One meeting: who is in it, what they say and show, and when the server's share of it is taken.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use conclave_base::Source;
use conclave_engines::Postgres;
use conclave_kit::{LinkKeys, Member, ReadableMember, Server, create_with};
use serde_json::Value;
use tempfile::TempDir;

use crate::eavesdropper::Eavesdropper;
use crate::files;
use crate::findings::{Evidence, Findings, Known};
use crate::markers::{Markers, What};
use crate::memory::Image;
use crate::recording::{frames, slices};
use crate::tcp_recorder::TcpRecorder;

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

/// The encoded frames of the member that is looked for, by what they show.
type Recorded = BTreeMap<What, Vec<Vec<u8>>>;

/// Those who meet; one of them is looked for, and says [`CHAT`] on the way in.
trait Cast: Sized {
    /// Makes the meeting and goes in; media flows.
    fn enter(server: &str) -> anyhow::Result<Self>;

    /// The meeting's link.
    fn link(&self) -> &str;

    /// The member that is looked for, and what its picture and sound are.
    fn known(&self) -> &Known;

    /// Keeps it going from one moment to the next.
    fn stay(&mut self) -> anyhow::Result<()>;

    /// The memory of somebody who may know everything, if there is one beside this test.
    fn member(&self) -> anyhow::Result<Option<Image>>;

    /// Everybody leaves; gives what the looked-for one had sent.
    fn leave(self) -> anyhow::Result<Recorded>;
}

/// Two members with the client that people run meet on a real server; then all that the server holds is searched.
pub fn meet() -> anyhow::Result<Findings> {
    play::<Sealing>()
}

/// As [`meet`], but the member that is looked for seals nothing; it is alone, since nobody else could read it.
pub fn meet_readable() -> anyhow::Result<Findings> {
    play::<Readable>()
}

/// As [`meet`], with what is kept in PostgreSQL, and, if there is one, a LiveKit server: files, logs and memory of these are searched too.
pub fn meet_on_engines() -> anyhow::Result<Findings> {
    play_on_engines::<Sealing>()
}

/// As [`meet_readable`], on those.
pub fn meet_readable_on_engines() -> anyhow::Result<Findings> {
    play_on_engines::<Readable>()
}

fn play<C: Cast>() -> anyhow::Result<Findings> {
    let mut server = Server::start_with([("CONCLAVE_LOG", LOG.to_owned())])?;
    search::<C>(&mut server, &[])
}

/// As [`play`], with the meeting in PostgreSQL, and in a LiveKit server if the kit gives one to each server.
fn play_on_engines<C: Cast>() -> anyhow::Result<Findings> {
    let postgres = Postgres::start()?;
    let mut server = Server::start_with([("CONCLAVE_LOG", LOG.to_owned()), ("CONCLAVE_DATABASE", postgres.url())])?;
    let mut folders = vec![postgres.folder().to_owned()];
    folders.extend(server.livekit.as_ref().map(|livekit| livekit.folder().to_owned()));
    search::<C>(&mut server, &folders)
}

/// `folders`: of others' servers, beside the server's own.
fn search<C: Cast>(server: &mut Server, folders: &[PathBuf]) -> anyhow::Result<Findings> {
    let recorder = TcpRecorder::start(server.port)?;
    let mut cast = C::enter(&recorder.url)?;
    let identity = cast.known().identity.clone();

    let eavesdropper = Eavesdropper::listen(server, cast.link(), &[&identity])?;
    let mut memory = Vec::new();
    for moment in 0..MOMENTS {
        cast.stay()?;
        for source in [Source::Camera, Source::Microphone] {
            eavesdropper.until_heard(&identity, source, LISTEN + moment * BETWEEN)?;
        }
        memory.push(Image::of(server.pid())?);
        memory.extend(server.livekit.as_ref().map(|livekit| Image::of(livekit.pid())).transpose()?);
    }
    let member = cast.member()?;
    let heard = eavesdropper.stop();
    let (link, known) = (cast.link().to_owned(), cast.known().clone());
    let recorded = cast.leave()?;
    // While the server is there to do its part.
    let keys = LinkKeys::with_passphrase(&server.url, &link, PASSPHRASE)?;
    let folders = [folders, &[server.data.path().to_owned()]].concat();
    let held = || folders.iter().map(|folder| files::below(folder)).collect::<anyhow::Result<Vec<_>>>();
    let mut files = held()?;
    let log = server.end()?;
    files.append(&mut held()?);
    let files = files.concat();

    let evidence = Evidence { received: recorder.received(), memory, files, log, heard, member };
    Findings::search(&evidence, &markers(&keys, &recorded)?, &known)
}

/// Two members with the client that people run.
struct Sealing {
    link: String,
    one: Member,
    two: Member,
    known: Known,
    /// Where the second records the first.
    folder: TempDir,
}

impl Cast for Sealing {
    fn enter(server: &str) -> anyhow::Result<Self> {
        let link = create_with(server, &["--title", TITLE, "--passphrase-stdin"], PASSPHRASE)?;
        let folder = TempDir::new()?;
        let path = folder.path().to_str().context("a folder whose name is UTF-8")?;
        let tone = TONE.to_string();
        let looked_for = ["--passphrase-stdin", "--picture-hue", HUE, "--width", "480", "--height", "272", "--tone", &tone];
        let other = ["--passphrase-stdin", "--picture-hue", "100", "--tone", "700", "--record", path];
        let (mut one, mut two) = (Member::join(&link, NAME, &looked_for)?, Member::join(&link, OTHER, &other)?);
        for member in [&mut one, &mut two] {
            member.say(PASSPHRASE)?;
        }
        let (identity, colour) = two.wait("sees the picture", |e| Some((of_sender(e, "camera")?, colour(e)?)))?;
        two.wait("hears the tone", |e| of_sender(e, "microphone").filter(|_| e["frequency"] == TONE))?;
        one.say(CHAT)?;
        two.wait("reads the chat", |e| (e["event"] == "chat" && e["line"]["text"] == CHAT).then_some(()))?;
        Ok(Self { link, one, two, known: Known { identity, colour, hertz: f32::from(TONE) }, folder })
    }

    fn link(&self) -> &str {
        &self.link
    }

    fn known(&self) -> &Known {
        &self.known
    }

    fn stay(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn member(&self) -> anyhow::Result<Option<Image>> {
        Image::of(self.two.pid()).map(Some)
    }

    fn leave(self) -> anyhow::Result<Recorded> {
        // Recordings are whole when their writers have ended.
        self.two.leave()?;
        self.one.leave()?;
        let recording = |file: &str| frames(&self.folder.path().join(format!("{}-{file}", self.known.identity)));
        Ok(Recorded::from([(What::Picture, recording("camera.ivf")?), (What::Tone, recording("microphone.ogg")?)]))
    }
}

/// One member who seals nothing.
struct Readable {
    member: ReadableMember,
    known: Known,
}

impl Cast for Readable {
    fn enter(server: &str) -> anyhow::Result<Self> {
        let mut member = ReadableMember::join(server, TITLE, PASSPHRASE, NAME)?;
        member.say(CHAT)?;
        let [blue, red] = ReadableMember::CHROMA.map(f64::from);
        let known = Known { identity: member.identity.clone(), colour: [0.0, blue, red], hertz: f32::from(ReadableMember::HERTZ) };
        Ok(Self { member, known })
    }

    fn link(&self) -> &str {
        &self.member.link
    }

    fn known(&self) -> &Known {
        &self.known
    }

    fn stay(&mut self) -> anyhow::Result<()> {
        self.member.stay()
    }

    fn member(&self) -> anyhow::Result<Option<Image>> {
        // It runs inside this test, whose memory holds whatever is looked for anyway.
        Ok(None)
    }

    fn leave(self) -> anyhow::Result<Recorded> {
        let mut sent = self.member.sent();
        let mut of = |source| sent.remove(&source).unwrap_or_default();
        Ok(Recorded::from([(What::Picture, of(Source::Camera)), (What::Tone, of(Source::Microphone))]))
    }
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

/// All that is looked for: what was said, what may never be said, and what the looked-for member sent.
fn markers(keys: &LinkKeys, recorded: &Recorded) -> anyhow::Result<Markers> {
    let mut markers = Markers::default();
    for (what, text) in [(What::Title, TITLE), (What::Name, NAME), (What::Chat, CHAT), (What::Passphrase, PASSPHRASE)] {
        markers.text(what, text.as_bytes());
    }
    markers.text(What::Link, keys.fragment.as_bytes());
    markers.text(What::Link, &keys.secret);
    [keys.admission, keys.psk, keys.envelope, keys.meta].iter().for_each(|key| markers.text(What::Keys, key));
    for (what, frames) in recorded {
        frames.iter().flat_map(|frame| slices(frame)).for_each(|slice| markers.bytes(*what, slice));
        let count = markers.things().get(what).copied().unwrap_or(0);
        ensure!(count >= SLICES, "only {count} slices of {what:?} are worth looking for");
    }
    // Of each place something that is there whoever joins: memory, files, log, TCP.
    for known in [Server::SECRET, "CREATE TABLE meeting", "media_port", "LiveKit answers", "GET /api/live"] {
        markers.bytes(What::Known, known.as_bytes());
    }
    Ok(markers)
}
