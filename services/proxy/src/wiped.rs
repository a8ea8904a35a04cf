//! Memory that has held a secret.

use zeroize::Zeroize as _;

/// Makes room for so many bytes more without leaving a copy of the others behind.
pub(crate) fn make_room(bytes: &mut Vec<u8>, more: usize) {
    if bytes.capacity() - bytes.len() < more {
        let mut larger = Vec::with_capacity((bytes.len() + more).max(2 * bytes.capacity()));
        larger.extend_from_slice(bytes);
        bytes.zeroize();
        *bytes = larger;
    }
}
