//! One access policy: commands, keys and channels, in the syntax of Redis's access control lists.

use super::category::{Categories, NAMES};
use crate::redis::commands::{Catalogue, Command};
use crate::redis::glob;

/// Azure's built-in policies, by the names for a file of identities and by their own.
/// <https://learn.microsoft.com/azure/azure-cache-for-redis/cache-configure-role-based-access-control>
/// `default` is the only one of Azure Managed Redis, and lets everything.
const BUILT_IN: [(&str, &str, &str); 4] = [
    ("owner", "Data Owner", OWNER),
    (
        "contributor",
        "Data Contributor",
        "+@all -@dangerous +cluster|info +cluster|nodes +cluster|slots allkeys",
    ),
    ("reader", "Data Reader", "+@read +@connection +cluster|info +cluster|nodes +cluster|slots allkeys"),
    ("default", "default", OWNER),
];
const OWNER: &str = "+@all allkeys";

/// What an access policy permits.
#[derive(Debug)]
pub(crate) struct Permissions {
    /// As it was given: the name of a built-in policy, or a list of rules.
    pub(crate) given: String,
    /// The rules.
    pub(crate) rules: String,
    commands: Vec<CommandRule>,
    keys: Vec<KeyRule>,
    /// None means all channels: the policy says nothing of them.
    channels: Option<Vec<Vec<u8>>>,
}

/// Whether a command may be run, and each of its subcommands.
#[derive(Clone, Debug)]
struct CommandRule {
    whole: bool,
    subcommands: Vec<bool>,
}

#[derive(Debug)]
struct KeyRule {
    pattern: Vec<u8>,
    read: bool,
    write: bool,
}

impl Permissions {
    /// The name of a built-in policy, or rules like `+@read +set ~cache:*`.
    ///
    /// # Errors
    /// Which rule is none.
    pub(in crate::redis) fn parse(given: &str, catalogue: &Catalogue) -> Result<Self, String> {
        let named = |(short, name, _): &&(&str, &str, &str)| {
            short.eq_ignore_ascii_case(given) || name.eq_ignore_ascii_case(given)
        };
        let rules = BUILT_IN.iter().find(named).map_or(given, |(.., rules)| rules);
        let none = |command: &&Command| CommandRule {
            whole: false,
            subcommands: vec![false; command.subcommands.len()],
        };
        let mut permissions = Self {
            given: given.to_owned(),
            rules: rules.to_owned(),
            commands: catalogue.commands().iter().map(none).collect(),
            keys: Vec::new(),
            channels: None,
        };
        if rules.split_ascii_whitespace().next().is_none() {
            return Err(
                "an access policy is a name (owner, contributor, reader, default) or rules, +@read ~*"
                    .to_owned(),
            );
        }
        for rule in rules.split_ascii_whitespace() {
            permissions.apply(rule, catalogue).ok_or_else(|| {
                format!("InvalidAccessString: '{rule}' is no rule; there are +@category, -command, +command|sub, ~pattern, %R~pattern, &channel, allkeys, allchannels")
            })?;
        }
        Ok(permissions)
    }

    /// Rules count in the order in which they come. None if it is none.
    fn apply(&mut self, rule: &str, catalogue: &Catalogue) -> Option<()> {
        match rule.to_ascii_lowercase().as_str() {
            "allcommands" => self.category("all", true, catalogue)?,
            "nocommands" => self.category("all", false, catalogue)?,
            "allkeys" => self.key_rule(b"*", true, true)?,
            "resetkeys" => self.keys.clear(),
            "allchannels" => self.channels = None,
            "resetchannels" => self.channels = Some(Vec::new()),
            lower => match (lower.strip_prefix("+@"), lower.strip_prefix("-@")) {
                (Some(category), _) => self.category(category, true, catalogue)?,
                (_, Some(category)) => self.category(category, false, catalogue)?,
                _ => self.single(rule, catalogue)?,
            },
        }
        Some(())
    }

    /// A rule about one command, or a pattern, which keeps its letters as they are.
    fn single(&mut self, rule: &str, catalogue: &Catalogue) -> Option<()> {
        match rule.split_at_checked(1)? {
            ("+", command) => self.command(command, true, catalogue),
            ("-", command) => self.command(command, false, catalogue),
            ("~", pattern) => self.key_rule(pattern.as_bytes(), true, true),
            ("&", channel) => {
                self.channels.get_or_insert_default().push(channel.as_bytes().to_owned());
                Some(())
            }
            ("%", rest) => {
                let (access, pattern) = rest.split_once('~')?;
                let access = access.to_ascii_uppercase();
                if access.is_empty() || access.chars().any(|letter| !"RW".contains(letter)) {
                    return None;
                }
                self.key_rule(pattern.as_bytes(), access.contains('R'), access.contains('W'))
            }
            _ => None,
        }
    }

    /// Always some, as the others.
    fn key_rule(&mut self, pattern: &[u8], read: bool, write: bool) -> Option<()> {
        self.keys.push(KeyRule { pattern: pattern.to_owned(), read, write });
        Some(())
    }

    fn category(&mut self, name: &str, permit: bool, catalogue: &Catalogue) -> Option<()> {
        let wanted = match name {
            "all" => Categories::MAX,
            name => NAMES.iter().find(|(known, _)| *known == name)?.1,
        };
        let has = |categories: Categories| wanted == Categories::MAX || categories & wanted != 0;
        for (command, permitted) in catalogue.commands().iter().zip(&mut self.commands) {
            if has(command.categories) {
                permitted.whole = permit;
            }
            for ((_, categories), one) in command.subcommands.iter().zip(&mut permitted.subcommands) {
                if has(*categories) {
                    *one = permit;
                }
            }
        }
        Some(())
    }

    /// Commands that this Redis does not have are taken as well: a policy is written for Azure's.
    fn command(&mut self, name: &str, permit: bool, catalogue: &Catalogue) -> Option<()> {
        let (name, subcommand) = name.split_once('|').map_or((name, None), |(name, sub)| (name, Some(sub)));
        let legal = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        };
        if !legal(name) || !subcommand.is_none_or(legal) {
            return None;
        }
        let known = catalogue
            .commands()
            .iter()
            .zip(&mut self.commands)
            .find(|(known, _)| known.name.eq_ignore_ascii_case(name));
        let Some((command, permitted)) = known else { return Some(()) };
        match subcommand {
            None => {
                permitted.whole = permit;
                permitted.subcommands.fill(permit);
            }
            Some(wanted) => {
                let named =
                    command.subcommands.iter().position(|(name, _)| name.eq_ignore_ascii_case(wanted));
                if let Some(one) = named.and_then(|index| permitted.subcommands.get_mut(index)) {
                    *one = permit;
                }
            }
        }
        Some(())
    }

    /// Whether the command may be run; `index` is its place in the table.
    pub(in crate::redis) fn permits_command(&self, index: usize, subcommand: Option<usize>) -> bool {
        self.commands.get(index).is_some_and(|permitted| {
            subcommand.and_then(|index| permitted.subcommands.get(index).copied()).unwrap_or(permitted.whole)
        })
    }

    pub(in crate::redis) fn permits_key(&self, key: &[u8], write: bool) -> bool {
        self.keys
            .iter()
            .any(|rule| (if write { rule.write } else { rule.read }) && glob::matches(&rule.pattern, key))
    }

    /// A pattern to subscribe to has to be one of the policy's own.
    pub(in crate::redis) fn permits_channel(&self, channel: &[u8], is_pattern: bool) -> bool {
        self.channels.as_ref().is_none_or(|permitted| {
            permitted.iter().any(|one| if is_pattern { one == channel } else { glob::matches(one, channel) })
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;
    use crate::redis::commands::CATALOGUE;

    fn parse(given: &str) -> Result<Permissions, String> {
        Permissions::parse(given, &CATALOGUE)
    }

    fn permits(rules: &str, command: &str) -> bool {
        let words: Vec<_> =
            command.split(' ').map(|word| bytes::Bytes::copy_from_slice(word.as_bytes())).collect();
        let found = CATALOGUE.find(&words).unwrap();
        parse(rules).unwrap().permits_command(found.index, found.subcommand)
    }

    #[test]
    fn the_built_in_policies_let_do_what_azure_says() {
        for policy in ["owner", "Data Owner", "default"] {
            assert!(
                permits(policy, "FLUSHALL") && permits(policy, "SET a b") && permits(policy, "CLIENT LIST")
            );
        }
        let contributor = |command| permits("contributor", command);
        assert!(contributor("SET a b") && contributor("GET a") && contributor("CLUSTER SLOTS"));
        assert!(!contributor("FLUSHALL") && !contributor("KEYS *") && !contributor("CLIENT LIST"));
        assert!(contributor("CLIENT SETNAME x") && contributor("SUBSCRIBE x"));
        let reader = |command| permits("Data Reader", command);
        assert!(
            reader("GET a")
                && reader("CLUSTER SLOTS")
                && reader("PING")
                && reader("CLIENT SETINFO LIB-NAME x")
        );
        assert!(!reader("SET a b") && !reader("PUBLISH a b") && !reader("CLUSTER SHARDS"));
    }

    #[test]
    fn rules_count_in_their_order() {
        assert!(permits("+@all -set ~*", "GET a") && !permits("+@all -set ~*", "SET a b"));
        assert!(permits("-set +@all ~*", "SET a b"));
        assert!(permits("+client|id", "CLIENT ID") && !permits("+client|id", "CLIENT LIST"));
        assert!(
            !permits("+client -client|list", "CLIENT LIST") && permits("+CLIENT -client|list", "CLIENT ID")
        );
        assert!(permits("+json.get +xadd +get ~*", "GET a"));
    }

    #[test]
    fn keys_and_channels_match_their_patterns() {
        let permissions = parse("+@all ~cache:* %R~shared:* &news.*").unwrap();
        assert!(permissions.permits_key(b"cache:1", true) && permissions.permits_key(b"shared:1", false));
        assert!(!permissions.permits_key(b"shared:1", true) && !permissions.permits_key(b"other", false));
        assert!(
            permissions.permits_channel(b"news.x", false) && !permissions.permits_channel(b"other", false)
        );
        assert!(
            permissions.permits_channel(b"news.*", true) && !permissions.permits_channel(b"news.x*", true)
        );
        let write_only = parse("+@all %W~log:*").unwrap();
        assert!(write_only.permits_key(b"log:1", true) && !write_only.permits_key(b"log:1", false));
        assert!(parse("owner").unwrap().permits_channel(b"anything", true));
        assert!(!parse("+@all").unwrap().permits_key(b"a", false));
    }

    #[test]
    fn what_is_no_rule_is_refused_by_name() {
        for wrong in ["on", ">password", "+@nonsense", "nopass", "%X~a", "%~a", "+", "+get|", "gett"] {
            let refused = parse(&format!("+@all {wrong}")).unwrap_err();
            assert!(
                refused.contains("InvalidAccessString") && refused.contains(&format!("'{wrong}'")),
                "{refused}"
            );
        }
        assert!(parse("  ").unwrap_err().contains("contributor"));
    }
}
