use std::net::SocketAddr;

use conclave_base::LookupMap;

use crate::ParticipantId;

/// Addresses that are remembered of one participant.
const MAX_ADDRESSES: usize = 8;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const USERNAME: u16 = 0x0006;

/// Finds the participant whose connection a datagram is for (RFC 7983) without asking every connection: by the sender's address, and
/// STUN by the user fragment in it.
#[derive(Debug, Default)]
pub(crate) struct Demux {
    by_address: LookupMap<SocketAddr, ParticipantId>,
    by_ufrag: LookupMap<String, ParticipantId>,
    bindings: LookupMap<ParticipantId, Bindings>,
}

/// What one participant is found by.
#[derive(Debug, Default)]
struct Bindings {
    ufrag: String,
    /// Oldest first.
    addresses: Vec<SocketAddr>,
}

impl Demux {
    pub(crate) fn participant_for(&self, src: SocketAddr, datagram: &[u8]) -> Option<ParticipantId> {
        let named = local_ufrag(datagram).and_then(|ufrag| self.by_ufrag.get(ufrag));
        named.or_else(|| self.by_address.get(&src)).copied()
    }

    /// `src` has proven to be the participant's.
    pub(crate) fn bind_address(&mut self, participant: ParticipantId, src: SocketAddr) {
        if self.by_address.insert(src, participant) == Some(participant) {
            return;
        }
        // An address taken over from another participant stays in that one's list; `unbind` looks before it removes.
        let addresses = &mut self.bindings.get_or_default(participant).addresses;
        addresses.retain(|a| *a != src);
        let oldest = (addresses.len() >= MAX_ADDRESSES).then(|| addresses.remove(0));
        addresses.push(src);
        if let Some(oldest) = oldest {
            self.unbind_address(participant, oldest);
        }
    }

    /// The participant's local user fragment is now `ufrag`.
    pub(crate) fn bind_ufrag(&mut self, participant: ParticipantId, ufrag: &str) {
        let bindings = self.bindings.get_or_default(participant);
        if bindings.ufrag != ufrag {
            self.by_ufrag.remove(&bindings.ufrag);
            self.by_ufrag.insert(ufrag.to_owned(), participant);
            ufrag.clone_into(&mut bindings.ufrag);
        }
    }

    /// Nothing is for the participant any more.
    pub(crate) fn unbind(&mut self, participant: ParticipantId) {
        let Some(bindings) = self.bindings.remove(&participant) else {
            return;
        };
        self.by_ufrag.remove(&bindings.ufrag);
        for address in bindings.addresses {
            self.unbind_address(participant, address);
        }
    }

    fn unbind_address(&mut self, participant: ParticipantId, address: SocketAddr) {
        if self.by_address.get(&address) == Some(&participant) {
            self.by_address.remove(&address);
        }
    }
}
/// The part before the colon of a STUN message's USERNAME (RFC 8489, section 14.3; RFC 8445, section 7.2.2): the receiver's ufrag.
fn local_ufrag(datagram: &[u8]) -> Option<&str> {
    let (header, mut attributes) = datagram.split_at_checked(20)?;
    if header[0] > 3 || header[4..8] != MAGIC_COOKIE {
        return None;
    }
    while let Some((head, rest)) = attributes.split_at_checked(4) {
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if kind == USERNAME {
            let username = std::str::from_utf8(rest.get(..len)?).ok()?;
            return username.split_once(':').map(|(local, _)| local);
        }
        attributes = rest.get(len.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding_request(username: &str) -> Vec<u8> {
        let mut stun = vec![0, 1, 0, 0];
        stun.extend(MAGIC_COOKIE);
        stun.extend([7; 12]);
        stun.extend([0x80, 0x22, 0, 3, b'x', b'y', b'z', 0]);
        stun.extend(USERNAME.to_be_bytes());
        stun.extend((username.len() as u16).to_be_bytes());
        stun.extend(username.as_bytes());
        stun
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[test]
    fn stun_is_found_by_ufrag_and_the_rest_by_address() {
        let mut demux = Demux::default();
        demux.bind_ufrag(ParticipantId(1), "abcd");
        assert_eq!(demux.participant_for(address(1), &binding_request("abcd:efgh")), Some(ParticipantId(1)));
        assert_eq!(demux.participant_for(address(1), &binding_request("efgh:abcd")), None);
        assert_eq!(demux.participant_for(address(1), &[0x80, 96]), None);
        demux.bind_address(ParticipantId(1), address(1));
        assert_eq!(demux.participant_for(address(1), &[0x80, 96]), Some(ParticipantId(1)));
    }

    #[test]
    fn an_ice_restart_replaces_the_ufrag() {
        let mut demux = Demux::default();
        demux.bind_ufrag(ParticipantId(1), "abcd");
        demux.bind_ufrag(ParticipantId(1), "wxyz");
        assert_eq!(demux.participant_for(address(1), &binding_request("abcd:efgh")), None);
        assert_eq!(demux.participant_for(address(1), &binding_request("wxyz:efgh")), Some(ParticipantId(1)));
    }

    #[test]
    fn an_address_follows_who_proved_it_last() {
        let mut demux = Demux::default();
        demux.bind_address(ParticipantId(1), address(1));
        demux.bind_address(ParticipantId(2), address(1));
        demux.unbind(ParticipantId(1));
        assert_eq!(demux.participant_for(address(1), &[0x80]), Some(ParticipantId(2)));
        demux.unbind(ParticipantId(2));
        assert_eq!(demux.participant_for(address(1), &[0x80]), None);
    }

    #[test]
    fn only_so_many_addresses_are_kept() {
        let mut demux = Demux::default();
        for port in 0..100 {
            demux.bind_address(ParticipantId(1), address(port));
        }
        assert_eq!(demux.by_address.len(), MAX_ADDRESSES);
        assert_eq!(demux.participant_for(address(99), &[0x80]), Some(ParticipantId(1)));
        demux.unbind(ParticipantId(1));
        assert!(demux.by_address.is_empty() && demux.by_ufrag.is_empty() && demux.bindings.is_empty());
    }

    #[test]
    fn cut_stun_is_nobodys() {
        let whole = binding_request("abcd:efgh");
        for len in 0..whole.len() {
            assert_eq!(local_ufrag(&whole[..len]), None, "{len} bytes");
        }
    }
}
