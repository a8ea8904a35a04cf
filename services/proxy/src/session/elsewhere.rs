//! Replies that say where the nodes of a cluster are: clients are told of local ports.

use super::Session;
use crate::cluster::{Redirection, View, redirection};
use crate::ended::{By, Ended};
use crate::scan::Malformed;

/// Of an answer about the nodes: a thousand nodes need a third of it.
const LONGEST: usize = 1 << 20;

impl Session {
    /// Whether this error may be a redirection whose end has not come yet.
    pub(super) fn may_lead_elsewhere(&self, rest: &[u8]) -> bool {
        self.announced.is_some() && redirection(rest) == Redirection::Incomplete
    }

    /// Sends the client to a local port, if the reply that begins here is a redirection; its length.
    pub(super) fn send_elsewhere(&mut self, rest: &[u8]) -> Option<usize> {
        let (taken, line) = self.announced.as_ref()?.redirected(rest)?;
        self.down.push(&line);
        self.answer_locally();
        Some(taken)
    }

    /// Takes of an answer about the nodes what there is; the client gets it when it is whole.
    pub(super) fn gather(&mut self, view: View, rest: &[u8]) -> Result<usize, Malformed> {
        let taken = self.frame.advance(rest)?;
        self.gathered.extend_from_slice(rest.get(..taken).unwrap_or_default());
        if self.gathered.len() > LONGEST {
            let why = format!("The server's answer to CLUSTER {} is longer than 1 MiB.", view.name());
            self.finish(Ended::badly(By::Proxy, why));
            return Ok(rest.len());
        }
        if self.frame.is_complete()
            && taken > 0
            && let Some(announced) = &self.announced
        {
            let reply = std::mem::take(&mut self.gathered);
            self.down.push(&announced.rewritten(view, &reply));
        }
        Ok(taken)
    }
}
