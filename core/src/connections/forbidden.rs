//! What an access policy does not permit, by the texts of Redis's `getAclErrorMessage` (7 to 8, Valkey) and of version 6.

/// What a `NOPERM`, or an answer of `ACL DRYRUN`, is about. More may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forbidden {
    /// The command, whatever its keys.
    Command,
    /// The command is permitted, one of its keys is not.
    Key,
}

/// In lower case.
const TEXTS: [(&str, Forbidden); 4] = [
    ("has no permissions to run the '", Forbidden::Command),
    ("no permissions to access a key", Forbidden::Key),
    ("no permissions to access one of the keys", Forbidden::Key),
    ("no permissions to access the '", Forbidden::Key),
];

impl Forbidden {
    /// None if the message has none of Redis's texts for it.
    #[must_use]
    pub fn read(message: &str) -> Option<Self> {
        let message = message.to_ascii_lowercase();
        if message.ends_with(" channel") {
            return None;
        }
        TEXTS.iter().find(|(text, _)| message.contains(text)).map(|(_, forbidden)| *forbidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_and_a_key_are_told_apart_in_the_words_of_every_version() {
        for (from, message, forbidden) in [
            (
                "Redis 6",
                "NOPERM this user has no permissions to run the 'get' command or its subcommand",
                Some(Forbidden::Command),
            ),
            (
                "Redis 6",
                "NOPERM this user has no permissions to access one of the keys used as arguments",
                Some(Forbidden::Key),
            ),
            (
                "Redis 7, 8",
                "NOPERM User x has no permissions to run the 'get' command",
                Some(Forbidden::Command),
            ),
            ("Redis 7, 8", "NOPERM No permissions to access a key", Some(Forbidden::Key)),
            ("DRYRUN", "User x has no permissions to run the 'set' command", Some(Forbidden::Command)),
            ("DRYRUN", "User x has no permissions to access the 'orders:1' key", Some(Forbidden::Key)),
            ("DRYRUN", "OK", None),
            ("any", "NOPERM No permissions to access a channel", None),
            ("DRYRUN", "User x has no permissions to access the 'news' channel", None),
            ("any", "ERR unknown command 'ACL', with args beginning with: 'DRYRUN' ", None),
        ] {
            assert_eq!(Forbidden::read(message), forbidden, "{from}: {message}");
        }
    }
}
