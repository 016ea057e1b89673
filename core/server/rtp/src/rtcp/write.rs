use super::feedback::{MAX_STATUSES, REFERENCE};
use super::{
    Block, DESCRIPTION, FIR, GOODBYE, NACK, PAYLOAD_FEEDBACK, PLI, RECEIVER_REPORT, SENDER_REPORT, SenderInfo, TRANSPORT_FEEDBACK,
    TRANSPORT_WIDE, Ticks,
};
use crate::packet::NoRoom;

/// Blocks of one report; there are five bits for their count.
const MAX_BLOCKS: usize = 31;
/// Bytes of transport-wide feedback on nothing, with what rounds it up.
const TRANSPORT_WIDE_HEADER: usize = 28;

/// Writes a compound packet, message by message. One that does not fit leaves nothing behind.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    /// Into `out`, from its start.
    pub fn new(out: &'a mut [u8]) -> Self {
        Self { out, len: 0 }
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Nothing written yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// SR; blocks beyond 31 follow in RRs.
    pub fn sender_report(&mut self, ssrc: u32, info: &SenderInfo, blocks: &[Block]) -> Result<(), NoRoom> {
        let (blocks, more) = blocks.split_at(blocks.len().min(MAX_BLOCKS));
        let start = self.len;
        self.message(SENDER_REPORT, blocks.len() as u8, |message| {
            message.word(ssrc)?;
            message.bytes(&info.ntp.to_be_bytes())?;
            for word in [info.timestamp, info.packets, info.octets] {
                message.word(word)?;
            }
            message.blocks(blocks)
        })?;
        if more.is_empty() { Ok(()) } else { self.receiver_report(ssrc, more).inspect_err(|_| self.len = start) }
    }

    /// RR; blocks beyond 31 follow in more of them.
    pub fn receiver_report(&mut self, ssrc: u32, blocks: &[Block]) -> Result<(), NoRoom> {
        let start = self.len;
        let mut rest = blocks;
        loop {
            let (blocks, more) = rest.split_at(rest.len().min(MAX_BLOCKS));
            let written = self.message(RECEIVER_REPORT, blocks.len() as u8, |message| {
                message.word(ssrc)?;
                message.blocks(blocks)
            });
            written.inspect_err(|_| self.len = start)?;
            if more.is_empty() {
                return Ok(());
            }
            rest = more;
        }
    }

    /// SDES with a CNAME of at most 255 bytes (RFC 3550, section 6.5.1).
    pub fn description(&mut self, ssrc: u32, cname: &[u8]) -> Result<(), NoRoom> {
        let len = u8::try_from(cname.len()).map_err(|_| NoRoom)?;
        self.message(DESCRIPTION, 1, |message| {
            message.word(ssrc)?;
            message.bytes(&[1, len])?;
            message.bytes(cname)?;
            // The list of items ends with a zero, and with as many as fill the word.
            message.bytes(&[0; 4][..4 - (cname.len() + 2) % 4])
        })
    }

    /// BYE.
    pub fn goodbye(&mut self, ssrc: u32) -> Result<(), NoRoom> {
        self.message(GOODBYE, 1, |message| message.word(ssrc))
    }

    /// Generic NACK. Numbers come in order, so that those near each other share a word.
    pub fn nack(&mut self, sender: u32, media: u32, lost: impl IntoIterator<Item = u16>) -> Result<(), NoRoom> {
        self.message(TRANSPORT_FEEDBACK, NACK, |message| {
            message.word(sender)?;
            message.word(media)?;
            let mut pair: Option<(u16, u16)> = None;
            for seq in lost {
                let after = pair.map(|(first, mask)| (first, mask, seq.wrapping_sub(first)));
                pair = Some(match after {
                    Some((first, mask, after @ 1..=16)) => (first, mask | 1 << (after - 1)),
                    Some((first, mask, _)) => {
                        message.word(u32::from(first) << 16 | u32::from(mask))?;
                        (seq, 0)
                    }
                    None => (seq, 0),
                });
            }
            pair.map_or(Ok(()), |(first, mask)| message.word(u32::from(first) << 16 | u32::from(mask)))
        })
    }

    /// Picture loss indication.
    pub fn pli(&mut self, sender: u32, media: u32) -> Result<(), NoRoom> {
        self.message(PAYLOAD_FEEDBACK, PLI, |message| {
            message.word(sender)?;
            message.word(media)
        })
    }

    /// Full intra request; `number` goes up with each new one.
    pub fn fir(&mut self, sender: u32, media: u32, number: u8) -> Result<(), NoRoom> {
        self.message(PAYLOAD_FEEDBACK, FIR, |message| {
            message.word(sender)?;
            message.word(0)?;
            message.word(media)?;
            message.word(u32::from(number) << 24)
        })
    }

    /// Transport-wide feedback on as many of `statuses` as one can tell of; gives how many those were. At least one of them arrived.
    pub(crate) fn transport_wide(
        &mut self,
        (sender, media): (u32, u32),
        number: u8,
        seq: u16,
        statuses: &impl Statuses,
    ) -> Result<u16, NoRoom> {
        let Some(first) = (0..statuses.len()).find_map(|at| statuses.get(at)) else { return Ok(0) };
        let reference = first.div_euclid(REFERENCE);
        // Each takes two bytes at most for when it came, and a seventh of a chunk for whether.
        let fitting = (self.out.len() - self.len).saturating_sub(TRANSPORT_WIDE_HEADER) * 7 / 16;
        let fitting = statuses.len().min(MAX_STATUSES).min(u16::try_from(fitting).unwrap_or(u16::MAX));
        let count = match told(statuses, reference * REFERENCE, fitting) {
            // All that fit are lost.
            0 if fitting > 0 => fitting,
            0 => return Err(NoRoom),
            count => count,
        };
        self.message(TRANSPORT_FEEDBACK, TRANSPORT_WIDE, |message| {
            message.word(sender)?;
            message.word(media)?;
            message.word(u32::from(seq) << 16 | u32::from(count))?;
            message.word((reference as u32) << 8 | u32::from(number))?;
            let symbols = Symbols { statuses, count, start: reference * REFERENCE };
            symbols.write_chunks(message)?;
            symbols.write_deltas(message)?;
            message.bytes(&[0; 4][..message.len.next_multiple_of(4) - message.len])
        })?;
        Ok(count)
    }

    /// Writes a header, what `write` adds, and the length of both.
    fn message(&mut self, kind: u8, count: u8, write: impl FnOnce(&mut Self) -> Result<(), NoRoom>) -> Result<(), NoRoom> {
        let start = self.len;
        let written = self.bytes(&[0x80 | count, kind, 0, 0]).and_then(|()| write(self));
        let words = u16::try_from((self.len - start) / 4).map_err(|_| NoRoom);
        match (written, words) {
            (Ok(()), Ok(words @ 1..)) => {
                self.out[start + 2..start + 4].copy_from_slice(&(words - 1).to_be_bytes());
                Ok(())
            }
            _ => {
                self.len = start;
                Err(NoRoom)
            }
        }
    }

    fn blocks(&mut self, blocks: &[Block]) -> Result<(), NoRoom> {
        blocks.iter().try_for_each(|block| {
            self.word(block.ssrc)?;
            // The most that 24 bits with a sign can say.
            let lost = block.lost.clamp(-0x80_0000, 0x7f_ffff).cast_unsigned() & 0xff_ffff;
            self.word(u32::from(block.fraction_lost) << 24 | lost)?;
            [block.highest, block.jitter, block.last_report, block.delay].into_iter().try_for_each(|word| self.word(word))
        })
    }

    fn word(&mut self, word: u32) -> Result<(), NoRoom> {
        self.bytes(&word.to_be_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        self.out.get_mut(self.len..self.len + bytes.len()).ok_or(NoRoom)?.copy_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }
}

/// Packets in a row, by which of them came when.
pub(crate) trait Statuses {
    fn len(&self) -> u16;
    /// When the one at this place came.
    fn get(&self, at: u16) -> Option<Ticks>;
}

/// How many of the packets one feedback can tell of: until one came more than 8 s before or after the one before it.
fn told(statuses: &impl Statuses, start: Ticks, fitting: u16) -> u16 {
    let mut before = start;
    let mut last = 0;
    for at in 0..fitting {
        let Some(arrived) = statuses.get(at) else { continue };
        if i16::try_from(arrived - before).is_err() {
            break;
        }
        (before, last) = (arrived, at + 1);
    }
    last
}

struct Symbols<'a, S> {
    statuses: &'a S,
    count: u16,
    start: Ticks,
}

impl<S: Statuses> Symbols<'_, S> {
    /// Symbol and delta of each packet.
    fn all(&self) -> impl Iterator<Item = (u8, i16)> + Clone + '_ {
        (0..self.count).scan(self.start, |before, at| {
            let Some(arrived) = self.statuses.get(at) else { return Some((0, 0)) };
            let delta = (arrived - *before) as i16;
            *before = arrived;
            Some((if (0..=255).contains(&delta) { 1 } else { 2 }, delta))
        })
    }

    fn write_chunks(&self, out: &mut Writer<'_>) -> Result<(), NoRoom> {
        let mut symbols = self.all().map(|(symbol, _)| symbol);
        let mut left = self.count;
        while left > 0 {
            let Some(first) = symbols.clone().next() else { return Ok(()) };
            let run = symbols.clone().take_while(|symbol| *symbol == first).count() as u16;
            let is_small = symbols.clone().take(14).all(|symbol| symbol < 2);
            let (chunk, told) = if run == left || run >= if is_small { 14 } else { 7 } {
                (u16::from(first) << 13 | run, run)
            } else {
                let (bits, places) = if is_small { (1, 14) } else { (2, 7) };
                let vector = symbols.clone().chain(std::iter::repeat(0)).take(places);
                let head = if is_small { 0b10 << 14 } else { 0b11 << 14 };
                (head | vector.fold(0, |all, symbol| all << bits | u16::from(symbol)), left.min(places as u16))
            };
            out.bytes(&chunk.to_be_bytes())?;
            left -= told;
            symbols.nth(usize::from(told) - 1);
        }
        Ok(())
    }

    fn write_deltas(&self, out: &mut Writer<'_>) -> Result<(), NoRoom> {
        self.all().try_for_each(|(symbol, delta)| match symbol {
            0 => Ok(()),
            1 => out.bytes(&[delta as u8]),
            _ => out.bytes(&delta.to_be_bytes()),
        })
    }
}
