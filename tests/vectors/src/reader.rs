/// Takes a structure of RFC 9420 apart, from its beginning.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or("too short")?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn number(&mut self, len: usize) -> Result<u64, String> {
        Ok(self.bytes(len)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// `opaque bytes<V>` (2.1.2).
    pub(crate) fn vector(&mut self) -> Result<&'a [u8], String> {
        let first = *self.0.first().ok_or("too short")?;
        let (len, mask) = [(1, 0x3f), (2, 0x3fff), (4, 0x3fff_ffff)].get(usize::from(first >> 6)).copied().ok_or("a length of no kind")?;
        let len = self.number(len)? & mask;
        self.bytes(usize::try_from(len).map_err(|_| "too long")?)
    }

    pub(crate) fn end(&self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(format!("{} bytes too many", self.0.len())) }
    }
}
