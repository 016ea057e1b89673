//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// `conclave-desktop`
#[derive(Debug, Parser)]
#[command(
    name = "conclave-desktop",
    version,
    about = "Conclave meetings with a page that comes from this program and not from the meeting server"
)]
pub(crate) struct Args {
    /// A meeting's link, also as conclave:…, or the address of a meeting server. Without it, the server of last time. `-`: it stands in the first line of stdin
    pub(crate) address: Option<String>,
    /// Folder of what is kept; made if missing. Default: conclave below $XDG_STATE_HOME, or below ~/.local/state
    #[arg(long)]
    pub(crate) state: Option<PathBuf>,
    /// The browser to start, of Chromium's kin. Default: the first of these that is installed, else the desktop's own, in an ordinary tab
    #[arg(long, conflicts_with = "no_browser")]
    pub(crate) browser: Option<PathBuf>,
    /// Start no browser: print the address to open, which works once
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// A file whose first line is the passphrase by which all is sealed that is kept: 16 letters or more. Without it, the keyring keeps one
    #[arg(long)]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Folder or address of a release (release.txt, release.txt.tlog-proof, web/…): its page is taken if it may run, and then kept
    #[arg(long, requires = "policy")]
    pub(crate) update: Option<String>,
    /// Whose signatures count for that (c2sp.org/tlog-policy): log, witnesses, and a group called `rebuilders`
    #[arg(long)]
    pub(crate) policy: Option<PathBuf>,
}
