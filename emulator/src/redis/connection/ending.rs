//! Why a connection ends.

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::redis) enum Ending {
    ByClient,
    ByToken,
    /// The connection was closed from elsewhere, by a fault, or as it broke.
    Otherwise,
}
