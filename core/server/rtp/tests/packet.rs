//! Headers: what is written is read again, and no bytes make the reader panic.

use conclave_rtp::{KeyingMaterial, Kind, Outgoing, Packet, Profile, Role};
use proptest::collection::vec;
use proptest::prelude::*;

/// Ids and values of extension elements, some of them too long for the form with one byte.
fn elements() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    vec((1_u8..=20, vec(any::<u8>(), 0..40)), 0..6).prop_map(|mut elements| {
        // 15 stands for the end in the shorter form, and nobody maps to it.
        elements.retain(|(id, _)| *id != 15);
        elements
    })
}

proptest! {
    #[test]
    fn a_header_is_read_as_it_was_written(
        (marker, payload_type, timestamp, seq, ssrc) in (any::<bool>(), 0_u8..128, any::<u32>(), any::<u16>(), any::<u32>()),
        elements in elements(),
        payload in vec(any::<u8>(), 0..300),
        padding in any::<u8>(),
    ) {
        let borrowed: Vec<_> = elements.iter().map(|(id, value)| (*id, value.as_slice())).collect();
        let header = Outgoing { marker, payload_type, timestamp, extensions: &borrowed, padding };
        let material = [7; 56];
        let keys = |role| KeyingMaterial::new(Profile::AeadAes128Gcm, &material).expect("its length").into_keys(role).expect("keys");
        let (_, mut sealer) = keys(Role::Client);
        let (mut opener, _) = keys(Role::Server);
        let stream = sealer.add_stream(ssrc).expect("the first");
        let mut out = [0xff; 2000];
        let len = sealer.claim(stream, u64::from(seq)).expect("fresh").seal(&header, &[&payload], &mut out).expect("room");
        prop_assert_eq!(len, conclave_rtp::sealed_len(&header, payload.len()));

        let packet = Packet::read(&out[..len]).expect("a header");
        prop_assert_eq!((packet.marker, packet.payload_type, packet.timestamp), (marker, payload_type, timestamp));
        prop_assert_eq!((packet.seq, packet.ssrc, packet.header().len()), (seq, ssrc, header.header_len()));
        prop_assert_eq!(packet.extensions().collect::<Vec<_>>(), borrowed);
        for (id, _) in &elements {
            prop_assert_eq!(packet.extension(*id), elements.iter().find(|(other, _)| other == id).map(|(_, value)| value.as_slice()));
        }
        let mut plain = [0; 2000];
        let opened = opener.open(&packet, &mut plain).expect("it is proved");
        prop_assert_eq!(&plain[..opened.len], payload);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(packet) = Packet::read(&bytes) {
            prop_assert_eq!([packet.header(), packet.body()].concat(), bytes.clone());
            let elements: usize = packet.extensions().map(|(_, value)| value.len() + 1).sum();
            prop_assert!(elements <= packet.header().len());
        }
        let _ = Kind::of(&bytes);
    }

    /// Nearly right, so that the reader gets far.
    #[test]
    fn extensions_of_any_bytes_are_read_or_end(first in 0x90_u8..=0xbf, form in prop_oneof![Just(0xbede_u16), 0x1000..=0x100f_u16, any::<u16>()],
        words in 0_u16..12, mut bytes in vec(any::<u8>(), 16..80)) {
        bytes[0] = first & 0xf0;
        bytes[12..14].copy_from_slice(&form.to_be_bytes());
        bytes[14..16].copy_from_slice(&words.to_be_bytes());
        match Packet::read(&bytes) {
            Ok(packet) => prop_assert!(packet.extensions().count() <= usize::from(words) * 4),
            Err(_) => prop_assert!(bytes.len() < 16 + usize::from(words) * 4),
        }
    }
}

#[test]
fn elements_end_where_rfc_8285_says() {
    let mut bytes = vec![0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 3];
    bytes.extend([0, 0x10, 0xaa, 0, 0x21, 0xbb, 0xcc, 0xf0, 0x30, 0xdd, 0, 0]);
    let packet = Packet::read(&bytes).expect("a header");
    let elements: Vec<(u8, &[u8])> = packet.extensions().collect();
    assert_eq!(elements, [(1, &[0xaa][..]), (2, &[0xbb, 0xcc])], "padding is skipped, and 15 is the end");
}

#[test]
fn datagrams_are_told_apart() {
    assert_eq!(Kind::of(&[0x80, 96]), Kind::Rtp);
    assert_eq!(Kind::of(&[0x80, 0x80 | 96]), Kind::Rtp, "with a marker");
    assert_eq!(Kind::of(&[0x80, 200]), Kind::Rtcp);
    assert_eq!(Kind::of(&[0x81, 206]), Kind::Rtcp);
    assert_eq!(Kind::of(&[0, 1]), Kind::Other, "STUN");
    assert_eq!(Kind::of(&[22, 254]), Kind::Other, "DTLS");
    assert_eq!(Kind::of(&[0x80]), Kind::Other);
}
