//! Values as flat bytes: what crosses between Java and the core. `entrakey.Wire` is the other half.
//!
//! Big-endian. A number has 8 bytes, a flag one, a text its length in 4 bytes (-1: none) and its UTF-8.

/// Writes values one after the other.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// Begins with what the bytes are, as one letter.
    pub(crate) fn new(kind: u8) -> Self {
        Self(vec![kind])
    }

    /// The same with room for all that follows: a buffer that grows is copied, and wiped, each time.
    pub(crate) fn with_room(kind: u8, room: usize) -> Self {
        let mut bytes = Vec::with_capacity(room);
        bytes.push(kind);
        Self(bytes)
    }

    pub(crate) fn number(mut self, value: i64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// A count or a time; what does not fit is the largest that does.
    pub(crate) fn count(self, value: u64) -> Self {
        self.number(i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// A count or a time, -1 for none.
    pub(crate) fn optional_count(self, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.count(value),
            None => self.number(-1),
        }
    }

    pub(crate) fn flag(mut self, value: bool) -> Self {
        self.0.push(value.into());
        self
    }

    pub(crate) fn text(self, value: &str) -> Self {
        self.optional_text(Some(value))
    }

    pub(crate) fn optional_text(mut self, value: Option<&str>) -> Self {
        // Java's arrays end at 2 GiB: whatever is longer could not have come here.
        let length = value.map_or(-1, |text| i32::try_from(text.len()).unwrap_or(-1));
        self.0.extend(length.to_be_bytes());
        if let (Some(text), 0..) = (value, length) {
            self.0.extend(text.as_bytes());
        }
        self
    }

    pub(crate) fn bytes(mut self, other: &[u8]) -> Self {
        self.0.extend(other);
        self
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Reads what `entrakey.Wire` wrote. None where the bytes end too early or are no text.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = self.take(4)?.try_into().ok().map(i32::from_be_bytes)?;
        std::str::from_utf8(self.take(usize::try_from(length).ok()?)?).ok()
    }

    /// A number with a fraction.
    pub(crate) fn double(&mut self) -> Option<f64> {
        self.take(8)?.try_into().ok().map(f64::from_be_bytes)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_what_is_cut_short_is_not() {
        let written = Writer::default().text("a").text("").text("ü").done();
        let mut reader = Reader::new(&written);
        assert_eq!([reader.text(), reader.text(), reader.text()], [Some("a"), Some(""), Some("ü")]);
        assert!(reader.is_at_end() && reader.text().is_none());
        for cut in 1..written.len() {
            let mut reader = Reader::new(&written[..cut]);
            while reader.text().is_some() {}
        }
        assert_eq!(Reader::new(&[0, 0, 0, 1, 0xff]).text(), None, "no UTF-8");
        assert_eq!(Reader::new(&Writer::default().optional_text(None).done()).text(), None);
    }
}
