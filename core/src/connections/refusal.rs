//! Is what answered an AUTH a verdict on the token? One rule for every client of every language.
//!
//! Redis names its verdicts by a code at the beginning. Azure Cache for Redis puts `ERR` before it
//! (<https://github.com/dapr/dapr/issues/3554>), clients put their own words around it, redis-py takes it away. So the
//! code counts wherever it stands as a word, and otherwise the text that Redis has with it.

/// What a server holds against the token of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// `WRONGPASS`: the server does not let this user in with this token.
    Credentials,
    /// `NOAUTH`: the connection is not, or no longer, signed in.
    NotAuthenticated,
    /// `NOPERM`: the user is signed in and may not run the command.
    Permission,
}

const CODES: [(&str, Refusal); 3] = [
    ("WRONGPASS", Refusal::Credentials),
    ("NOAUTH", Refusal::NotAuthenticated),
    ("NOPERM", Refusal::Permission),
];

/// In lower case. The texts of Redis's `addAuthErrReply`, `authCommand` and `aclCommand`, versions 2 to 8.
const TEXTS: [(&str, Refusal); 5] = [
    ("invalid username-password pair", Refusal::Credentials),
    ("invalid password", Refusal::Credentials),
    ("authentication required", Refusal::NotAuthenticated),
    ("must be called with the client already authenticated", Refusal::NotAuthenticated),
    ("has no permissions to ", Refusal::Permission),
];

impl Refusal {
    /// Whether it can be the answer to an AUTH or a HELLO, for which nobody needs a permission.
    #[must_use]
    pub fn is_of_auth(self) -> bool {
        self != Self::Permission
    }

    /// The verdict in the message of an error that came instead of a connection or a re-authentication, as the server or
    /// the client library has worded it. None for everything that says nothing of the token: `LOADING`, `MOVED`, a
    /// connection that went away.
    #[must_use]
    pub fn read(message: &str) -> Option<Self> {
        let is_part_of_a_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let mut words = message.split(|c| !is_part_of_a_word(c));
        let by_code = words.find_map(|word| CODES.iter().find(|(code, _)| *code == word));
        let by_text = || {
            let message = message.to_ascii_lowercase();
            TEXTS.iter().find(|(text, _)| message.contains(text))
        };
        by_code.or_else(by_text).map(|(_, refusal)| *refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_known_in_every_servers_and_clients_words() {
        use Refusal::{Credentials, NotAuthenticated, Permission};
        for (from, message, verdict) in [
            ("Redis 5", "ERR invalid password", Credentials),
            ("Redis 6.0, Enterprise", "WRONGPASS invalid username-password pair", Credentials),
            (
                "Redis 6.2 to 8, Valkey",
                "WRONGPASS invalid username-password pair or user is disabled.",
                Credentials,
            ),
            ("Azure Cache for Redis", "ERR WRONGPASS invalid username-password pair", Credentials),
            ("any", "NOAUTH Authentication required.", NotAuthenticated),
            (
                "HELLO of Redis 6 to 8",
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
                 <user> <pass> option can be used to authenticate the client and select the RESP protocol version at \
                 the same time",
                NotAuthenticated,
            ),
            (
                "Redis 6",
                "NOPERM this user has no permissions to run the 'set' command or its subcommand",
                Permission,
            ),
            ("Redis 7, 8", "NOPERM User x has no permissions to run the 'get' command", Permission),
            ("Redis 7, 8", "NOPERM No permissions to access a key", Permission),
            ("redis-py", "invalid username-password pair or user is disabled.", Credentials),
            ("redis-py, Azure Cache for Redis", "WRONGPASS invalid username-password pair", Credentials),
            ("redis-py, Redis 5", "invalid password", Credentials),
            ("redis-py", "Authentication required.", NotAuthenticated),
            ("redis-py", "User x has no permissions to run the 'get' command", Permission),
            (
                "node-redis 5 and 6",
                "Re-authentication with latest credentials failed: WRONGPASS invalid username-password pair or user is \
                 disabled.",
                Credentials,
            ),
            (
                "ioredis",
                "ReplyError: WRONGPASS invalid username-password pair or user is disabled.",
                Credentials,
            ),
            (
                "Jedis",
                "redis.clients.jedis.exceptions.JedisAccessControlException: WRONGPASS invalid username-password pair \
                 or user is disabled.",
                Credentials,
            ),
            (
                "Lettuce",
                "io.lettuce.core.RedisCommandExecutionException: WRONGPASS invalid username-password pair",
                Credentials,
            ),
            (
                "Redisson",
                "NOAUTH Authentication required.. channel: [id: 0x236ed784, /192.0.2.31:62174 => /192.0.2.189:3382] \
                 command: CommandData [promise=DefaultPromise@294633e1(incomplete), command=(CLUSTER NODES), \
                 params=[], codec=null]",
                NotAuthenticated,
            ),
            (
                "StackExchange.Redis",
                "NOAUTH Returned - connection has not yet authenticated",
                NotAuthenticated,
            ),
        ] {
            assert_eq!(Refusal::read(message), Some(verdict), "{from}: {message}");
        }
    }

    #[test]
    fn what_says_nothing_of_the_token_is_no_verdict() {
        for message in [
            "",
            "LOADING Redis is loading the dataset in memory",
            "Redis is loading the dataset in memory", // redis-py
            "READONLY You can't write against a read only replica.",
            "MOVED 3999 127.0.0.1:6381",
            "ASK 3999 127.0.0.1:6381",
            "CLUSTERDOWN The cluster is down",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
            "ERR max number of clients reached",
            "ERR max number of clients + cluster connections reached",
            "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'x' ",
            "ERR Protocol error: invalid bulk length",
            "NOPROTO unsupported protocol version",
            // The server has no users: it does not use Entra, and another token changes nothing.
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?",
            "ERR Client sent AUTH, but no password is set",
            "ERR wrong number of arguments for 'auth' command",
            "ERR Can't execute 'auth': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
             context",
            "Connection closed by server.", // redis-py
            "Error 111 connecting to 127.0.0.1:6380. Connection refused.", // redis-py
            "Timeout reading from socket",  // redis-py
            "Socket closed unexpectedly",   // node-redis
            "Connection is closed.",        // ioredis
            "read ECONNRESET",              // Node.js
            "Server closed the connection", // hiredis
            "EOF",                          // go-redis
            "Unexpected end of stream.",    // Jedis
            "Connection reset by peer",     // Lettuce
        ] {
            assert_eq!(Refusal::read(message), None, "{message}");
        }
    }
}
