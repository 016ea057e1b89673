/// What the other side's description says of one media section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its `a=mid`.
    pub mid: String,
    /// Stream and track of its `a=msid` (RFC 8830), if it has both.
    pub msid: Option<(String, String)>,
    /// Whether the other side sends in it.
    pub sending: bool,
}

/// The media sections of an SDP (RFC 8866), in order. Text that is not SDP has none.
pub(crate) fn read(sdp: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in sdp.lines() {
        if line.starts_with("m=") {
            sections.push(Section { mid: String::new(), msid: None, sending: true });
            continue;
        }
        let Some(section) = sections.last_mut() else { continue };
        if let Some(mid) = line.strip_prefix("a=mid:") {
            section.mid = mid.trim().to_owned();
        } else if let Some(msid) = line.strip_prefix("a=msid:") {
            section.msid = msid.trim().split_once(' ').map(|(s, t)| (s.to_owned(), t.to_owned()));
        } else if matches!(line.trim(), "a=recvonly" | "a=inactive") {
            section.sending = false;
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_read_with_its_track() {
        let sdp = "v=0\r\na=sendrecv\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:4\r\na=msid:PA_x|s TR_y\r\na=sendonly\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:5\r\na=inactive\r\n";
        let sections = read(sdp);
        assert_eq!(sections[0].msid, Some(("PA_x|s".into(), "TR_y".into())));
        assert!(sections[0].sending);
        assert_eq!((sections[1].mid.as_str(), sections[1].sending), ("5", false));
    }

    #[test]
    fn what_is_not_sdp_has_no_sections() {
        assert!(read("a=mid:1\nhello").is_empty());
    }
}
