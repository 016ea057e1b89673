//! Narrows an SDP offer to what we want from it, before str0m answers it.

use conclave_livekit_proto::sdp;
use conclave_sfu::{Direction, Mid, OfferRefused};

/// Bytes of an offer that are read. A browser with 49 tiles offers about 500 kB.
const MAX_BYTES: usize = 1 << 20;
/// Media sections that are read.
const MAX_SECTIONS: usize = 320;

/// Rewrites the direction of every media section so that str0m's answer says what `sections` wants: a section we send on is offered
/// `recvonly`, one we receive on `sendonly`, all others `inactive`. A section never gets a direction that the offer did not allow.
pub(crate) fn narrow(offer: &str, sections: &[(Mid, Direction)]) -> Result<String, OfferRefused> {
    if offer.len() > MAX_BYTES {
        return Err(OfferRefused::TooLarge);
    }
    let (head, offered) = sdp::split(offer);
    if offered.len() > MAX_SECTIONS {
        return Err(OfferRefused::TooLarge);
    }
    let mut out = String::with_capacity(offer.len() + 16 * offered.len());
    out.push_str(head);
    for section in offered {
        narrow_section(section, sections, &mut out);
    }
    Ok(out)
}

fn narrow_section(section: sdp::Section<'_>, sections: &[(Mid, Direction)], out: &mut String) {
    if section.media().next() == Some("application") {
        out.push_str(section.text());
        return;
    }
    let wanted = section
        .mid()
        .and_then(|mid| sections.iter().find(|(m, _)| m.as_str() == mid))
        .map_or(Direction::Inactive, |(_, direction)| *direction);
    let offered = section.direction();
    let narrowed = match wanted {
        Direction::Receive if offered.sends => "a=sendonly",
        Direction::Send if offered.receives => "a=recvonly",
        Direction::Receive | Direction::Send | Direction::Inactive => "a=inactive",
    };
    for line in section.lines().filter(|l| sdp::Direction::of_line(l).is_none()) {
        out.push_str(line);
        out.push_str("\r\n");
    }
    out.push_str(narrowed);
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mid(text: &str) -> Mid {
        Mid::new(text).expect("a mid")
    }

    #[test]
    fn each_section_gets_the_direction_wanted_if_it_was_offered() {
        let offer = "v=0\r\nm=audio 9 X 111\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\nm=video 9 X 96\r\na=recvonly\r\na=mid:1\r\n\
                     m=video 9 X 96\r\na=mid:2\r\na=recvonly\r\nm=application 9 Y\r\na=mid:3\r\n";
        let wanted = [(mid("0"), Direction::Receive), (mid("1"), Direction::Send), (mid("2"), Direction::Receive)];
        let narrowed = narrow(offer, &wanted).expect("small enough");
        assert_eq!(
            narrowed,
            "v=0\r\nm=audio 9 X 111\r\na=mid:0\r\na=rtcp-mux\r\na=sendonly\r\nm=video 9 X 96\r\na=mid:1\r\na=recvonly\r\n\
             m=video 9 X 96\r\na=mid:2\r\na=inactive\r\nm=application 9 Y\r\na=mid:3\r\n"
        );
    }

    #[test]
    fn a_section_that_is_not_named_is_inactive() {
        let narrowed = narrow("v=0\nm=audio 9 X 111\na=mid:0\na=sendonly\n", &[]).expect("small enough");
        assert!(narrowed.ends_with("a=mid:0\r\na=inactive\r\n"));
    }

    #[test]
    fn too_much_is_refused() {
        assert_eq!(narrow(&"x".repeat(MAX_BYTES + 1), &[]), Err(OfferRefused::TooLarge));
        assert_eq!(narrow(&"m=audio\n".repeat(MAX_SECTIONS + 1), &[]), Err(OfferRefused::TooLarge));
    }
}
