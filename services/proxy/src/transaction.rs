//! MULTI: what is inside cannot be mixed with anything.

/// With these an EXEC fails, and the transaction is over: it aborts, or a node of a cluster has not the keys.
const ENDS: [&str; 6] = ["EXECABORT", "MOVED ", "ASK ", "TRYAGAIN ", "CLUSTERDOWN ", "CROSSSLOT "];

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

    /// A MULTI, EXEC or DISCARD is sent on.
    pub(crate) fn change(&mut self, opens: bool) -> Change {
        let was_open = self.open;
        if opens != was_open {
            (self.open, self.spoiled) = (opens, false);
        }
        self.number = self.number.wrapping_add(1);
        Change { was_open, number: self.number }
    }

    /// It was answered with an error: unless another one has followed it, all is as it was before, but for an EXEC that
    /// is over.
    pub(crate) fn undo(&mut self, change: Change, message: &str) {
        if self.number == change.number && !ENDS.iter().any(|word| message.starts_with(word)) {
            self.open = change.was_open;
        }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self { number: self.number.wrapping_add(1), ..Self::default() };
    }
}

/// What a MULTI, EXEC or DISCARD was to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    was_open: bool,
    /// The nth of them.
    number: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_open_from_multi_to_exec_whatever_is_said_afterwards() {
        let mut transaction = Transaction::default();
        let multi = transaction.change(true);
        assert!(transaction.is_open());
        transaction.spoil();
        for nested in
            ["ERR MULTI calls can not be nested", "ERR Command 'multi' not allowed inside a transaction"]
        {
            let change = transaction.change(true);
            transaction.undo(change, nested); // Redis, Valkey
            assert!(transaction.is_open() && transaction.is_spoiled());
        }
        let exec = transaction.change(false);
        assert!(!transaction.is_open() && !transaction.is_spoiled());
        transaction.undo(multi, "NOPERM this user has no permissions to run the 'multi' command");
        assert!(!transaction.is_open(), "an EXEC has followed");
        transaction.undo(exec, "EXECABORT Transaction discarded because of previous errors.");
        for redirected in ["MOVED 3999 10.0.0.5:8501", "ASK 3999 :8501", "CLUSTERDOWN Hash slot not served"] {
            transaction.undo(exec, redirected);
        }
        assert!(!transaction.is_open());
        transaction.undo(exec, "NOPERM this user has no permissions to run the 'exec' command");
        assert!(transaction.is_open(), "Redis 6.0 stays in it");
        transaction.change(false);
        let without = transaction.change(false);
        transaction.undo(without, "ERR EXEC without MULTI");
        assert!(!transaction.is_open());
        let multi = transaction.change(true);
        transaction.undo(multi, "NOPERM this user has no permissions to run the 'multi' command");
        assert!(!transaction.is_open());
    }
}
