//! RTCP: what is written is read again, and no bytes make the reader panic or work for long.

use conclave_base::Time;
use conclave_rtp::rtcp::{Block, Compound, Message, SenderInfo, Status, Writer};
use conclave_rtp::{Arrivals, NoRoom};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Written {
    Sender(u32, SenderInfo, Vec<Block>),
    Receiver(u32, Vec<Block>),
    Description(u32, Vec<u8>),
    Goodbye(u32),
    Nack(u32, u32, Vec<u16>),
    Pli(u32, u32),
    Fir(u32, u32, u8),
}

impl Written {
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), NoRoom> {
        match self {
            Self::Sender(ssrc, info, blocks) => writer.sender_report(*ssrc, info, blocks),
            Self::Receiver(ssrc, blocks) => writer.receiver_report(*ssrc, blocks),
            Self::Description(ssrc, cname) => writer.description(*ssrc, cname),
            Self::Goodbye(ssrc) => writer.goodbye(*ssrc),
            Self::Nack(sender, media, lost) => writer.nack(*sender, *media, lost.iter().copied()),
            Self::Pli(sender, media) => writer.pli(*sender, *media),
            Self::Fir(sender, media, number) => writer.fir(*sender, *media, *number),
        }
    }

    /// Reads as many messages as it makes.
    fn check(&self, messages: &mut Compound<'_>) -> Result<(), TestCaseError> {
        let mut next =
            || messages.next().ok_or_else(|| TestCaseError::fail("a message is missing"))?.map_err(|e| TestCaseError::fail(e.to_string()));
        let mut rest: &[Block] = &[];
        match (self, next()?) {
            (Self::Sender(ssrc, info, blocks), Message::SenderReport { ssrc: s, info: i, blocks: b }) => {
                let (first, more) = blocks.split_at(blocks.len().min(31));
                prop_assert_eq!((ssrc, info, first), (&s, &i, &b.collect::<Vec<_>>()[..]));
                rest = more;
            }
            (Self::Receiver(ssrc, blocks), Message::ReceiverReport { ssrc: s, blocks: b }) => {
                let (first, more) = blocks.split_at(blocks.len().min(31));
                prop_assert_eq!((ssrc, first), (&s, &b.collect::<Vec<_>>()[..]));
                rest = more;
            }
            (Self::Description(..), Message::Other) => {}
            (Self::Goodbye(ssrc), Message::Goodbye { ssrcs }) => prop_assert_eq!(ssrcs.collect::<Vec<_>>(), [*ssrc]),
            (Self::Nack(sender, media, lost), Message::Nack { sender: s, media: m, lost: l }) => {
                prop_assert_eq!((sender, media, lost), (&s, &m, &l.collect::<Vec<_>>()));
            }
            (Self::Pli(sender, media), Message::Pli { sender: s, media: m }) => prop_assert_eq!((sender, media), (&s, &m)),
            (Self::Fir(sender, media, number), Message::Fir { sender: s, requests }) => {
                prop_assert_eq!(*sender, s);
                prop_assert_eq!(requests.collect::<Vec<_>>(), [(*media, *number)]);
            }
            (written, read) => prop_assert!(false, "{written:?} was read as {read:?}"),
        }
        for more in rest.chunks(31) {
            let Message::ReceiverReport { blocks, .. } = next()? else { return Err(TestCaseError::fail("blocks are missing")) };
            prop_assert_eq!(blocks.collect::<Vec<_>>(), more);
        }
        Ok(())
    }
}

fn block() -> impl Strategy<Value = Block> {
    (any::<(u32, u8, u32, u32, u32, u32)>(), -0x80_0000..=0x7f_ffff).prop_map(
        |((ssrc, fraction_lost, highest, jitter, last_report, delay), lost)| Block {
            ssrc,
            fraction_lost,
            lost,
            highest,
            jitter,
            last_report,
            delay,
        },
    )
}

fn written() -> impl Strategy<Value = Written> {
    let info = any::<(u64, u32, u32, u32)>().prop_map(|(ntp, timestamp, packets, octets)| SenderInfo { ntp, timestamp, packets, octets });
    // Numbers in order from anywhere, with gaps.
    let lost = (any::<u16>(), btree_set(0_u16..200, 1..60))
        .prop_map(|(start, set)| set.into_iter().map(|after| start.wrapping_add(after)).collect());
    prop_oneof![
        (any::<u32>(), info, vec(block(), 0..70)).prop_map(|(ssrc, info, blocks)| Written::Sender(ssrc, info, blocks)),
        (any::<u32>(), vec(block(), 0..70)).prop_map(|(ssrc, blocks)| Written::Receiver(ssrc, blocks)),
        (any::<u32>(), vec(any::<u8>(), 0..=255)).prop_map(|(ssrc, cname)| Written::Description(ssrc, cname)),
        any::<u32>().prop_map(Written::Goodbye),
        (any::<u32>(), any::<u32>(), lost).prop_map(|(sender, media, lost)| Written::Nack(sender, media, lost)),
        any::<(u32, u32)>().prop_map(|(sender, media)| Written::Pli(sender, media)),
        any::<(u32, u32, u8)>().prop_map(|(sender, media, number)| Written::Fir(sender, media, number)),
    ]
}

/// Reads all that a receiver would.
fn read_all(bytes: &[u8]) -> usize {
    let mut read = 0;
    for message in Compound::read(bytes) {
        read += match message {
            Ok(Message::SenderReport { blocks, .. } | Message::ReceiverReport { blocks, .. }) => blocks.count(),
            Ok(Message::Goodbye { ssrcs }) => ssrcs.count(),
            Ok(Message::Nack { lost, .. }) => lost.count(),
            Ok(Message::Fir { requests, .. }) => requests.count(),
            Ok(Message::TransportWide(feedback)) => feedback.count(),
            Ok(Message::Pli { .. } | Message::Other) | Err(_) => 0,
        };
    }
    read
}

proptest! {
    #[test]
    fn a_compound_is_read_as_it_was_written(all in vec(written(), 1..12), room in 0_usize..6000) {
        let mut bytes = vec![0; room];
        let mut writer = Writer::new(&mut bytes);
        let mut fitting = Vec::new();
        for one in &all {
            let before = writer.len();
            match one.write(&mut writer) {
                Ok(()) => fitting.push(one),
                Err(NoRoom) => prop_assert_eq!(writer.len(), before, "half a message is left"),
            }
        }
        let len = writer.len();
        prop_assert!(len.is_multiple_of(4));
        let mut messages = Compound::read(&bytes[..len]);
        for one in fitting {
            one.check(&mut messages)?;
        }
        prop_assert!(messages.next().is_none());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..600)) {
        read_all(&bytes);
    }

    /// Something that was right once: changed, cut, and repeated.
    #[test]
    fn nearly_right_bytes_are_read_or_refused(
        all in vec(written(), 1..5), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..20), cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = vec![0; 8000];
        let mut writer = Writer::new(&mut bytes);
        for one in &all {
            one.write(&mut writer).expect("room");
        }
        let len = writer.len();
        bytes.truncate(len);
        for (at, byte) in changes {
            bytes[at.index(len)] = byte;
        }
        bytes.truncate(cut.index(len + 1));
        read_all(&bytes);
    }

    /// Fields that a sender of feedback chooses, so that the reader gets far.
    #[test]
    fn feedback_of_any_fields_is_read_or_refused(count in any::<u16>(), words in vec(any::<u16>(), 0..200)) {
        let mut bytes = vec![0x80 | 15, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xf0];
        bytes.extend(count.to_be_bytes());
        bytes.extend([0xff, 0xff, 0xff, 9]);
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let length = u16::try_from(bytes.len() / 4 - 1).expect("short");
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        match Compound::read(&bytes).next() {
            Some(Ok(Message::TransportWide(feedback))) => {
                prop_assert!(count <= 2048);
                prop_assert_eq!(feedback.count(), usize::from(count), "each status has its symbol and its delta");
            }
            Some(Err(_)) => {}
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

/// What a hostile peer gets for the bytes of one datagram.
#[test]
fn feedback_costs_no_more_than_its_sender_pays() {
    let mut bytes = Vec::new();
    while bytes.len() < 1400 {
        // "Nothing came", 65,528 times, in eight runs.
        bytes.extend([0x80 | 15, 205, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xf8, 0, 0, 0, 0]);
        bytes.extend([0x1f, 0xff].repeat(8));
    }
    assert_eq!(read_all(&bytes), 0, "one of them alone is refused");
    for (at, byte) in bytes.iter_mut().enumerate() {
        if at % 36 == 14 {
            *byte = 0x08;
        } else if at % 36 == 15 {
            *byte = 0;
        }
    }
    let messages = bytes.len() / 36;
    assert_eq!(read_all(&bytes), messages * 2048);
}

/// What one feedback of at most 300 bytes says.
fn tell(arrivals: &mut Arrivals) -> Vec<Status> {
    let mut bytes = [0; 300];
    let mut writer = Writer::new(&mut bytes);
    arrivals.write(1, 2, &mut writer).expect("some fit");
    let len = writer.len();
    let Some(Ok(Message::TransportWide(feedback))) = Compound::read(&bytes[..len]).next() else { panic!("no feedback") };
    feedback.collect()
}

#[test]
fn feedback_that_does_not_fit_tells_of_the_first_packets() {
    let mut arrivals = Arrivals::default();
    for seq in 0..1000 {
        arrivals.on_packet(seq, Time::from_millis(u64::from(seq) * 100));
    }
    let mut told = 0;
    while arrivals.is_pending() {
        for status in tell(&mut arrivals) {
            assert_eq!(i64::from(status.seq), told);
            assert_eq!(status.arrived, Some(told * 400));
            told += 1;
        }
    }
    assert_eq!(told, 1000);
    // So many lost ones that the next arrival does not fit with them.
    arrivals.on_packet(1900, Time::from_millis(100_000));
    let mut lost = 0;
    while arrivals.is_pending() {
        lost += tell(&mut arrivals).iter().filter(|status| status.arrived.is_none()).count();
    }
    assert_eq!(lost, 900);
    let mut bytes = [0; 30];
    arrivals.on_packet(1901, Time::from_millis(100_000));
    assert_eq!(arrivals.write(1, 2, &mut Writer::new(&mut bytes)), Err(NoRoom));
    assert!(arrivals.is_pending());
}
