use conclave_base::Redacted;
use conclave_protocol::limits::SITE_CHARS;
use conclave_protocol::payload::{Program, Software};

/// Makes what a member says that it runs fit to be shown: a site that is no host is none. Applied by the sender and again by every receiver,
/// who need not trust it.
pub fn clean_software(said: &Software) -> Software {
    let program = match &said.program {
        Program::Page { site } => Program::Page { site: Redacted::new(clean_site(site.expose())) },
        Program::Native => Program::Native,
    };
    Software { program, ..said.clone() }
}

/// A host as browsers write it, with names of other scripts in Punycode: nothing that a reader could take for another one's letters, or for words.
/// One that is too long is not cut, since its end says whose it is.
fn clean_site(raw: &str) -> String {
    let is_of_host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if raw.len() <= SITE_CHARS && raw.chars().all(is_of_host) { raw.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_stays() {
        for host in ["meet.example.org", "localhost:8443", "xn--bcher-kva.example", "[::1]:8080"] {
            assert_eq!(clean_site(host), host);
        }
    }

    #[test]
    fn what_is_no_host_is_none() {
        let long = "a".repeat(SITE_CHARS + 1);
        let hostile =
            ["meet.example.org\u{202E}gro", "m\u{435}et.example.org", "all is well", "a\u{1b}[31m", "a\nb", "<b>", "EXAMPLE.org", &long];
        for host in hostile {
            assert_eq!(clean_site(host), "", "{host:?}");
        }
    }
}
