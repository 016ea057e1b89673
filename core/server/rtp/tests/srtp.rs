//! One owner for each index, nothing forged or replayed gets in, and no bytes make anything panic.

use std::collections::BTreeSet;

use conclave_rtp::{KeyingMaterial, OpenRefused, Opener, Outgoing, Packet, Profile, Role, SealRefused, Sealer, TAG};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

fn keys(role: Role) -> (Opener, Sealer) {
    let exported: Vec<u8> = (1..=88).collect();
    KeyingMaterial::new(Profile::AeadAes256Gcm, &exported).expect("its length").into_keys(role).expect("keys")
}

/// Whatever an SFU may do with a sealer.
#[derive(Debug, Clone)]
enum Act {
    /// The next number of one of the streams, or one further on.
    Forward(Index, u16),
    /// One that was asked for again, or comes late.
    Back(Index, u16),
    /// Any number at all.
    Any(Index, u64),
    /// A number is taken, and then nothing is sent.
    Drop(Index, u16),
    /// A stream begins, perhaps with an SSRC that there was.
    Stream(u32),
    Report,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        8 => (any::<Index>(), 0_u16..4).prop_map(|(stream, by)| Act::Forward(stream, by)),
        1 => (any::<Index>(), any::<u16>()).prop_map(|(stream, by)| Act::Forward(stream, by)),
        6 => (any::<Index>(), 0_u16..700).prop_map(|(stream, by)| Act::Back(stream, by)),
        1 => (any::<Index>(), 0..1_u64 << 49).prop_map(|(stream, number)| Act::Any(stream, number)),
        2 => (any::<Index>(), 0_u16..4).prop_map(|(stream, by)| Act::Drop(stream, by)),
        1 => (0_u32..6).prop_map(Act::Stream),
        3 => Just(Act::Report),
    ];
    vec(act, 1..1500)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// With one nonce twice, AES-GCM makes the same keystream twice. All packets have the same payload here, so that the ciphertext is the keystream,
    /// and nonces need not be trusted to whoever makes them: a repetition shows on the wire.
    #[test]
    fn no_keystream_is_used_twice(acts in acts(), start in 0_u64..1 << 16) {
        let (_, mut sealer) = keys(Role::Client);
        let mut streams = Vec::new();
        let (mut rtp, mut rtcp) = (BTreeSet::new(), BTreeSet::new());
        let mut sealed = 0;
        for act in acts {
            let (number, stream, is_sent): (u64, Option<&mut (_, u64)>, bool) = match act {
                Act::Stream(ssrc) => {
                    streams.extend(sealer.add_stream(ssrc).ok().map(|stream| (stream, start)));
                    continue;
                }
                Act::Report => {
                    let mut out = [0; 64];
                    let mut packet = [0; 24];
                    packet[..2].copy_from_slice(&[0x80, 201]);
                    let len = sealer.seal_rtcp(&packet, &mut out).expect("room");
                    prop_assert!(rtcp.insert(out[8..len - TAG - 4].to_vec()), "a keystream of SRTCP came twice");
                    continue;
                }
                Act::Forward(_, _) | Act::Back(_, _) | Act::Any(_, _) | Act::Drop(_, _) if streams.is_empty() => continue,
                Act::Forward(stream, by) => {
                    let at = stream.get_mut(&mut streams);
                    (at.1 + u64::from(by), Some(at), true)
                }
                Act::Back(stream, by) => {
                    let at = stream.get_mut(&mut streams);
                    (at.1.saturating_sub(u64::from(by)), Some(at), true)
                }
                Act::Any(stream, number) => (number, Some(stream.get_mut(&mut streams)), true),
                Act::Drop(stream, by) => {
                    let at = stream.get_mut(&mut streams);
                    (at.1 + u64::from(by), Some(at), false)
                }
            };
            let Some((stream, highest)) = stream else { continue };
            let Ok(claim) = sealer.claim(*stream, number) else { continue };
            *highest = number.max(*highest);
            if !is_sent {
                continue;
            }
            let mut out = [0; 64];
            let len = claim.seal(&Outgoing::default(), &[&[0; 16]], &mut out).expect("room");
            sealed += 1;
            prop_assert!(rtp.insert(out[12..len - TAG].to_vec()), "a keystream of SRTP came twice, at number {number}");
        }
        prop_assert_eq!(rtp.len(), sealed);
    }

    /// Over roll-overs, with every tenth packet lost and others late: all that come are opened, once.
    #[test]
    fn what_is_sealed_is_opened_once(start in 0_u64..1 << 16, fates in vec((0_u64..30, any::<bool>(), 0_u64..10), 1..400), leap in 1_u64..20_000) {
        let (_, mut sealer) = keys(Role::Client);
        let (mut opener, _) = keys(Role::Server);
        let stream = sealer.add_stream(9).expect("the first");
        let mut datagrams = Vec::new();
        let mut number = start;
        for (place, (late, leaps, lost)) in (0_u64..).zip(fates) {
            number += if leaps && place > 0 && place % 20 == 0 { leap } else { 1 };
            let mut out = [0; 64];
            let len = sealer.claim(stream, number - 1).expect("fresh").seal(&Outgoing::default(), &[&number.to_be_bytes()], &mut out).expect("room");
            // The first one has to come in its time, or a receiver cannot know the round.
            let late = if place == 0 || leaps { 0 } else { late };
            if lost != 0 || place == 0 {
                datagrams.push((place + late, number, out[..len].to_vec()));
            }
        }
        datagrams.sort_by_key(|(place, _, _)| *place);
        let mut highest = 0;
        for (_, number, datagram) in &datagrams {
            let packet = Packet::read(datagram).expect("a header");
            let mut out = [0; 64];
            highest = highest.max(*number);
            match opener.open(&packet, &mut out) {
                Ok(opened) => {
                    prop_assert_eq!(opened.number, number - 1);
                    prop_assert_eq!(&out[..opened.len], &number.to_be_bytes());
                }
                Err(refused) => {
                    prop_assert!(highest - number >= 512, "{number} is not too old for {highest}");
                    // Beyond half a round, it is taken for one of the next.
                    prop_assert!(refused == OpenRefused::Replayed || highest - number > 1 << 15 && refused == OpenRefused::Forged);
                }
            }
            prop_assert!(opener.open(&packet, &mut out).is_err());
        }
    }

    /// One bit anywhere, and neither the packet nor anything that it says is believed.
    #[test]
    fn nothing_changed_is_opened(at in any::<Index>(), bit in 0_u32..8, payload in vec(any::<u8>(), 0..200), is_rtcp in any::<bool>()) {
        let (_, mut sealer) = keys(Role::Client);
        let (mut opener, _) = keys(Role::Server);
        let stream = sealer.add_stream(9).expect("the first");
        let mut out = [0; 400];
        let header = Outgoing { extensions: &[(1, b"mid")], padding: 5, ..Outgoing::default() };
        let honest = if is_rtcp {
            let mut packet = vec![0x80, 201, 0, 0, 0, 0, 0, 9];
            packet.extend(&payload);
            let len = sealer.seal_rtcp(&packet, &mut out).expect("room");
            out[..len].to_vec()
        } else {
            let len = sealer.claim(stream, 70).expect("fresh").seal(&header, &[&payload], &mut out).expect("room");
            out[..len].to_vec()
        };
        let mut open = |datagram: &[u8]| {
            let mut out = [0; 400];
            if is_rtcp {
                opener.open_rtcp(datagram, &mut out).is_ok()
            } else {
                Packet::read(datagram).is_ok_and(|packet| opener.open(&packet, &mut out).is_ok())
            }
        };
        let mut changed = honest.clone();
        changed[at.index(honest.len())] ^= 1 << bit;
        prop_assert!(!open(&changed));
        prop_assert!(open(&honest), "the forgery left nothing behind");
        prop_assert!(!open(&honest));
    }

    #[test]
    fn any_bytes_are_refused(bytes in vec(any::<u8>(), 0..200)) {
        let (mut opener, _) = keys(Role::Server);
        let mut out = [0; 256];
        prop_assert!(opener.open_rtcp(&bytes, &mut out).is_err());
        if let Ok(packet) = Packet::read(&bytes) {
            prop_assert!(opener.open(&packet, &mut out).is_err());
        }
    }
}

#[test]
fn a_number_is_given_once_whether_it_is_used_or_not() {
    let (_, mut sealer) = keys(Role::Client);
    let stream = sealer.add_stream(1).expect("the first");
    drop(sealer.claim(stream, 7).expect("fresh"));
    assert_eq!(sealer.claim(stream, 7).err(), Some(SealRefused::Given));
    let claim = sealer.claim(stream, 8).expect("fresh");
    assert_eq!(claim.seal(&Outgoing::default(), &[&[0; 100]], &mut [0; 50]), Err(SealRefused::NoRoom));
    assert_eq!(sealer.claim(stream, 8).err(), Some(SealRefused::Given));
}

#[test]
fn an_ssrc_begins_once() {
    let (_, mut sealer) = keys(Role::Client);
    sealer.add_stream(1).expect("the first");
    assert_eq!(sealer.add_stream(1), Err(SealRefused::Stream));
}

#[test]
fn a_stream_begins_in_the_first_round_and_leaps_half_a_round_at_most() {
    let (_, mut sealer) = keys(Role::Client);
    let stream = sealer.add_stream(1).expect("the first");
    assert_eq!(sealer.claim(stream, 1 << 16).err(), Some(SealRefused::Leap));
    assert!(sealer.claim(stream, 10).is_ok());
    assert_eq!(sealer.claim(stream, 10 + (1 << 15)).err(), Some(SealRefused::Leap));
    assert!(sealer.claim(stream, 9 + (1 << 15)).is_ok());
    assert_eq!(sealer.claim(stream, 9 + (1 << 15) - 512).err(), Some(SealRefused::Given), "too old to know");
}

#[test]
fn streams_without_end_are_refused_on_both_sides() {
    let (_, mut sealer) = keys(Role::Client);
    let (mut opener, _) = keys(Role::Server);
    let mut ssrcs = 0..5000;
    for ssrc in &mut ssrcs {
        let Ok(stream) = sealer.add_stream(ssrc) else { break };
        let mut out = [0; 64];
        let len = sealer.claim(stream, 1).expect("fresh").seal(&Outgoing::default(), &[&[1]], &mut out).expect("room");
        let opened = opener.open(&Packet::read(&out[..len]).expect("a header"), &mut [0; 64]);
        assert_eq!(opened.err(), (ssrc >= 512).then_some(OpenRefused::TooManyStreams));
    }
    assert_eq!(ssrcs.next(), Some(4097), "the one after the refused one");
}
