//! Which slot a key belongs to. <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>

/// How many there are.
pub(in crate::redis) const SLOTS: u16 = 16_384;

/// The slot of a key, or of what stands in its first pair of braces.
pub(in crate::redis) fn slot_of(key: &[u8]) -> u16 {
    crc16::State::<crc16::XMODEM>::calculate(hashed_part(key)) % SLOTS
}

fn hashed_part(key: &[u8]) -> &[u8] {
    let open = key.iter().position(|byte| *byte == b'{');
    let inside = open.and_then(|open| key.get(open + 1..)).unwrap_or_default();
    match inside.iter().position(|byte| *byte == b'}') {
        Some(close) if close > 0 => inside.get(..close).unwrap_or(key),
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::slot_of;

    #[test]
    fn as_the_specification_has_it() {
        assert_eq!(slot_of(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"foo"), 12_182);
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"user1000"));
        assert_eq!(slot_of(b"foo{}{bar}"), 8363, "all of it");
        assert_ne!(slot_of(b"foo{}{bar}"), slot_of(b"bar"));
        assert_eq!(slot_of(b"foo{{bar}}zap"), slot_of(b"{bar"));
        assert_eq!(slot_of(b"foo{bar}{zap}"), slot_of(b"bar"));
    }
}
