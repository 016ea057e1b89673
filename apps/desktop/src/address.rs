//! What a person gives: a meeting's link, or a server.

use anyhow::{Context as _, bail};
use conclave_base::Redacted;
use conclave_session::{FoundLink, meeting_link};

/// Where to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Origin of the meeting server: scheme, host, and port if it is not the scheme's own.
    pub(crate) server: String,
    /// What stands behind the `#` of a link.
    pub(crate) fragment: Option<Redacted<String>>,
}

/// Reads a link, also with `conclave:` in front or in the place of `https:`, or a server's address.
pub(crate) fn read(text: &str) -> anyhow::Result<Address> {
    let text = match text.trim().strip_prefix("conclave:") {
        Some(rest) if rest.starts_with("//") => format!("https:{rest}"),
        Some(rest) => rest.to_owned(),
        None => text.trim().to_owned(),
    };
    if !text.contains('#') {
        return Ok(Address { server: origin(&text)?, fragment: None });
    }
    let FoundLink { link, origin: named, host } =
        meeting_link::find(&text).ok().context("this link is not whole: copy all of it, with the 43 characters behind the #")?;
    let server = origin(&named.context("this link names no server: it starts with https:// or http://")?)?;
    let url = host.map_or_else(|| link.url(&server), |host| host.url(&link, &server));
    let fragment = url.split_once('#').map(|(_, fragment)| Redacted::new(fragment.to_owned()));
    Ok(Address { server, fragment })
}

/// What may stand in a policy of the page: a name or an address and a port, and nothing that a policy would read as more.
fn origin(text: &str) -> anyhow::Result<String> {
    let Some((scheme @ ("https" | "http"), rest)) = text.split_once("://") else {
        bail!("this is not the address of a server: it starts with https:// or http://");
    };
    let host = rest.split('/').next().unwrap_or_default().to_lowercase();
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host.as_str(), |(name, _)| name);
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    if !is_name {
        bail!("this is not the address of a server: it looks like https://meet.example.org");
    }
    if scheme == "http" && !matches!(name, "localhost" | "127.0.0.1") {
        bail!("{name} is on another machine and its address has no TLS: it starts with https://");
    }
    Ok(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_gives_its_server_and_what_stands_behind_the_hash() {
        let secret = "A".repeat(43);
        let link = Address { server: "https://meet.example.org".to_owned(), fragment: Some(Redacted::new(secret.clone())) };
        for text in ["https://meet.example.org/m#", "conclave:https://meet.example.org/m#", "conclave://Meet.example.org/m#"] {
            assert_eq!(read(&format!("{text}{secret}")).expect("whole"), link);
        }
        assert_eq!(read(" https://meet.example.org/ ").expect("a server"), Address { fragment: None, ..link });
        assert_eq!(read("http://localhost:8080").expect("this machine").server, "http://localhost:8080");
    }

    #[test]
    fn what_would_be_more_than_a_server_in_a_policy_is_none() {
        for text in [
            "meet.example.org",
            "https://",
            "https://*",
            "https://meet.example.org;script-src",
            "https://meet.example.org https://evil.example",
            "https://me@evil.example",
            "http://meet.example.org",
            "javascript:alert(1)",
            "https://meet.example.org/m#cut",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
