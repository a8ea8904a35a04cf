//! A command that waits at the server while its token runs out.

use super::{Deed, Id, Session};
use crate::blocked::{Block, Release, UNBLOCKED, UnblockAnswer};
use crate::owed::{Entry, Meaning, Ours};
use std::time::Instant;

impl Session {
    /// It is about to be sent on, and nothing will be behind it until it has been answered.
    pub(super) fn keep(&mut self, block: Block) {
        if self.id == Id::Unasked {
            self.id = Id::Asked;
            self.ask(&["CLIENT", "ID"], Ours::ClientId);
        }
        self.block = Some(block);
    }

    /// Asks for its end, once.
    pub(super) fn release_block(&mut self) {
        if let Some(block) = &mut self.block
            && matches!(block.release, Release::No)
            && let Id::Known(id) = self.id
        {
            block.release = Release::Asked { told: None, answer: None };
            self.is_unblocking = true;
            self.deeds.push(Deed::Unblock { id, streams: block.streams() });
        }
    }

    /// What was said on the other connection; none if that has failed: then it waits on, and the server may close.
    pub(crate) fn take_unblock_answer(&mut self, told: Option<UnblockAnswer>, now: Instant) {
        self.is_unblocking = false;
        if let Some(block) = &mut self.block
            && let Release::Asked { told: said, answer } = &mut block.release
        {
            match told {
                Some(told) if told.was_ended || answer.is_some() => *said = Some(told),
                // It did not wait: either its answer is on the way, or the server has yet to read it, and then it will wait.
                Some(_) => block.release = Release::Failed,
                None => match answer.take() {
                    Some(answer) => self.pass_answer(&answer),
                    None => block.release = Release::Failed,
                },
            }
            self.resume(now);
        }
        self.settle();
    }

    /// Whether an error is the answer to our asking for its end. It is taken, then.
    pub(super) fn take_unblocked(&mut self, line: &[u8], now: Instant) -> bool {
        let Some(Block { release: Release::Asked { told, answer }, .. }) = &mut self.block else {
            return false;
        };
        if !line.starts_with(UNBLOCKED) || told.as_ref().is_some_and(|told| !told.was_ended) {
            return false; // it is the client's: somebody else has ended it
        }
        *answer = Some(line.to_vec());
        self.resume(now);
        true
    }

    /// With both answers there it is sent again, behind the AUTH; unless it was somebody else who has ended it.
    fn resume(&mut self, now: Instant) {
        let Some(Block { release: Release::Asked { told: Some(told), answer: Some(answer) }, .. }) =
            &self.block
        else {
            return;
        };
        if !told.was_ended {
            let answer = answer.clone();
            return self.pass_answer(&answer);
        }
        let newest = told.newest.clone();
        let Some(block) = self.block.take() else { return };
        if let Some(credentials) = self.due.take() {
            self.send_auth(credentials, false);
        }
        let (request, block) = block.again(now, newest);
        self.up.push(&request);
        self.block = Some(block);
        self.owed
            .push(Entry::Reply { meaning: Meaning::Block { is_kept: true }, silent: self.block_is_silent });
    }

    fn pass_answer(&mut self, line: &[u8]) {
        self.block = None;
        if !self.block_is_silent {
            self.down.push(line);
        }
    }
}
