//! A row of the table: a command and what it does.

use super::super::access::Categories;
use super::super::blocked::Blocked;
use super::super::connection::Connection;
use super::super::reply::Reply;
use super::command::{Command, Keys};
use bytes::Bytes;

/// What becomes of a command.
pub(in crate::redis) enum Outcome {
    Reply(Reply),
    Wait(Blocked),
}

type Run = fn(&mut Connection, &[Bytes]) -> Reply;
type RunOrWait = fn(&mut Connection, &[Bytes]) -> Outcome;

#[derive(Clone, Copy)]
enum Body {
    Answers(Run),
    MayWait(RunOrWait),
}

pub(super) struct Row {
    pub(super) command: Command,
    body: Body,
}

impl Row {
    pub(super) const fn new(
        name: &'static str,
        arity: i8,
        categories: Categories,
        keys: Keys,
        run: Run,
    ) -> Self {
        Self { command: Command::new(name, arity, categories, keys), body: Body::Answers(run) }
    }

    pub(super) const fn waiting(
        name: &'static str,
        arity: i8,
        categories: Categories,
        keys: Keys,
        run: RunOrWait,
    ) -> Self {
        Self { command: Command::new(name, arity, categories, keys), body: Body::MayWait(run) }
    }

    pub(super) const fn for_strangers(self) -> Self {
        Self { command: self.command.for_strangers(), ..self }
    }

    pub(super) const fn for_subscribers(self) -> Self {
        Self { command: self.command.for_subscribers(), ..self }
    }

    pub(super) const fn subcommands(self, subcommands: &'static [(&'static str, Categories)]) -> Self {
        Self { command: self.command.subcommands(subcommands), ..self }
    }

    pub(super) fn run(&self, connection: &mut Connection, words: &[Bytes]) -> Outcome {
        match self.body {
            Body::Answers(run) => Outcome::Reply(run(connection, words)),
            Body::MayWait(run) => run(connection, words),
        }
    }
}
