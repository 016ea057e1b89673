//! What a server serves as the page, beside what was released: every file, every header that a browser acts on, and the settings.

use std::collections::BTreeMap;

use crate::release::Release;

/// Where the page's files stand among the artefacts of a release.
const FOLDER: &str = "web/";
/// What the release says of every answer's headers: `name: value` lines; those that begin with `#` are for people.
const HEADERS: &str = "web/headers.txt";
/// The brotli form of a file.
const BROTLI: &str = ".br";
/// Settings of a deployment, and all that they may say.
const SETTINGS: [&str; 1] = ["release"];
/// Longest settings, bytes.
const MAX_SETTINGS: usize = 64 * 1024;
/// Headers that only carry the answer, or tell of it. Every other one could change what a browser does with the page.
const HARMLESS: [&str; 16] = [
    "accept-ranges",
    "age",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "keep-alive",
    "last-modified",
    "server",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
];
/// The addresses that are not called as their files are.
const ADDRESSES: [(&str, &str); 3] = [("index.html", "/"), ("meeting.html", "/m"), ("404.html", "/nothing-here")];

/// Why a release says nothing of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// It has no page, or none with headers.
    #[error("this release has no page")]
    NoPage,
    /// Not the file of headers that was released.
    #[error("headers.txt is not that of the release")]
    OtherHeaders,
}

/// What a server answered.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// Names in lowercase, in the order in which they came.
    pub headers: &'a [(String, String)],
    /// As it came: still encoded.
    pub body: &'a [u8],
}

/// One thing that was not released so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Difference {
    /// The body.
    #[error("other bytes than were released")]
    Bytes,
    /// Compressed in a way in which it was not released.
    #[error("encoded as {0}, which was not released: a proxy must pass on what it gets")]
    Encoding(String),
    /// What kind of file it is said to be.
    #[error("called {0:?}")]
    Type(String),
    /// The status.
    #[error("status {0}")]
    Status(u16),
    /// A header of the release that is not there, or is there more than once.
    #[error("without the header {0}")]
    NoHeader(String),
    /// A header that says something else.
    #[error("the header {0} says {1:?}")]
    Header(String, String),
    /// A header that no release has.
    #[error("with a header {0}, which no release has: {1:?}")]
    Added(String, String),
    /// Settings that are no object.
    #[error("not settings")]
    NotSettings,
    /// A setting that the page does not know.
    #[error("a setting that the page does not have: {0:?}")]
    Setting(String),
    /// Another release than the one that is proved.
    #[error("said to be of release {0:?}")]
    OtherRelease(String),
}

/// The page of a release.
#[derive(Debug, Clone)]
pub struct ReleasedPage<'a> {
    release: &'a Release,
    headers: BTreeMap<String, String>,
}

impl<'a> ReleasedPage<'a> {
    /// `headers` are the bytes of `headers.txt`.
    pub fn new(release: &'a Release, headers: &[u8]) -> Result<Self, PageError> {
        if !release.artefacts.contains_key(HEADERS) {
            return Err(PageError::NoPage);
        }
        let text = std::str::from_utf8(headers).ok().filter(|_| release.holds(HEADERS, headers)).ok_or(PageError::OtherHeaders)?;
        let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
        let headers = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self { release, headers })
    }

    /// All that a browser can load of it: address, and name of the file.
    pub fn files(&self) -> impl Iterator<Item = (String, &str)> {
        let names = self.release.artefacts.keys().filter_map(|name| name.strip_prefix(FOLDER)).filter(|name| !name.ends_with(BROTLI));
        names.map(|name| {
            let own = ADDRESSES.iter().find(|(file, _)| *file == name).map(|(_, address)| (*address).to_owned());
            (own.unwrap_or_else(|| format!("/{name}")), name)
        })
    }

    /// How the answer for the file of this name differs.
    pub fn differences(&self, name: &str, answer: &Answer<'_>) -> Vec<Difference> {
        let mut found = self.headers(answer);
        let status = if name == "404.html" { 404 } else { 200 };
        if answer.status != status {
            found.push(Difference::Status(answer.status));
        }
        let content_type = all(answer, "content-type").join(", ");
        if content_type.split(';').next().map(str::trim) != Some(media_type(name)) {
            found.push(Difference::Type(content_type));
        }
        let encoding = all(answer, "content-encoding").join(", ");
        let form = match encoding.as_str() {
            "" => "",
            "br" => BROTLI,
            _ => {
                found.push(Difference::Encoding(encoding));
                return found;
            }
        };
        if !self.release.holds(&format!("{FOLDER}{name}{form}"), answer.body) {
            found.push(Difference::Bytes);
        }
        found
    }

    /// How the settings differ from what a deployment may set.
    pub fn settings(&self, answer: &Answer<'_>) -> Vec<Difference> {
        let mut found = self.headers(answer);
        if answer.status != 200 {
            found.push(Difference::Status(answer.status));
        }
        let read =
            (answer.body.len() <= MAX_SETTINGS).then(|| serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(answer.body).ok());
        let Some(settings) = read.flatten() else {
            found.push(Difference::NotSettings);
            return found;
        };
        found.extend(settings.keys().filter(|name| !SETTINGS.contains(&name.as_str())).cloned().map(Difference::Setting));
        let release = settings.get("release").and_then(|release| release.as_str()).unwrap_or_default();
        if release != self.release.version.to_string() {
            found.push(Difference::OtherRelease(release.to_owned()));
        }
        found
    }

    fn headers(&self, answer: &Answer<'_>) -> Vec<Difference> {
        let mut found = Vec::new();
        for (name, released) in &self.headers {
            match all(answer, name)[..] {
                [value] if value == released => {}
                [value] => found.push(Difference::Header(name.clone(), value.to_owned())),
                _ => found.push(Difference::NoHeader(name.clone())),
            }
        }
        let added = answer.headers.iter().filter(|(name, _)| !self.headers.contains_key(name) && !HARMLESS.contains(&name.as_str()));
        found.extend(added.map(|(name, value)| Difference::Added(name.clone(), value.clone())));
        found
    }
}

fn all<'a>(answer: &Answer<'a>, name: &str) -> Vec<&'a str> {
    answer.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
}

/// By which a browser decides what a file is, since it may not guess (`nosniff`).
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "text/plain",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hash, Version};

    const POLICY: &[u8] = b"# policy\ncontent-security-policy: default-src 'none'\nreferrer-policy: no-referrer\n";

    fn release() -> Release {
        let files: [(&str, &[u8]); 4] =
            [("headers.txt", POLICY), ("index.html", b"<p>start"), ("index.html.br", b"small"), ("assets/a.js", b"run()")];
        Release {
            product: "conclave".to_owned(),
            version: Version(1, 2, 3),
            commit: [0; 20],
            toolchain: Hash::of_bytes(b""),
            sums: Hash::of_bytes(b""),
            artefacts: files.map(|(name, bytes)| (format!("web/{name}"), Hash::of_bytes(bytes))).into(),
        }
    }

    fn headers(more: &[(&str, &str)]) -> Vec<(String, String)> {
        let released = [("content-security-policy", "default-src 'none'"), ("referrer-policy", "no-referrer"), ("date", "today")];
        released.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn differences(name: &str, headers: &[(String, String)], body: &[u8]) -> Vec<Difference> {
        let release = release();
        let page = ReleasedPage::new(&release, POLICY).expect("a page");
        page.differences(name, &Answer { status: 200, headers, body })
    }

    const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");

    #[test]
    fn what_was_released_does_not_differ_in_either_form() {
        assert_eq!(differences("index.html", &headers(&[HTML]), b"<p>start"), []);
        assert_eq!(differences("index.html", &headers(&[HTML, ("content-encoding", "br")]), b"small"), []);
    }

    #[test]
    fn each_change_is_named() {
        assert_eq!(differences("index.html", &headers(&[HTML]), b"<p>starT"), [Difference::Bytes]);
        assert_eq!(differences("index.html", &headers(&[HTML, ("content-encoding", "br")]), b"<p>start"), [Difference::Bytes]);
        let gzip = [HTML, ("content-encoding", "gzip")];
        assert_eq!(differences("index.html", &headers(&gzip), b"..."), [Difference::Encoding("gzip".to_owned())]);
        let script = differences("assets/a.js", &headers(&[HTML]), b"run()");
        assert_eq!(script, [Difference::Type("text/html; charset=utf-8".to_owned())]);
        let link = ("link", "</evil.js>; rel=preload");
        assert_eq!(differences("index.html", &headers(&[HTML, link]), b"<p>start"), [Difference::Added(link.0.into(), link.1.into())]);
        let behind: Vec<_> = [HTML].into_iter().chain(std::iter::repeat_n(("via", "a proxy"), 200)).chain([link]).collect();
        assert_eq!(differences("index.html", &headers(&behind), b"<p>start"), [Difference::Added(link.0.into(), link.1.into())]);
        let twice = ("referrer-policy", "unsafe-url");
        assert_eq!(differences("index.html", &headers(&[HTML, twice]), b"<p>start"), [Difference::NoHeader(twice.0.into())]);
        let mut weak = headers(&[HTML]);
        weak[0].1 = "default-src *".to_owned();
        assert_eq!(differences("index.html", &weak, b"<p>start"), [Difference::Header(weak[0].0.clone(), weak[0].1.clone())]);
        assert_eq!(differences("unknown.js", &headers(&[("content-type", "text/javascript")]), b"x"), [Difference::Bytes]);
    }

    #[test]
    fn settings_say_only_what_the_page_knows() {
        let release = release();
        let page = ReleasedPage::new(&release, POLICY).expect("a page");
        let settings = |body: &[u8]| page.settings(&Answer { status: 200, headers: &headers(&[]), body });
        assert_eq!(settings(br#"{"release":"1.2.3"}"#), []);
        assert_eq!(settings(br#"{"release":"1.2.3","debug":true}"#), [Difference::Setting("debug".to_owned())]);
        assert_eq!(settings(br#"{"release":"1.2.4"}"#), [Difference::OtherRelease("1.2.4".to_owned())]);
        assert_eq!(settings(b"[]"), [Difference::NotSettings]);
    }

    #[test]
    fn the_page_has_addresses_of_its_own_and_headers_of_the_release() {
        let release = release();
        assert_eq!(ReleasedPage::new(&release, b"").err(), Some(PageError::OtherHeaders));
        let page = ReleasedPage::new(&release, POLICY).expect("a page");
        let files: Vec<_> = page.files().collect();
        assert_eq!(
            files,
            [("/assets/a.js".to_owned(), "assets/a.js"), ("/headers.txt".to_owned(), "headers.txt"), ("/".to_owned(), "index.html")]
        );
        let without = Release { artefacts: BTreeMap::new(), ..release.clone() };
        assert_eq!(ReleasedPage::new(&without, POLICY).err(), Some(PageError::NoPage));
    }
}
