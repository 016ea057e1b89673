//! A ring gives back what was put in, for as long as it can, and never anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conclave_base::Time;
use conclave_rtp::{Entry, MAX_PACKET, Ring};
use proptest::collection::vec;
use proptest::prelude::*;

fn entry(number: u64) -> Entry<u8> {
    Entry { number, timestamp: number as u32, marker: false, arrived: Time::ZERO, note: number as u8 }
}

/// A payload that tells which packet it is of.
fn fill(space: &mut [u8], number: u64, len: usize) {
    for (at, byte) in space.iter_mut().enumerate() {
        // Garbage behind it, as a forged packet leaves.
        *byte = if at < len { (number as u8).wrapping_add(at as u8) } else { 0xee };
    }
}

fn expected(number: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    fill(&mut bytes, number, len);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_packet_is_whole_or_gone(
        packets in 1_usize..300, bytes in 0_usize..40_000, start in 0_u64..1 << 20,
        arrivals in vec((0_u64..40, 0_usize..=MAX_PACKET, any::<bool>()), 1..200),
    ) {
        let mut ring = Ring::new(packets, bytes);
        let slots = packets.next_power_of_two() as u64;
        let capacity = bytes.max(4 * MAX_PACKET).next_power_of_two();
        // In order of arrival, all that should be there.
        let mut model: Vec<(Option<u64>, usize)> = Vec::new();
        let mut highest = None;
        let mut next = start + 40;
        for (back, len, is_forged) in arrivals {
            // Three in four are new.
            let number = if back < 30 { next += 1 + back / 20; next } else { next - back };
            fill(ring.space(), number, len);
            if is_forged {
                continue;
            }
            let is_fresh = !model.iter().any(|(other, _)| *other == Some(number));
            let is_young = highest.is_none_or(|highest: u64| highest.saturating_sub(number) < slots);
            let inserted = ring.insert(entry(number), len);
            if inserted {
                prop_assert!(is_young);
                // One that was gone can come again; its bytes of then still lie there.
                model.iter_mut().filter(|(other, _)| *other == Some(number)).for_each(|(other, _)| *other = None);
                model.push((Some(number), len));
                highest = highest.max(Some(number));
            } else {
                prop_assert!(!is_fresh || !is_young, "{number} has a place");
            }
            let top = highest.expect("there is one");
            prop_assert_eq!(ring.highest(), Some(top));
            // What must be there: the newest packets, as far as bytes and slots surely reach. Each end of the buffer may waste one packet's length.
            let mut used = 2 * MAX_PACKET;
            for (number, len) in model.iter().rev() {
                used += len;
                let Some(number) = number else { continue };
                let found = ring.get(*number);
                if used <= capacity && top - number < slots {
                    prop_assert!(found.is_some(), "{number} is gone too early");
                }
                if let Some((found, payload)) = found {
                    prop_assert_eq!(found, &entry(*number));
                    prop_assert_eq!(payload, expected(*number, *len));
                }
            }
        }
        let there: BTreeSet<_> = model.into_iter().filter_map(|(number, _)| number).collect();
        for number in start..=next + slots {
            prop_assert!(ring.get(number).is_none() || there.contains(&number));
        }
    }
}

#[test]
fn the_number_of_a_retransmission_is_the_nearest() {
    let mut ring = Ring::new(16, 0);
    assert!(ring.insert(entry(65_536 + 3), 1));
    assert_eq!(ring.number_of(65_535), 65_535);
    assert_eq!(ring.number_of(2), 65_538);
}

#[test]
fn a_packet_comes_once() {
    let mut ring = Ring::new(16, 0);
    fill(ring.space(), 5, 3);
    assert!(ring.insert(entry(5), 3));
    fill(ring.space(), 6, 3);
    assert!(!ring.insert(entry(5), 3));
    assert_eq!(ring.get(5).expect("it is there").1, expected(5, 3));
}

#[test]
fn a_ring_that_may_grow_keeps_what_came_within_its_reach() {
    const REACH: Duration = Duration::from_secs(1);
    let at = |number: u64| Time::from_micros(number * 3000);
    let mut ring = Ring::new(64, 0).growing(1024, 1 << 20, REACH);
    let mut lens = BTreeMap::new();
    for number in 0..5000_u64 {
        let len = (number * 7919 % 1200) as usize;
        // Forged ones leave garbage.
        fill(ring.space(), number + 1, MAX_PACKET);
        fill(ring.space(), number, len);
        assert!(ring.insert(Entry { arrived: at(number), ..entry(number) }, len));
        lens.insert(number, len);
        if number % 100 == 0 || number < 400 {
            for kept in (0..=number).rev().take_while(|kept| at(number) - at(*kept) < REACH) {
                assert_eq!(ring.get(kept).expect("it came within a second").1, expected(kept, lens[&kept]), "{kept} at {number}");
            }
        }
    }
    let kept = (0..5000).filter(|number| ring.get(*number).is_some()).count();
    assert!(kept <= 1024, "{kept}: no more than it needs");

    let mut small = Ring::new(4, 0).growing(8, 1 << 13, REACH);
    for number in 0..100 {
        small.insert(entry(number), 500);
    }
    assert_eq!((0..100).filter(|number| small.get(*number).is_some()).count(), 8, "as large as it may be");
}
