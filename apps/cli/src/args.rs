//! The command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Parser, Subcommand};
use conclave_base::{Permission, Redacted};

use crate::load::Impair;

/// `conclave-client`
#[derive(Debug, Parser)]
#[command(
    name = "conclave-client",
    version,
    about = "A native member of Conclave meetings, a load generator, and what runs a log of releases and its witnesses"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a meeting and print its link
    Create(Create),
    /// Join a meeting: send a test picture and a tone, report what arrives; lines on stdin are chat
    Join(Join),
    /// Print a link that makes another device a host of a meeting: it works once, for a day, and can be taken back until then
    HostLink(HostLink),
    /// Load a LiveKit-speaking media server, ours or LiveKit's: packets, losses, delay, and what the server uses
    Load(Box<Load>),
    /// Run a log of releases
    #[command(subcommand)]
    Log(Log),
    /// Watch logs of releases, and cosign what only grew
    #[command(subcommand)]
    Witness(Witness),
    /// Build logged releases from their source, and cosign those that come out the same
    #[command(subcommand)]
    Rebuild(Rebuild),
    /// Say whether a server serves a release that is logged, byte for byte and to everybody. Ends with 0 if so, with 3 if anything differs, with 4
    /// if no release is proved
    Verify(Verify),
}

/// `verify`
#[derive(Debug, Clone, Args)]
pub struct Verify {
    /// The server, such as https://meet.example.org, or a file of a release
    pub target: String,
    /// Whose signatures count (c2sp.org/tlog-policy): log, witnesses, and a group called `rebuilders`
    #[arg(long)]
    pub policy: PathBuf,
    /// Folder with release.txt, release.txt.tlog-proof and web/headers.txt; without it the server's own are taken, which prove themselves
    #[arg(long)]
    pub release: Option<PathBuf>,
    /// File that keeps what was seen from run to run, so that older releases and forked logs are noticed
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// Print one JSON object a look
    #[arg(long)]
    pub json: bool,
    /// Look again and again, every 10 to 20 minutes, each time as another browser that loads the page; end when anything differs
    #[arg(long, requires = "release")]
    pub watch: bool,
}

/// `rebuild`
#[derive(Debug, Subcommand)]
pub enum Rebuild {
    /// Make the key of a rebuilder; print the public key
    Init(RebuildInit),
    /// Build a release that is the last entry of its log from its source, and cosign it if the same files come out. Ends with 0 if so, with 3 and the
    /// names of the files if any differs, with 4 if the release is not in the log
    Run(RebuildRun),
}

/// `rebuild init`
#[derive(Debug, Args)]
pub struct RebuildInit {
    /// New file for the key
    pub key: PathBuf,
    /// Its name, such as example.com/rebuilder
    #[arg(long)]
    pub name: String,
    /// Sign by Ed25519 instead of ML-DSA-44
    #[arg(long)]
    pub ed25519: bool,
}

/// `rebuild run`
#[derive(Debug, Args)]
pub struct RebuildRun {
    /// Folder with release.txt and release.txt.tlog-proof; the cosignature goes into the latter
    pub release: PathBuf,
    /// Whose signatures count (c2sp.org/tlog-policy): log, witnesses, and a group called `rebuilders`
    #[arg(long)]
    pub policy: PathBuf,
    /// Whence the source comes: anything that `git clone` takes, such as a checkout or a bundle, in which the release's commit is
    #[arg(long)]
    pub source: String,
    /// Key with which to cosign, as `init` made it; without it, only say what came out
    #[arg(long)]
    pub key: Option<PathBuf>,
    /// Build and compare the page alone, which takes minutes instead of a part of an hour; nothing is cosigned then
    #[arg(long, conflicts_with = "key")]
    pub page: bool,
    /// Build below this folder, and leave there what was built; without it, in a temporary one
    #[arg(long)]
    pub folder: Option<PathBuf>,
}

/// `log`
#[derive(Debug, Subcommand)]
pub enum Log {
    /// Make an empty log and its key; print the public key
    Init(LogInit),
    /// Write what is to be logged of a release: release.txt, in its folder
    Release(LogRelease),
    /// Add releases, have them cosigned, and write a proof beside each
    Append(LogAppend),
    /// Take cosignatures of parties that the policy names from a proof that they gave back, a rebuilder's above all, onto the newest checkpoint
    Cosigned(LogCosigned),
    /// Answer whoever fetches it
    Serve(LogServe),
}

/// `log cosigned`
#[derive(Debug, Args)]
pub struct LogCosigned {
    /// The log's folder
    pub folder: PathBuf,
    /// The proof: of the newest checkpoint
    pub proof: PathBuf,
    /// Policy (c2sp.org/tlog-policy)
    #[arg(long)]
    pub policy: PathBuf,
}

/// `log init`
#[derive(Debug, Args)]
pub struct LogInit {
    /// New folder for the log; what lies in its `public` may be copied to any web server
    pub folder: PathBuf,
    /// Its name (origin), such as example.org/log
    #[arg(long)]
    pub name: String,
}

/// `log release`
#[derive(Debug, Args)]
pub struct LogRelease {
    /// Folder with SHA256SUMS and toolchain.txt, as `cargo xtask dist` makes it
    pub folder: PathBuf,
    /// The commit that it was built from: its SHA-1, in hexadecimal
    #[arg(long)]
    pub commit: String,
}

/// `log append`
#[derive(Debug, Args)]
pub struct LogAppend {
    /// The log's folder
    pub folder: PathBuf,
    /// Releases, in the text of conclave-release/v1. One that is in the log already is not added again. Without any, the newest checkpoint is cosigned again
    pub files: Vec<PathBuf>,
    /// Policy (c2sp.org/tlog-policy): every witness with an address is asked, and its quorum must answer
    #[arg(long)]
    pub policy: Option<PathBuf>,
}

/// `log serve`
#[derive(Debug, Args)]
pub struct LogServe {
    /// The log's folder
    pub folder: PathBuf,
    /// Address to listen on; put a proxy with TLS in front
    #[arg(long, default_value = "127.0.0.1:8090")]
    pub listen: String,
}

/// `witness`
#[derive(Debug, Subcommand)]
pub enum Witness {
    /// Make a witness and its key; print the public key
    Init(WitnessInit),
    /// Look at one more log
    Add(WitnessAdd),
    /// Answer logs that ask for a cosignature
    Serve(WitnessServe),
}

/// `witness init`
#[derive(Debug, Args)]
pub struct WitnessInit {
    /// New folder for the witness. It must never be put back to an earlier state
    pub folder: PathBuf,
    /// Its name, such as example.net/witness
    #[arg(long)]
    pub name: String,
    /// Sign by Ed25519 instead of ML-DSA-44
    #[arg(long)]
    pub ed25519: bool,
}

/// `witness add`
#[derive(Debug, Args)]
pub struct WitnessAdd {
    /// The witness's folder
    pub folder: PathBuf,
    /// The log's public key, as `log init` prints it
    pub log: String,
}

/// `witness serve`
#[derive(Debug, Args)]
pub struct WitnessServe {
    /// The witness's folder
    pub folder: PathBuf,
    /// Address to listen on; put a proxy with TLS in front
    #[arg(long, default_value = "127.0.0.1:8091")]
    pub listen: String,
}

/// What hosts can let everybody do or only some.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Permitted {
    /// Speak
    Speak,
    /// Write in the chat
    Chat,
    /// Share a screen
    Share,
}

impl Permitted {
    pub(crate) const fn permission(self) -> Permission {
        match self {
            Self::Speak => Permission::Speak,
            Self::Chat => Permission::Chat,
            Self::Share => Permission::Share,
        }
    }
}

/// `create`
#[derive(Debug, Args)]
pub struct Create {
    /// The server, such as https://meet.example.org
    pub server: String,
    /// Title of the meeting
    #[arg(long, default_value = "")]
    pub title: String,
    /// Keep the host's key in this new file (readable by you only); without it nobody will be host
    #[arg(long)]
    pub host_key_file: Option<PathBuf>,
    /// Read a passphrase, which stands beside the link, from the first line of stdin: 12 letters or more
    #[arg(long)]
    pub passphrase_stdin: bool,
    /// The same from the first line of a file
    #[arg(long, conflicts_with = "passphrase_stdin")]
    pub passphrase_file: Option<PathBuf>,
    /// Newcomers ask, and a host admits them, from the beginning: it begins when the host comes
    #[arg(long)]
    pub lobby: bool,
    /// Only hosts may do this, and whom they let, until a host says otherwise; can be given several times
    #[arg(long, value_enum)]
    pub hosts_only: Vec<Permitted>,
    /// Whoever comes in has the microphone off when more than so many are inside
    #[arg(long)]
    pub mute_above: Option<u32>,
    /// People who may be inside at once
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Send less: sound takes the size that it needs, and none while a microphone is off. The server can then tell who speaks and who is muted
    #[arg(long)]
    pub variable_bitrate: bool,
    /// File whose first line is the token of a server that lets only some people make meetings
    #[arg(long)]
    pub create_token_file: Option<PathBuf>,
}

/// `host-link`
#[derive(Debug, Args)]
pub struct HostLink {
    /// The meeting's link; `-` reads it from the first line of stdin, so that nobody else on this machine sees it in the list of processes
    pub link: String,
    /// The host's key, as written by `create` or by `join` with a host link
    #[arg(long)]
    pub host_key_file: PathBuf,
    /// Make none, and print what became of those of the last day
    #[arg(long)]
    pub list: bool,
    /// The same, after taking back all that nobody has used
    #[arg(long)]
    pub take_back: bool,
}

/// `join`
#[derive(Debug, Clone, Args)]
pub struct Join {
    /// The whole link, with what stands behind the #, or a host link, which makes this a host; `-` reads it from the first line of stdin, so that nobody else on this machine sees it
    /// in the list of processes
    pub link: String,
    /// Name that the others see
    #[arg(long, default_value = "Native member")]
    pub name: String,
    /// Write what was opened and decoded into this folder: IVF for pictures, Ogg for sound
    #[arg(long)]
    pub record: Option<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Send no picture
    #[arg(long)]
    pub no_video: bool,
    /// Send no sound
    #[arg(long)]
    pub no_audio: bool,
    /// Read the passphrase from the first line of stdin, or the one after the link
    #[arg(long)]
    pub passphrase_stdin: bool,
    /// The same from the first line of a file
    #[arg(long, conflicts_with = "passphrase_stdin")]
    pub passphrase_file: Option<PathBuf>,
    /// The host's key, as written by `create`. With a host link, which works once, a new file in which to keep the key
    #[arg(long)]
    pub host_key_file: Option<PathBuf>,
    /// The host's key from a file into which the page saved meetings
    #[arg(long, conflicts_with = "host_key_file", requires = "meetings_passphrase_file")]
    pub meetings_file: Option<PathBuf>,
    /// A file whose first line is the passphrase of that file
    #[arg(long)]
    pub meetings_passphrase_file: Option<PathBuf>,
    /// Be known again by those who verify you, in every meeting, by a key in this file, which also keeps whom you verified. It is made if it is not
    /// there. Everybody in each meeting sees that it is the same key
    #[arg(long, requires = "identity_passphrase")]
    pub identity: Option<PathBuf>,
    /// A file whose first line is the passphrase of that file: 16 letters or more
    #[arg(long, group = "identity_passphrase")]
    pub identity_passphrase_file: Option<PathBuf>,
    /// Have the keyring of this desktop keep a passphrase for that file, which nobody has to know
    #[arg(long, group = "identity_passphrase", requires = "identity")]
    pub identity_keyring: bool,
    /// Folder of releases, each NAME.txt with its NAME.txt.tlog-proof: who says that they run something else is told of
    #[arg(long, requires = "policy")]
    pub releases: Option<PathBuf>,
    /// Whose signatures count for these (c2sp.org/tlog-policy)
    #[arg(long, requires = "releases")]
    pub policy: Option<PathBuf>,
    /// Leave after so many seconds
    #[arg(long)]
    pub seconds: Option<u64>,
    /// Hue of the test picture, degrees
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(0..360))]
    pub picture_hue: u16,
    /// Width of the test picture, pixels, even
    #[arg(long, default_value_t = 640)]
    pub width: u32,
    /// Height of the test picture, pixels, even
    #[arg(long, default_value_t = 360)]
    pub height: u32,
    /// Pictures per second
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub fps: u32,
    /// Bits per second of the picture
    #[arg(long, default_value_t = 400_000)]
    pub bitrate: u32,
    /// Frequency of the tone, hertz
    #[arg(long, default_value_t = 440.0)]
    pub tone: f32,
}

/// Who meets, in what a media server is loaded with. Of LiveKit's own load tests: audio, meeting, livestream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shape {
    /// 1 sends one picture of 2 Mbit/s to 50
    FanOut,
    /// 10 speak to 3,000
    Audio,
    /// 150 send a camera in three layers to 150 others, who show all of them small
    Meeting,
    /// 1 sends a camera in three layers to 3,000, who show the largest
    Livestream,
    /// 50 send a camera in three layers and sound, and each shows 9 of the others in the middle layer
    Gallery,
}

/// `load`
#[derive(Debug, Clone, Args)]
pub struct Load {
    /// The media server, such as ws://127.0.0.1:7880
    #[arg(long)]
    pub url: String,
    /// Who meets; the rest of the options change it
    #[arg(long, value_enum, default_value_t = Shape::FanOut)]
    pub shape: Shape,
    /// Clients that send, in each room
    #[arg(long)]
    pub publishers: Option<u32>,
    /// Clients that only receive, in each room
    #[arg(long)]
    pub subscribers: Option<u32>,
    /// Rooms
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub rooms: u32,
    /// Of how many who send each one receives; of all, if not given
    #[arg(long)]
    pub tiles: Option<u32>,
    /// Bits per second of each sender's picture, of its largest layer if there are three; 0 for none
    #[arg(long)]
    pub bitrate: Option<u32>,
    /// With fan-out, send the picture in three layers, of which receivers show the middle one
    #[arg(long, conflicts_with = "picture")]
    pub layers: bool,
    /// Send sound as well: 50 packets a second of each sender
    #[arg(long)]
    pub sound: bool,
    /// Frames per second of each sender
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub fps: u32,
    /// With fan-out, send the test picture of `join`, so that a browser has something to show; nothing of it is compared
    #[arg(long)]
    pub picture: bool,
    /// Clients that come in a second, until all are there
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub per_second: u32,
    /// How long to wait before measuring, after all are connected, such as 5s
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub warm_up: Duration,
    /// How long to measure, such as 60s or 10m
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub duration: Duration,
    /// Of how many packets every byte is compared; of each one number, sender and time are read
    #[arg(long, default_value = "1%")]
    pub open: Share,
    /// A bad line of each client, as [up:|down:]loss=2%,delay=100ms,jitter=20ms,reorder=1%,rate=5Mbit/s. Can be given for each direction
    #[arg(long)]
    pub impair: Vec<Impair>,
    /// By which a bad line draws what is lost
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Process id of the server, if it runs on this machine: what it used while it was measured is told as well
    #[arg(long)]
    pub pid: Option<u32>,
    /// Threads that this command uses itself
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
    /// Room to meet in; with several, what their names begin with
    #[arg(long, default_value = "load")]
    pub room: String,
    /// API key of the server
    #[arg(long, env = "CONCLAVE_LIVEKIT_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
    /// File whose first line is the API secret. Without it, the secret is taken from CONCLAVE_LIVEKIT_SECRET
    #[arg(long)]
    pub api_secret_file: Option<PathBuf>,
    /// The secret; only from the environment or a file, so that it stands in no process list
    #[arg(skip = std::env::var("CONCLAVE_LIVEKIT_SECRET").ok().map(Redacted::new))]
    pub api_secret: Option<Redacted<String>>,
    /// Instead of the API key: a file with one access token a line, those of each room together, senders first
    #[arg(long, conflicts_with = "api_secret_file")]
    pub token_file: Option<PathBuf>,
}

/// A length of time: `90s`, `250ms`, `10m`; a number alone is seconds.
pub(crate) fn duration(text: &str) -> anyhow::Result<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => bail!("{text:?} is no length of time: write it as 90s, 250ms or 10m"),
    };
    let number: f64 = number.parse().ok().with_context(|| format!("{text:?} is no length of time: write it as 90s, 250ms or 10m"))?;
    ensure!(number * unit <= MOST_SECONDS, "{text:?} is longer than a week");
    Ok(Duration::from_secs_f64(number * unit))
}

/// A week.
const MOST_SECONDS: f64 = 7.0 * 24.0 * 3600.0;

/// A part of a whole, in millionths: `1%`, `0.05%`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    const WHOLE: u32 = 1_000_000;

    /// Whether what drew this number is among them.
    pub(crate) const fn takes(self, drawn: u64) -> bool {
        drawn % (Self::WHOLE as u64) < self.0 as u64
    }
}

impl FromStr for Share {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let percent = text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok()).filter(|p| (0.0..=100.0).contains(p));
        let percent = percent.with_context(|| format!("{text:?} is no share: write it as 1%, from 0% to 100%"))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in these bounds")]
        let millionths = (percent / 100.0 * f64::from(Self::WHOLE)).round() as u32;
        Ok(Self(millionths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_and_shares_are_read_and_what_is_none_is_told() {
        let millis = |text: &str| duration(text).map(|d| d.as_millis()).ok();
        assert_eq!(
            [millis("90s"), millis("250ms"), millis("10m"), millis("2"), millis("1.5s")],
            [90_000, 250, 600_000, 2_000, 1_500].map(Some)
        );
        assert!(["", "s", "-1s", "5 s", "5d", "1e9s", "9999h", "1.2.3s"].into_iter().all(|text| duration(text).is_err()));
        let share = |text: &str| text.parse::<Share>().ok();
        assert_eq!([share("1%"), share("0.05%"), share("100%"), share("0%")], [10_000, 500, 1_000_000, 0].map(|n| Some(Share(n))));
        assert!(["1", "101%", "-1%", "%", "NaN%"].into_iter().all(|text| share(text).is_none()));
        assert!(Share(Share::WHOLE).takes(u64::MAX) && !Share(0).takes(0));
    }
}
