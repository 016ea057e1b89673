//! The media sections of a session description (RFC 8866), as text.
//!
//! Whoever answers a description reads all of it; this is for those who stand between: they look at a few attributes, change single
//! lines, and pass the rest on as it came. Of an attribute that stands twice in a section the first counts, for every reader.

/// The text before the first media section, and the media sections in order. Text that is not SDP has none.
pub fn split(sdp: &str) -> (&str, Vec<Section<'_>>) {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in sdp.split_inclusive('\n') {
        if line.starts_with("m=") {
            starts.push(at);
        }
        at += line.len();
    }
    let head = starts.first().copied().unwrap_or(sdp.len());
    let ends = starts.iter().skip(1).copied().chain([sdp.len()]);
    let sections = starts.iter().zip(ends).map(|(start, end)| Section(&sdp[*start..end])).collect();
    (&sdp[..head], sections)
}

/// One media section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section<'a>(&'a str);

/// Who may send in a media section, as its writer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Direction {
    /// Its writer means to send.
    pub sends: bool,
    /// Its writer is ready to receive.
    pub receives: bool,
}

impl Direction {
    /// The direction that a line of a section states, if it states one.
    pub fn of_line(line: &str) -> Option<Self> {
        let (sends, receives) = match line {
            "a=sendrecv" => (true, true),
            "a=sendonly" => (true, false),
            "a=recvonly" => (false, true),
            "a=inactive" => (false, false),
            _ => return None,
        };
        Some(Self { sends, receives })
    }
}

impl<'a> Section<'a> {
    /// All of it.
    pub fn text(self) -> &'a str {
        self.0
    }

    /// Its lines, without their ends.
    pub fn lines(self) -> impl Iterator<Item = &'a str> {
        self.0.lines().map(str::trim_end)
    }

    /// The words of its `m=` line: media, port, protocol, formats.
    pub fn media(self) -> impl Iterator<Item = &'a str> {
        let line = self.lines().next().unwrap_or_default();
        line.strip_prefix("m=").unwrap_or_default().split(' ')
    }

    /// The values of all attributes `name`.
    pub fn attributes(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.lines().filter_map(move |line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':'))
    }

    /// Its name (`a=mid`, RFC 5888).
    pub fn mid(self) -> Option<&'a str> {
        self.attributes("mid").next()
    }

    /// Its direction; both ways if it states none.
    pub fn direction(self) -> Direction {
        self.lines().find_map(Direction::of_line).unwrap_or(Direction { sends: true, receives: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_taken_apart_and_nothing_is_lost() {
        let sdp = "v=0\r\na=mid:no\r\nm=audio 9 X 111 0\r\na=mid:0\r\na=rid:q send\r\na=rid:f send\nm=video 9 X 96\r\na=mid:1\r\na=recvonly\r\na=mid:2";
        let (head, sections) = split(sdp);
        assert_eq!(head.to_owned() + &sections.iter().map(|s| s.text()).collect::<String>(), sdp);
        assert_eq!(sections.iter().map(|s| s.mid()).collect::<Vec<_>>(), [Some("0"), Some("1")]);
        assert_eq!(sections[0].media().collect::<Vec<_>>(), ["audio", "9", "X", "111", "0"]);
        assert_eq!(sections[0].attributes("rid").collect::<Vec<_>>(), ["q send", "f send"]);
        assert_eq!(sections[0].direction(), Direction { sends: true, receives: true });
        assert_eq!(sections[1].direction(), Direction { sends: false, receives: true });
    }

    #[test]
    fn what_is_not_sdp_has_no_sections() {
        for text in ["", "no sdp", "a=mid:1\nhello m=audio"] {
            assert_eq!(split(text), (text, vec![]));
        }
    }
}
