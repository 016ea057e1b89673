//! Packets on their way allocate nothing.

use conclave_base::Time;
use conclave_rtp::{Batch, Entry, KeyingMaterial, Outgoing, Packet, Profile, Ring, Role, sealed_len};

const SUBSCRIBERS: u8 = 5;

#[test]
fn a_packet_from_datagram_to_datagrams_allocates_nothing() {
    let keys = |n: u8, role| {
        let exported: Vec<u8> = (n..n + 56).collect();
        KeyingMaterial::new(Profile::AeadAes128Gcm, &exported).expect("its length").into_keys(role).expect("keys")
    };
    let (_, mut publisher) = keys(0, Role::Client);
    let (mut opener, _) = keys(0, Role::Server);
    let mut subscribers: Vec<_> = (1..=SUBSCRIBERS).map(|n| keys(n, Role::Server).1).collect();
    let from = publisher.add_stream(1).expect("the first");
    let to: Vec<_> = subscribers.iter_mut().map(|sealer| sealer.add_stream(1).expect("the first")).collect();
    let mut ring = Ring::new(256, 1 << 18);
    let mut batch = Batch::default();
    let mut forward = |number: u64| {
        let mut datagram = [0; 1300];
        let header = Outgoing { extensions: &[(1, b"0"), (3, b"12")], ..Outgoing::default() };
        let len = publisher.claim(from, number).expect("fresh").seal(&header, &[&[7; 1200]], &mut datagram).expect("room");
        let packet = Packet::read(&datagram[..len]).expect("a header");
        let opened = opener.open(&packet, ring.space()).expect("it is proved");
        let entry = Entry { number: opened.number, timestamp: packet.timestamp, marker: packet.marker, arrived: Time::ZERO, note: () };
        assert!(ring.insert(entry, opened.len));
        for (sealer, stream) in subscribers.iter_mut().zip(&to) {
            let (_, payload) = ring.get(number).expect("it just came");
            let header = Outgoing { padding: batch.padding(sealed_len(&header, payload.len()), 16).unwrap_or(0), ..header };
            let out = batch.space(sealed_len(&header, payload.len()));
            let len = sealer.claim(*stream, number).expect("fresh").seal(&header, &[payload], out).expect("room");
            batch.push(len);
        }
        assert_eq!(batch.len(), usize::from(SUBSCRIBERS));
        batch.clear();
    };
    // The first packet of a stream makes a place for it.
    forward(0);
    let counted = allocation_counter::measure(|| (1..2_000).for_each(&mut forward));
    assert_eq!(counted.count_total, 0, "{counted:?}");
    assert_ne!(allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8]))).count_total, 0, "nothing is counted at all");
}
