//! Offers: what we want from one that comes, before str0m answers it, and those that we make.

use conclave_livekit_proto::sdp;
use conclave_sfu::{Channel, DescriptionRefused, Direction, MediaKind, Mid, Offer};
use str0m::change::{SdpApi, SdpPendingOffer};
use str0m::channel::{ChannelConfig, Reliability};
use str0m::media;

/// The data channels, by their labels.
pub(crate) const CHANNELS: [(&str, Channel); 2] = [("_reliable", Channel::Reliable), ("_lossy", Channel::Lossy)];
/// Bytes of a description that are read. A browser with 49 tiles offers about 500 kB.
const MAX_BYTES: usize = 1 << 20;
/// Media sections that are read.
const MAX_SECTIONS: usize = 320;

/// Rewrites the direction of every media section so that str0m's answer says what `sections` wants: a section we send on is offered
/// `recvonly`, one we receive on `sendonly`, all others `inactive`. A section never gets a direction that the offer did not allow.
pub(crate) fn narrow(offer: &str, sections: &[(Mid, Direction)]) -> Result<String, DescriptionRefused> {
    check_size(offer)?;
    let (head, offered) = sdp::split(offer);
    let mut out = String::with_capacity(offer.len() + 16 * offered.len());
    out.push_str(head);
    for section in offered {
        narrow_section(section, sections, &mut out);
    }
    Ok(out)
}

/// Whether a description is small enough to be read.
pub(crate) fn check_size(description: &str) -> Result<(), DescriptionRefused> {
    let is_small = description.len() <= MAX_BYTES && sdp::split(description).1.len() <= MAX_SECTIONS;
    is_small.then_some(()).ok_or(DescriptionRefused::TooLarge)
}

/// Where it is we who offer: the sections that are agreed on, in their order, and those of an offer that is not answered.
#[derive(Default)]
pub(crate) struct Offered {
    sections: Vec<Mid>,
    pending: Option<(SdpPendingOffer, Vec<(Mid, Direction)>)>,
    /// An offer was answered, and the channels are open since.
    answered: bool,
}

impl Offered {
    /// Offers these sections, of which the first ones are those that there are.
    pub(crate) fn offer(
        &mut self,
        mut api: SdpApi<'_>,
        sections: &[(MediaKind, Direction)],
        restart_ice: bool,
    ) -> Result<Option<Offer>, DescriptionRefused> {
        // The channels have a section, too.
        if sections.len() >= MAX_SECTIONS {
            return Err(DescriptionRefused::TooLarge);
        }
        if !self.answered {
            for (label, channel) in CHANNELS {
                api.add_channel_with_config(config(label, channel));
            }
        }
        let mut offered = Vec::with_capacity(sections.len());
        for (at, (kind, direction)) in sections.iter().enumerate() {
            let towards = match direction {
                Direction::Send => media::Direction::SendOnly,
                Direction::Receive => media::Direction::RecvOnly,
                Direction::Inactive => media::Direction::Inactive,
            };
            let mid = match self.sections.get(at) {
                Some(mid) => {
                    api.set_direction(mid.as_str().into(), towards);
                    *mid
                }
                None => {
                    let kind = if *kind == MediaKind::Audio { media::MediaKind::Audio } else { media::MediaKind::Video };
                    let mid = api.add_media(kind, towards, None, None, None);
                    Mid::new(&mid).map_err(|e| DescriptionRefused::NotUnderstood(e.to_string()))?
                }
            };
            offered.push((mid, *direction));
        }
        if restart_ice && self.answered {
            api.ice_restart(true);
        }
        let Some((offer, pending)) = api.apply() else { return Ok(None) };
        let mids = offered.iter().map(|(mid, _)| *mid).collect();
        self.pending = Some((pending, offered));
        Ok(Some(Offer { sdp: offer.to_sdp_string(), mids }))
    }

    /// The offer that waits for its answer.
    pub(crate) fn take(&mut self) -> Option<(SdpPendingOffer, Vec<(Mid, Direction)>)> {
        self.pending.take()
    }

    /// These are agreed on.
    pub(crate) fn on_agreed(&mut self, sections: Vec<(Mid, Direction)>) {
        self.sections = sections.into_iter().map(|(mid, _)| mid).collect();
        self.answered = true;
    }
}

fn config(label: &str, channel: Channel) -> ChannelConfig {
    let (ordered, reliability) = match channel {
        Channel::Reliable => (true, Reliability::Reliable),
        Channel::Lossy => (false, Reliability::MaxRetransmits { retransmits: 0 }),
    };
    ChannelConfig { label: label.to_owned(), ordered, reliability, ..ChannelConfig::default() }
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
        assert_eq!(narrow(&"x".repeat(MAX_BYTES + 1), &[]), Err(DescriptionRefused::TooLarge));
        assert_eq!(narrow(&"m=audio\n".repeat(MAX_SECTIONS + 1), &[]), Err(DescriptionRefused::TooLarge));
    }
}
