//! Commands about the connection itself.

use super::super::blocked::Unblock;
use super::super::clients::{Client, Details};
use super::super::connection::Connection;
use super::super::options::ClusterPolicy;
use super::super::pubsub::Subscriptions;
use super::super::reply::{OK, Reply};
use super::super::session::Credentials;
use super::refusals::{SYNTAX, one_line, wrong_arity};
use super::tracking;
use super::words::{count, integer, owned, parsed, text, word};
use bytes::Bytes;

/// The version that Azure Managed Redis reports at the time of writing.
pub(super) const REDIS_VERSION: &str = "7.4.0";

/// `AUTH user token`, or `AUTH key`.
pub(super) fn auth(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match credentials_of_auth(words) {
        Some(credentials) => authenticate(connection, &credentials).map_or_else(|refused| refused, |()| OK),
        None => wrong_auth(words),
    }
}

/// An AUTH with too few words or too many.
pub(in crate::redis) fn wrong_auth(words: &[Bytes]) -> Reply {
    if words.len() < 2 { wrong_arity("auth") } else { Reply::error(SYNTAX) }
}

/// The credentials of an AUTH; none if it has too few words or too many.
pub(in crate::redis) fn credentials_of_auth(words: &[Bytes]) -> Option<Credentials> {
    match words.len() {
        2 => Some(Credentials { user: None, secret: text(words, 1) }),
        3 => Some(Credentials { user: Some(text(words, 1)), secret: text(words, 2) }),
        _ => None,
    }
}

fn authenticate(connection: &mut Connection, credentials: &Credentials) -> Result<(), Reply> {
    let cache = connection.cache.clone();
    connection.session.authenticate(&cache, credentials).map_err(Reply::error)?;
    connection.session.user().clone_into(&mut connection.client.details().user);
    Ok(())
}

/// What a HELLO asks for.
pub(in crate::redis) struct Hello {
    pub(in crate::redis) protocol: Option<u8>,
    pub(in crate::redis) credentials: Option<Credentials>,
    pub(in crate::redis) name: Option<String>,
}

/// `HELLO [2|3 [AUTH user token] [SETNAME name]]`. <https://redis.io/docs/latest/commands/hello/>
pub(in crate::redis) fn parse_hello(words: &[Bytes]) -> Result<Hello, Reply> {
    let protocol = match words.get(1).map(AsRef::as_ref) {
        None => None,
        Some(b"2") => Some(2),
        Some(b"3") => Some(3),
        Some(other) if parsed(other).is_none() => {
            return Err(Reply::error("ERR Protocol version is not an integer or out of range"));
        }
        Some(_) => return Err(Reply::error("NOPROTO unsupported protocol version")),
    };
    let (mut hello, mut index) = (Hello { protocol, credentials: None, name: None }, 2);
    while index < words.len() {
        let left = words.len() - index;
        if word(words, index).eq_ignore_ascii_case(b"AUTH") && left > 2 {
            let (user, secret) = (Some(text(words, index + 1)), text(words, index + 2));
            hello.credentials = Some(Credentials { user, secret });
            index += 3;
        } else if word(words, index).eq_ignore_ascii_case(b"SETNAME") && left > 1 {
            hello.name = Some(text(words, index + 1));
            index += 2;
        } else {
            let option = text(words, index);
            return Err(Reply::error(one_line(&format!("ERR Syntax error in HELLO option '{option:.128}'"))));
        }
    }
    Ok(hello)
}

/// The reply to a HELLO without credentials on a server that wants some.
pub(in crate::redis) const HELLO_WITHOUT_AUTH: &str = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> \
     option can be used to authenticate the client and select the RESP protocol version at the same time";

pub(super) fn hello(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let Hello { protocol, credentials, name } = match parse_hello(words) {
        Ok(hello) => hello,
        Err(refused) => return refused,
    };
    if let Some(refused) = name.as_deref().and_then(|name| unwritable("Client names", name)) {
        return refused;
    }
    if let Some(credentials) = credentials
        && let Err(refused) = authenticate(connection, &credentials)
    {
        return refused;
    }
    if !connection.session.is_authenticated() {
        return Reply::error(HELLO_WITHOUT_AUTH);
    }
    connection.protocol = protocol.unwrap_or(connection.protocol);
    let mut details = connection.client.details();
    details.resp = connection.protocol;
    if let Some(name) = name {
        details.name = name;
    }
    drop(details);
    greeting(connection)
}

fn greeting(connection: &Connection) -> Reply {
    let entry = |key: &str, value: Reply| (Reply::text(key), value);
    let mode = match connection.cache.options.cluster_policy {
        ClusterPolicy::Oss => "cluster",
        ClusterPolicy::Enterprise => "standalone",
    };
    Reply::Map(vec![
        entry("server", Reply::text("redis")),
        entry("version", Reply::text(REDIS_VERSION)),
        entry("proto", Reply::Int(connection.protocol.into())),
        entry("id", id(connection)),
        entry("mode", Reply::text(mode)),
        entry("role", Reply::text("master")),
        entry("modules", Reply::Array(Vec::new())),
    ])
}

fn id(connection: &Connection) -> Reply {
    Reply::Int(connection.client.id.try_into().unwrap_or(i64::MAX))
}

pub(super) fn quit(connection: &mut Connection, _: &[Bytes]) -> Reply {
    connection.quitting = true;
    OK
}

/// Back to a connection that has just been opened. <https://redis.io/docs/latest/commands/reset/>
pub(super) fn reset(connection: &mut Connection, _: &[Bytes]) -> Reply {
    connection.cache.hub.forget(connection.client.id);
    connection.subscriptions = Subscriptions::default();
    connection.transaction.discard();
    connection.end_tracking();
    connection.protocol = 2;
    connection.session.reset();
    *connection.client.details() = Details::default();
    Reply::Simple("RESET")
}

pub(super) fn select(_: &mut Connection, words: &[Bytes]) -> Reply {
    match integer(words, 1) {
        Ok(0) => OK,
        Ok(number) if i32::try_from(number).is_err() => {
            Reply::error("ERR value is out of range, value must between -2147483648 and 2147483647")
        }
        Ok(_) => Reply::error("ERR DB index is out of range"),
        Err(error) => error,
    }
}

pub(super) fn ping(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let subscribed = connection.protocol == 2 && connection.subscriptions.any();
    match words.len() {
        1 | 2 if subscribed => Reply::Array(vec![Reply::text("pong"), Reply::Bulk(owned(words, 1))]),
        1 => Reply::Simple("PONG"),
        2 => Reply::Bulk(owned(words, 1)),
        _ => wrong_arity("ping"),
    }
}

pub(super) fn echo(_: &mut Connection, words: &[Bytes]) -> Reply {
    Reply::Bulk(owned(words, 1))
}

/// The subcommands that stock clients send when they connect, and those that a test looks and acts with.
pub(super) fn client(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let client = &connection.client;
    match (text(words, 1).to_ascii_uppercase().as_str(), words.len()) {
        ("ID", 2) => id(connection),
        ("GETNAME", 2) => match client.details().name.as_str() {
            "" => Reply::Null,
            name => Reply::text(name),
        },
        ("SETNAME", 3) => {
            let name = text(words, 2);
            unwritable("Client names", &name).unwrap_or_else(|| {
                client.details().name = name;
                OK
            })
        }
        ("SETINFO", 4) => set_info(client, words),
        ("LIST", 2..) => Reply::bulk(connection.cache.clients.lines(connection.node.index)),
        ("INFO", 2) => Reply::bulk(connection.cache.clients.info(client)),
        ("NO-EVICT" | "NO-TOUCH", 3) => match text(words, 2).to_ascii_lowercase().as_str() {
            "on" | "off" => OK,
            _ => Reply::error(SYNTAX),
        },
        ("KILL", 3..) => kill(connection, words),
        ("UNBLOCK", 3 | 4) => unblock(connection, words),
        ("TRACKING", 3..) => tracking::tracking(connection, words),
        ("CACHING", 3..) => tracking::caching(connection, words),
        _ => connection.cache.commands.refuse_subcommand(words),
    }
}

/// The refusal of what would break the lines of `CLIENT LIST`.
fn unwritable(what: &str, text: &str) -> Option<Reply> {
    let refused =
        || Reply::error(format!("ERR {what} cannot contain spaces, newlines or special characters."));
    (!text.bytes().all(|byte| byte.is_ascii_graphic())).then(refused)
}

fn set_info(client: &Client, words: &[Bytes]) -> Reply {
    let (attribute, value) = (text(words, 2).to_ascii_lowercase(), text(words, 3));
    if let Some(refused) = unwritable(&attribute, &value) {
        return refused;
    }
    let mut details = client.details();
    match attribute.as_str() {
        "lib-name" => details.library = value,
        "lib-ver" => details.library_version = value,
        _ => return Reply::error(one_line(&format!("ERR Unrecognized option '{:.128}'", text(words, 2)))),
    }
    OK
}

/// `CLIENT KILL address`, or by ID, ADDR, USER.
fn kill(connection: &Connection, words: &[Bytes]) -> Reply {
    let (clients, own) = (&connection.cache.clients, connection.client.id);
    if let [_, _, address] = words {
        return match clients.end(|client| client.peer.to_string().as_bytes() == address) {
            0 => Reply::error("ERR No such client"),
            _ => OK,
        };
    }
    let Some((filters, [])) = words.get(2..).map(|rest| rest.as_chunks::<2>()) else {
        return Reply::error(SYNTAX);
    };
    let known = |filter: &[u8]| [&b"ID"[..], b"ADDR", b"USER", b"SKIPME"].contains(&filter);
    if !filters.iter().all(|[name, _]| known(&name.to_ascii_uppercase())) {
        return Reply::error(SYNTAX);
    }
    let skips = |[name, value]: &[Bytes; 2]| {
        name.eq_ignore_ascii_case(b"SKIPME") && value.eq_ignore_ascii_case(b"no")
    };
    let skip_me = !filters.iter().any(skips);
    count(clients.end(|client| {
        let fits = |[name, value]: &[Bytes; 2]| match name.to_ascii_uppercase().as_slice() {
            b"ID" => client.id.to_string().as_bytes() == value,
            b"ADDR" => client.peer.to_string().as_bytes() == value,
            b"USER" => client.details().user.as_bytes() == value,
            _ => true,
        };
        !(skip_me && client.id == own) && filters.iter().all(fits)
    }))
}

/// `CLIENT UNBLOCK id [TIMEOUT | ERROR]`. <https://redis.io/docs/latest/commands/client-unblock/>
fn unblock(connection: &Connection, words: &[Bytes]) -> Reply {
    let how = match word(words, 3).to_ascii_uppercase().as_slice() {
        b"TIMEOUT" => Unblock::Timeout,
        b"" if words.len() == 3 => Unblock::Timeout,
        b"ERROR" => Unblock::Error,
        _ => return Reply::error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"),
    };
    match integer(words, 2) {
        Ok(id) => count(usize::from(connection.cache.clients.unblock(id, how))),
        Err(refused) => refused,
    }
}
