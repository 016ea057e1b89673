//! Who asks: browsers that people have, with what each says of itself when it loads a page.

use std::fmt;
use std::time::Duration;

use conclave_transparency::Answer;
use ureq::Agent;

/// Longest file of a page, bytes.
const MOST: u64 = 64 * 1024 * 1024;
/// For one file.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser on a system.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    agent: &'static str,
    document: &'static str,
    encodings: &'static str,
    /// Client hints, of Chromium and its kin.
    hints: &'static [(&'static str, &'static str)],
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "Chrome on Linux",
        agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
        document: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
        encodings: "gzip, deflate, br, zstd",
        hints: &[("sec-ch-ua-mobile", "?0"), ("sec-ch-ua-platform", "\"Linux\"")],
    },
    Kind {
        name: "Firefox on Windows",
        agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0",
        document: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        encodings: "gzip, deflate, br, zstd",
        hints: &[],
    },
    Kind {
        name: "Safari on an iPhone",
        agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
        document: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        encodings: "gzip, deflate, br",
        hints: &[],
    },
    Kind {
        name: "Edge on Windows",
        agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0",
        document: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
        encodings: "gzip, deflate, br, zstd",
        hints: &[("sec-ch-ua-mobile", "?0"), ("sec-ch-ua-platform", "\"Windows\"")],
    },
];
const LANGUAGES: [&str; 4] = ["en-US,en;q=0.9", "de-DE,de;q=0.9,en;q=0.8", "fr-FR,fr;q=0.9,en;q=0.8", "ar,en;q=0.8"];

/// One who loads the page, once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Browser {
    kind: &'static Kind,
    language: &'static str,
    /// Takes files as they are, as some programs and proxies do.
    plain: bool,
    /// Has loaded the page before, and asks whether it changed.
    warm: bool,
}

/// As it came over the network.
#[derive(Debug)]
pub(crate) struct Fetched {
    status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Fetched {
    pub(crate) fn answer(&self) -> Answer<'_> {
        Answer { status: self.status, headers: &self.headers, body: &self.body }
    }
}

impl Browser {
    /// Every browser in every language, with and without compression, for the first time and again.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let kinds = KINDS.iter().flat_map(|kind| LANGUAGES.iter().map(move |language| (kind, *language)));
        let forms = kinds.flat_map(|(kind, language)| [false, true].map(|plain| (kind, language, plain)));
        forms.flat_map(|(kind, language, plain)| [false, true].map(|warm| Self { kind, language, plain, warm }))
    }

    /// A connection of its own, which it keeps while it loads.
    pub(crate) fn open(self) -> Page {
        let config = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).max_redirects(0).user_agent("");
        Page { browser: self, agent: config.build().into() }
    }
}

impl fmt::Display for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let language = self.language.split(',').next().unwrap_or_default();
        write!(f, "{}, {language}", self.kind.name)?;
        f.write_str(if self.plain { ", uncompressed" } else { "" })?;
        f.write_str(if self.warm { ", again" } else { "" })
    }
}

/// A page that loads.
pub(crate) struct Page {
    browser: Browser,
    agent: Agent,
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.browser.fmt(f)
    }
}

impl Page {
    pub(crate) fn get(&self, url: &str) -> anyhow::Result<Fetched> {
        let Browser { kind, language, plain, warm } = self.browser;
        let path = url.rsplit('/').next().unwrap_or_default();
        let (wants, accepts) = match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("js") if path.starts_with("worker") || path.starts_with("cryptor") => ("worker", "*/*"),
            Some("js") => ("script", "*/*"),
            Some("css") => ("style", "text/css,*/*;q=0.1"),
            Some("woff2") => ("font", "*/*"),
            Some("svg") => ("image", "image/avif,image/webp,*/*;q=0.8"),
            Some(_) => ("empty", "*/*"),
            None => ("document", kind.document),
        };
        let mode = match wants {
            "document" => "navigate",
            "worker" => "same-origin",
            "font" | "empty" => "cors",
            _ => "no-cors",
        };
        let mut request = self.agent.get(url).header("user-agent", kind.agent).header("accept", accepts);
        request = request.header("accept-language", language).header("accept-encoding", if plain { "identity" } else { kind.encodings });
        for (name, value) in kind.hints {
            request = request.header(*name, *value);
        }
        request = request.header("sec-fetch-dest", wants).header("sec-fetch-mode", mode);
        request = request.header("sec-fetch-site", if wants == "document" { "none" } else { "same-origin" });
        if warm {
            request = request.header("cache-control", "max-age=0");
        }
        let mut response = request.call()?;
        let value = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, text)| (name.as_str().to_owned(), value(text))).collect();
        let status = response.status().as_u16();
        Ok(Fetched { status, headers, body: response.body_mut().with_config().limit(MOST).read_to_vec()? })
    }
}
