//! Other numbers in a VP8 payload descriptor (RFC 7741, section 4.2), which stands before the sealed frame.

use conclave_sfu::Vp8Numbers;

/// Bytes of the longest descriptor up to its TL0PICIDX.
const LONGEST: usize = 5;

/// The start of a payload with `numbers` written over those that it has.
#[derive(Debug)]
pub(super) struct Start {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Start {
    /// Without `numbers`, nothing is other than it was. A descriptor that is cut short stays as it is.
    pub(super) fn of(payload: &[u8], numbers: Option<Vp8Numbers>) -> Self {
        let mut start = Self { bytes: [0; LONGEST], len: 0 };
        let Some(numbers) = numbers else { return start };
        let len = payload.len().min(LONGEST);
        start.bytes[..len].copy_from_slice(&payload[..len]);
        if start.write(len, numbers).is_some() {
            start.len = len;
        }
        start
    }

    /// The start as it goes out, and what follows it as it came.
    pub(super) fn parts<'a>(&'a self, payload: &'a [u8]) -> [&'a [u8]; 2] {
        [&self.bytes[..self.len], &payload[self.len..]]
    }

    fn write(&mut self, len: usize, numbers: Vp8Numbers) -> Option<()> {
        let [first, has, rest @ ..] = &mut self.bytes;
        if len < 2 || *first & 0x80 == 0 {
            return None;
        }
        let mut rest = rest.get_mut(..len - 2)?;
        if *has & 0x80 != 0 {
            let is_long = rest.first()? & 0x80 != 0;
            let (id, after) = rest.split_at_mut_checked(if is_long { 2 } else { 1 })?;
            match (id, numbers.picture_id) {
                ([high, low], Some(id)) => [*high, *low] = (id | 0x8000).to_be_bytes(),
                ([short], Some(id)) => *short = (id & 0x7f) as u8,
                _ => {}
            }
            rest = after;
        }
        if let (true, Some(index)) = (*has & 0x40 != 0, numbers.tl0_pic_idx) {
            *rest.first_mut()? = index;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(payload: &[u8], picture_id: Option<u16>, tl0_pic_idx: Option<u8>) -> Vec<u8> {
        Start::of(payload, Some(Vp8Numbers { picture_id, tl0_pic_idx })).parts(payload).concat()
    }

    #[test]
    fn numbers_are_written_where_they_stand() {
        let long = [0x90, 0xe0, 0x81, 0x02, 7, 0x20, 0x50, 1, 2];
        assert_eq!(patched(&long, Some(0x7fff), Some(200)), [0x90, 0xe0, 0xff, 0xff, 200, 0x20, 0x50, 1, 2]);
        assert_eq!(patched(&long, None, Some(200)), [0x90, 0xe0, 0x81, 0x02, 200, 0x20, 0x50, 1, 2]);
        assert_eq!(patched(&[0x90, 0x80, 0x05, 0x50], Some(0x7f), Some(1)), [0x90, 0x80, 0x7f, 0x50]);
        assert_eq!(patched(&[0x90, 0x40, 9, 0x50], Some(3), Some(1)), [0x90, 0x40, 1, 0x50]);
    }

    #[test]
    fn what_has_no_numbers_stays_as_it_is() {
        for payload in [&[][..], &[0x10], &[0x90], &[0x90, 0x80], &[0x90, 0x80, 0x81], &[0x10, 0x80, 0x81, 2, 3], &[0x90, 0x20, 4, 5]] {
            assert_eq!(patched(payload, Some(0x1234), Some(99)), payload, "{payload:02x?}");
            assert_eq!(Start::of(payload, None).parts(payload).concat(), payload);
        }
    }
}
