//! What offer and answer agreed on, as packets need it.

use conclave_base::Codec;
use conclave_livekit_proto::sdp;
use conclave_sfu::Mid;
use str0m::Rtc;
use str0m::rtp::{Extension, ExtensionMap};

use crate::codecs::codec_of;

/// SSRCs of an offer that are remembered.
const MAX_SSRCS: usize = 512;

/// What a payload type is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Media,
    /// RFC 4588.
    Repair,
}

/// A payload type and the one that repairs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PayloadType {
    pub(super) codec: Codec,
    pub(super) media: u8,
    pub(super) repair: Option<u8>,
}

/// The ids of header extensions.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExtensionIds {
    pub(super) mid: Option<u8>,
    pub(super) rid: Option<u8>,
    pub(super) repaired_rid: Option<u8>,
    pub(super) transport_wide: Option<u8>,
}

impl ExtensionIds {
    pub(super) fn of(map: &ExtensionMap) -> Self {
        Self {
            mid: map.id_of(Extension::RtpMid),
            rid: map.id_of(Extension::RtpStreamId),
            repaired_rid: map.id_of(Extension::RepairedRtpStreamId),
            transport_wide: map.id_of(Extension::TransportSequenceNumber),
        }
    }

    /// An id means the same in all sections of a connection (BUNDLE), but not all of them have all.
    fn or(self, other: Self) -> Self {
        Self {
            mid: self.mid.or(other.mid),
            rid: self.rid.or(other.rid),
            repaired_rid: self.repaired_rid.or(other.repaired_rid),
            transport_wide: self.transport_wide.or(other.transport_wide),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Negotiated {
    pub(super) types: Vec<PayloadType>,
    pub(super) extensions: ExtensionIds,
    /// SSRCs that the offer names: the section, and whether it repairs another one.
    offered: Vec<(u32, Mid, bool)>,
}

impl Negotiated {
    /// Of a connection that has answered `offer`, for all of its sections that are in `mids`.
    pub(super) fn of(rtc: &Rtc, offer: &str, mids: impl Iterator<Item = Mid>) -> Self {
        let params = rtc.codec_config().params().iter();
        let types =
            params.filter_map(|p| Some(PayloadType { codec: codec_of(p.spec().codec)?, media: *p.pt(), repair: p.resend().map(|pt| *pt) }));
        let maps = mids.filter_map(|mid| Some(ExtensionIds::of(rtc.media(mid.as_str().into())?.remote_extmap())));
        Self { types: types.collect(), extensions: maps.fold(ExtensionIds::default(), ExtensionIds::or), offered: offered_ssrcs(offer) }
    }

    pub(super) fn payload_type(&self, number: u8) -> Option<(Use, Codec)> {
        self.types.iter().find_map(|pt| match number {
            _ if number == pt.media => Some((Use::Media, pt.codec)),
            _ if Some(number) == pt.repair => Some((Use::Repair, pt.codec)),
            _ => None,
        })
    }

    pub(super) fn offered_ssrc(&self, ssrc: u32) -> Option<(Mid, bool)> {
        self.offered.iter().find(|(offered, ..)| *offered == ssrc).map(|(_, mid, is_repair)| (*mid, *is_repair))
    }
}

/// RFC 5576: `a=ssrc:<number> …`, and `a=ssrc-group:FID <media> <repair>`.
fn offered_ssrcs(offer: &str) -> Vec<(u32, Mid, bool)> {
    let mut all: Vec<(u32, Mid, bool)> = Vec::new();
    for section in sdp::split(offer).1 {
        let Some(mid) = section.mid().and_then(|mid| Mid::new(mid).ok()) else { continue };
        let repairs: Vec<u32> =
            section.attributes("ssrc-group").filter_map(|group| group.strip_prefix("FID ")?.split(' ').nth(1)?.parse().ok()).collect();
        for ssrc in section.attributes("ssrc").filter_map(|line| line.split(' ').next()?.parse().ok()) {
            if all.len() < MAX_SSRCS && all.iter().all(|(known, ..)| *known != ssrc) {
                all.push((ssrc, mid, repairs.contains(&ssrc)));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_names_ssrcs_and_what_repairs_them() {
        let offer = "v=0\r\nm=audio 9 X 111\r\na=mid:a\r\na=ssrc:11 cname:x\r\na=ssrc:11 msid:s t\r\n\
                     m=video 9 X 96\r\na=mid:b\r\na=ssrc-group:FID 21 22\r\na=ssrc:21 cname:x\r\na=ssrc:22 cname:x\r\na=ssrc:nothing\r\n";
        let mid = |text| Mid::new(text).expect("a mid");
        assert_eq!(offered_ssrcs(offer), [(11, mid("a"), false), (21, mid("b"), false), (22, mid("b"), true)]);
        let many: String = (0..2000).map(|ssrc| format!("a=ssrc:{ssrc} cname:x\r\n")).collect();
        assert_eq!(offered_ssrcs(&format!("m=video 9 X 96\r\na=mid:b\r\n{many}")).len(), MAX_SSRCS);
    }
}
