//! The commands that there are, by their names and by their places in the table.

use super::super::reply::Reply;
use super::command::{Command, Found};
use super::refusals::{unknown, unknown_subcommand, wrong_arity};
use super::words::word;
use bytes::Bytes;
use std::collections::HashMap;

/// Longer than every name; a name is put into capitals without an allocation.
const LONGEST_NAME: usize = 24;

/// What can be asked about commands without knowing what they do.
pub(in crate::redis) struct Catalogue {
    commands: Vec<&'static Command>,
    /// Places in the table, by name in capitals.
    places: HashMap<&'static [u8], usize>,
}

impl Catalogue {
    pub(super) fn new(commands: impl Iterator<Item = &'static Command>) -> Self {
        let commands: Vec<_> = commands.collect();
        let places = commands.iter().enumerate().map(|(index, command)| (command.name.as_bytes(), index));
        Self { places: places.collect(), commands }
    }

    /// In the order of the table.
    pub(in crate::redis) fn commands(&self) -> &[&'static Command] {
        &self.commands
    }

    /// The command that a request names, or the error for one that it does not name properly.
    pub(in crate::redis) fn find(&self, words: &[Bytes]) -> Result<Found, Reply> {
        let given = words.first().map(AsRef::as_ref).unwrap_or_default();
        let mut capitals = [0; LONGEST_NAME];
        let name = capitals.get_mut(..given.len()).map(|name| {
            name.copy_from_slice(given);
            name.make_ascii_uppercase();
            &*name
        });
        let place = name.and_then(|name| self.places.get(name).copied());
        let Some((index, command)) = place.and_then(|index| Some((index, *self.commands.get(index)?))) else {
            return Err(unknown(words));
        };
        let expected = usize::from(command.arity.unsigned_abs());
        let fits = if command.arity < 0 { words.len() >= expected } else { words.len() == expected };
        if !fits {
            return Err(wrong_arity(&command.name.to_ascii_lowercase()));
        }
        let second = word(words, 1);
        let subcommand =
            command.subcommands.iter().position(|(name, _)| name.as_bytes().eq_ignore_ascii_case(second));
        Ok(Found { command, index, subcommand })
    }

    /// The error for a request whose subcommand does not exist, or not with so many words.
    pub(super) fn refuse_subcommand(&self, words: &[Bytes]) -> Reply {
        match self.find(words) {
            Ok(found) if found.subcommand.is_some() => wrong_arity(&found.full_name()),
            _ => unknown_subcommand(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::CATALOGUE;
    use super::*;

    #[test]
    fn every_name_can_be_found() {
        for (index, command) in CATALOGUE.commands().iter().enumerate() {
            assert!(command.name.len() <= LONGEST_NAME);
            assert_eq!(
                CATALOGUE.places.get(command.name.as_bytes()),
                Some(&index),
                "{} stands there twice",
                command.name
            );
        }
    }

    #[test]
    fn keys_are_found_where_the_table_says() {
        let keys = |request: &str| {
            let words: Vec<_> =
                request.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
            let found = CATALOGUE.find(&words).map_err(|_| "not found").expect("a command");
            found
                .command
                .keys(&words)
                .map(|key| String::from_utf8_lossy(key).into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(keys("get a"), "a");
        assert_eq!(keys("DEL a b c"), "a b c");
        assert_eq!(keys("MSET a 1 b 2"), "a b");
        assert_eq!(keys("BLPOP a b 0"), "a b");
        assert_eq!(keys("LMOVE a b LEFT RIGHT"), "a b");
        assert_eq!(keys("PING"), "");
    }
}
