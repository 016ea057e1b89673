//! What the operator types.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::addresses::Network;

#[derive(Parser)]
#[command(
    name = "conclave",
    version,
    about = "End-to-end encrypted meetings on your own server",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Serve meetings: the page, the sealed messages, the sealed media
    Serve(Box<Serve>),
    /// Everything else is the client's: `conclave join …` starts `conclave-client join …`
    #[command(external_subcommand)]
    Client(Vec<OsString>),
}

#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Where the page is served (put a TLS proxy in front of a public host)
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Folder for the database of meetings and for the server's secret; made if missing
    #[arg(long, default_value = "data")]
    pub(crate) data: PathBuf,
    /// PostgreSQL that keeps the meetings instead of a file, as postgres://USER:PASSWORD@HOST/NAME. Better as CONCLAVE_DATABASE: everybody on this machine sees a command line
    #[arg(long, value_name = "URL", env = "CONCLAVE_DATABASE", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// Redis that keeps the order of running meetings, so that several nodes serve the same ones, as redis://:PASSWORD@HOST:PORT, or rediss://… for TLS; in its memory alone. Needs --database. Better as CONCLAVE_BUS: everybody on this machine sees a command line
    #[arg(long, value_name = "URL", env = "CONCLAVE_BUS", hide_env_values = true, requires = "database")]
    pub(crate) bus: Option<String>,
    /// A LiveKit server that carries the media instead of this program, as ws://HOST:PORT; needs CONCLAVE_LIVEKIT_KEY and CONCLAVE_LIVEKIT_SECRET, a key of that server
    #[arg(long, value_name = "URL", env = "CONCLAVE_LIVEKIT")]
    pub(crate) livekit: Option<String>,
    /// UDP port for media
    #[arg(long, default_value_t = 7882)]
    pub(crate) media_port: u16,
    /// IP address under which clients reach the media port; repeat for several. Default: this machine's own addresses
    #[arg(long)]
    pub(crate) media_address: Vec<IpAddr>,
    /// Days until a meeting that nobody planned for longer is forgotten
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) keep_days: u32,
    /// A proxy in front, or the network of several, such as 127.0.0.1 or 10.0.0.0/8: what it says of its clients' addresses counts. Repeat for several
    #[arg(long, value_name = "NETWORK")]
    pub(crate) trusted_proxy: Vec<Network>,
    /// File with tokens by which meetings are made, one a line; behind a token may stand the name of its plan
    #[arg(long, value_name = "FILE")]
    pub(crate) create_token_file: Option<PathBuf>,
    /// Who makes meetings here. Default: with --create-token-file only who has a token, else anyone
    #[arg(long, value_enum)]
    pub(crate) create: Option<Create>,
    /// JSON file of plans by name, what a meeting may cost: {"free": {"people": 50, "minutes": 60, "meetings_a_day": 20}}. Default: none
    #[arg(long, value_name = "FILE", env = "CONCLAVE_PLANS")]
    pub(crate) plans: Option<PathBuf>,
    /// Plan of the meetings that are made without a token that names one. Default: none, so that they have no limits of their own
    #[arg(long, value_name = "NAME", env = "CONCLAVE_DEFAULT_PLAN")]
    pub(crate) default_plan: Option<String>,
    /// Folder with the page's release and its proof (release.txt, release.txt.tlog-proof), for whoever checks what this server serves
    #[arg(long, value_name = "FOLDER")]
    pub(crate) release: Option<PathBuf>,
    /// Where Prometheus finds figures, at /metrics: how many meet, and when, but not who. Keep it on this machine, as 127.0.0.1:9464. Default: nowhere
    #[arg(long, value_name = "ADDRESS:PORT", env = "CONCLAVE_METRICS")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Form of the log's lines
    #[arg(long, value_enum, default_value_t = LogFormat::Text, env = "CONCLAVE_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,
    /// API key for LiveKit SDKs that use the media server directly, or of the LiveKit server; random if not given
    #[arg(long, env = "CONCLAVE_LIVEKIT_KEY", hide_env_values = true)]
    pub(crate) livekit_key: Option<String>,
    /// Secret of the API key; only from the environment, so that it stands in no process list
    #[arg(skip = std::env::var("CONCLAVE_LIVEKIT_SECRET").ok())]
    pub(crate) livekit_secret: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Create {
    /// Everybody who reaches the page
    Anyone,
    /// Only who has a token
    Token,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl Serve {
    /// The addresses to announce: the given ones, else the one that this machine uses towards others, and loopback.
    pub(crate) fn media_addresses(&self) -> Vec<IpAddr> {
        if !self.media_address.is_empty() {
            return self.media_address.clone();
        }
        // Connecting a UDP socket sends nothing; it asks the system which of our addresses it would use.
        let towards_others = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|s| {
            s.connect((Ipv4Addr::new(198, 51, 100, 1), 9))?;
            s.local_addr()
        });
        let mut addresses: Vec<IpAddr> = towards_others.map(|a| a.ip()).into_iter().filter(|ip| !ip.is_unspecified()).collect();
        addresses.push(Ipv4Addr::LOCALHOST.into());
        addresses
    }
}
