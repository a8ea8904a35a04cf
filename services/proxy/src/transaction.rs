//! MULTI: what is inside cannot be mixed with anything.

/// What the server will be in once it has read everything that was sent on.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    open: bool,
    /// The proxy has refused a command inside: EXEC must fail, as it would have.
    spoiled: bool,
    /// How many MULTI, EXEC and DISCARD there were.
    number: u32,
}

impl Transaction {
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    pub(crate) fn is_spoiled(&self) -> bool {
        self.open && self.spoiled
    }

    pub(crate) fn spoil(&mut self) {
        self.spoiled = true;
    }

    /// A MULTI, EXEC or DISCARD is sent on; its number.
    pub(crate) fn changes(&mut self, opens: bool) -> u32 {
        if opens != self.open {
            (self.open, self.spoiled) = (opens, false);
        }
        self.number = self.number.wrapping_add(1);
        self.number
    }

    /// The one of this number has failed, and none has followed it: what it was for has not come about. A nested MULTI,
    /// an EXEC without MULTI and one that aborts are none of these.
    pub(crate) fn failed(&mut self, opens: bool, number: u32, message: &str) {
        let expected = [
            "EXECABORT",
            "ERR MULTI calls can not be nested",
            "ERR EXEC without",
            "ERR DISCARD without",
            // A cluster's node drops the transaction with these.
            "MOVED ",
            "ASK ",
            "TRYAGAIN",
            "CLUSTERDOWN",
            "CROSSSLOT",
        ];
        if self.number == number && !expected.iter().any(|text| message.starts_with(text)) {
            self.open = !opens;
        }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self { number: self.number.wrapping_add(1), ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_open_from_multi_to_exec_whatever_is_said_afterwards() {
        let mut transaction = Transaction::default();
        let multi = transaction.changes(true);
        assert!(transaction.is_open());
        transaction.spoil();
        let nested = transaction.changes(true);
        transaction.failed(true, nested, "ERR MULTI calls can not be nested");
        assert!(transaction.is_open() && transaction.is_spoiled());
        let exec = transaction.changes(false);
        assert!(!transaction.is_open() && !transaction.is_spoiled());
        transaction.failed(true, multi, "NOPERM this user has no permissions to run the 'multi' command");
        assert!(!transaction.is_open(), "an EXEC has followed");
        transaction.failed(false, exec, "EXECABORT Transaction discarded because of previous errors.");
        transaction.failed(false, exec, "MOVED 3999 10.0.0.5:8501");
        assert!(!transaction.is_open());
        transaction.failed(false, exec, "NOPERM this user has no permissions to run the 'exec' command");
        assert!(transaction.is_open(), "Redis 6.0 stays in it");
        let multi = transaction.changes(true);
        transaction.failed(true, multi, "NOPERM this user has no permissions to run the 'multi' command");
        assert!(!transaction.is_open());
    }
}
