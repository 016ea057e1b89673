//! `verify`: fetches what a server serves to browsers, and says whether it is a release that stands in the log. What a release is and what
//! differs from it is decided in `conclave_transparency`.

mod browser;
mod report;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use conclave_device::{files, history, policy};
use conclave_protocol::paths;
use conclave_transparency::{AcceptRule, Difference, Hash, History, MAX_PROOF, MAX_RELEASE, PageError, ReleasedPage};

use crate::args::Verify;
use crate::clock;
use browser::{Browser, Page};
use report::{Differences, Fetches, Verdict};

/// Longest file of headers, bytes.
const MAX_HEADERS: usize = 64 * 1024;
/// Largest file that is looked up by its hash, bytes.
const MAX_FILE: usize = 1 << 30;
/// What no page loads by itself.
const NEVER_LOADED: [&str; 4] = ["404.html", "bundle.txt", "headers.txt", "robots.txt"];
/// Between two looks of a watch, in seconds: so many, and up to as many more.
const WATCH_EVERY: u64 = 600;

/// Gives 0 when all is the release, 3 when something else is served, 4 when no release is proved.
pub async fn run(args: &Verify) -> anyhow::Result<ExitCode> {
    let rule = policy::read_rule(&args.policy)?;
    loop {
        let (target, look) = (args.clone(), rule.clone());
        let verdict = tokio::task::spawn_blocking(move || verify(&target, &look)).await??;
        let said = if args.json { verdict.json(&args.target).to_string() } else { verdict.text(&args.target) };
        #[expect(clippy::print_stdout, reason = "the verdict is what this command tells")]
        {
            println!("{said}");
        }
        if !args.watch || verdict.code() != ExitCode::SUCCESS {
            return Ok(verdict.code());
        }
        tokio::time::sleep(Duration::from_secs(WATCH_EVERY + below(WATCH_EVERY)?)).await;
    }
}

fn verify(args: &Verify, rule: &AcceptRule) -> anyhow::Result<Verdict> {
    let origin = args.target.trim_end_matches('/');
    let is_server = origin.starts_with("http://") || origin.starts_with("https://");
    let browsers: Vec<_> = Browser::all().collect();
    let any = || anyhow::Ok(browsers[usize::try_from(below(browsers.len() as u64)?)?].open());
    // Who watches asks for what a page asks for, and for nothing else.
    let source = match &args.release {
        Some(folder) => Source::Folder(folder),
        None if is_server => Source::Server(origin, any()?),
        None => anyhow::bail!("a file needs --release, the folder with {} and {}", paths::RELEASE, paths::RELEASE_PROOF),
    };
    let entry = source.read(paths::RELEASE, MAX_RELEASE)?;
    let proof = source.read(paths::RELEASE_PROOF, MAX_PROOF)?;
    let mut history = args.state.as_deref().map(history::read).transpose()?.unwrap_or_default();
    let judged = rule.judge(&entry, &proof, &mut history, clock::unix_seconds());
    keep(args, &history)?;
    let accepted = match judged {
        Ok(accepted) => accepted,
        Err(why) => return Ok(Verdict::NotProved(why)),
    };
    if !is_server {
        let hash = Hash::of_bytes(&files::read(Path::new(&args.target), MAX_FILE)?);
        let name = accepted.release.artefacts.iter().find(|(_, known)| **known == hash).map(|(name, _)| name.clone());
        return Ok(match name {
            Some(name) => Verdict::File(accepted, name),
            None => Verdict::OtherFile(accepted),
        });
    }
    let page = match ReleasedPage::new(&accepted.release, &source.headers()?) {
        Err(PageError::OtherHeaders) if args.release.is_none() => {
            let differences = Differences::from([(("/headers.txt".to_owned(), Difference::Bytes), vec!["whoever asks".to_owned()])]);
            return Ok(Verdict::Differs(accepted, Fetches { files: 1, browsers: 1 }, differences));
        }
        page => page?,
    };
    // Pages first, as browsers do.
    let mut wanted: Vec<_> = page.files().collect();
    wanted.sort_by_key(|(address, _)| address.contains('.'));
    let loads = if args.watch {
        let entrance = below(2)?;
        wanted.retain(|(_, name)| *name != ["index.html", "meeting.html"][usize::from(entrance == 0)] && !NEVER_LOADED.contains(name));
        vec![any()?]
    } else {
        browsers.iter().map(|browser| browser.open()).collect()
    };
    let (fetches, differences) = compare(origin, &page, &wanted, &loads)?;
    Ok(if differences.is_empty() { Verdict::Same(accepted, fetches) } else { Verdict::Differs(accepted, fetches, differences) })
}

/// Loads the page as each of these would, and compares all that comes.
fn compare(origin: &str, page: &ReleasedPage<'_>, wanted: &[(String, &str)], loads: &[Page]) -> anyhow::Result<(Fetches, Differences)> {
    let mut differences = Differences::new();
    for load in loads {
        for (address, name) in wanted {
            let fetched = load.get(&format!("{origin}{address}")).with_context(|| format!("{origin}{address} does not answer"))?;
            for what in page.differences(name, &fetched.answer()) {
                differences.entry((address.clone(), what)).or_default().push(load.to_string());
            }
        }
        let settings = load.get(&format!("{origin}/config.json")).with_context(|| format!("{origin}/config.json does not answer"))?;
        for what in page.settings(&settings.answer()) {
            differences.entry(("/config.json".to_owned(), what)).or_default().push(load.to_string());
        }
    }
    Ok((Fetches { files: wanted.len() + 1, browsers: loads.len() }, differences))
}

fn keep(args: &Verify, history: &History) -> anyhow::Result<()> {
    args.state.as_deref().map_or(Ok(()), |path| history::write(path, history))
}

/// Where the release and its proof are.
enum Source<'a> {
    Folder(&'a Path),
    Server(&'a str, Page),
}

impl Source<'_> {
    fn read(&self, name: &str, most: usize) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Folder(folder) => files::read(&folder.join(name), most),
            Self::Server(origin, page) => {
                let url = format!("{origin}{}/{name}", paths::RELEASES);
                let fetched = page.get(&url).with_context(|| format!("{url} does not answer"))?;
                anyhow::ensure!(
                    fetched.answer().status == 200,
                    "{origin} ships no {name}: ask whoever runs it, or give the release with --release"
                );
                anyhow::ensure!(fetched.body.len() <= most, "{url} has more than {most} bytes");
                Ok(fetched.body)
            }
        }
    }

    fn headers(&self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Folder(folder) => files::read(&folder.join("web/headers.txt"), MAX_HEADERS),
            Self::Server(origin, page) => Ok(page.get(&format!("{origin}/headers.txt"))?.body),
        }
    }
}

/// A random number below this.
fn below(most: u64) -> anyhow::Result<u64> {
    Ok(u64::from_le_bytes(clock::random()?) % most)
}
