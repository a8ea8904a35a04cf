//! Commands about the connection itself.

use super::super::connection::Connection;
use super::super::reply::{OK, Reply};
use super::super::session::REFUSED;
use super::{SYNTAX, one_line, owned, text, word, wrong_arity};
use bytes::Bytes;

/// The version that Azure Managed Redis reports at the time of writing.
pub(super) const REDIS_VERSION: &str = "7.4.0";

/// AUTH and HELLO never get here: they wait for the token check.
pub(super) fn checked_elsewhere(_: &mut Connection, _: &[Bytes]) -> Reply {
    Reply::error("ERR internal: not a synchronous command")
}

/// `AUTH user token`. The form without a user would be an access key, and those are switched off.
pub(in crate::redis) fn auth(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match words.len() {
        2 => Reply::error(REFUSED),
        3 => match authenticate(connection, &text(words, 1), &text(words, 2)) {
            Ok(()) => OK,
            Err(refused) => refused,
        },
        _ => Reply::error(SYNTAX),
    }
}

fn authenticate(connection: &mut Connection, user: &str, token: &str) -> Result<(), Reply> {
    let plane = connection.plane.clone();
    connection.session.authenticate(&plane, user, token).map_err(|()| Reply::error(REFUSED))?;
    plane.clients.update(connection.id, |client| client.user = connection.session.user().to_owned());
    Ok(())
}

/// `HELLO [2|3 [AUTH user token] [SETNAME name]]`. <https://redis.io/docs/latest/commands/hello/>
pub(in crate::redis) fn hello(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let protocol = match words.get(1).map(AsRef::as_ref) {
        None => connection.protocol,
        Some(b"2") => 2,
        Some(b"3") => 3,
        Some(_) => return Reply::error("NOPROTO unsupported protocol version"),
    };
    let (mut credentials, mut name, mut index) = (None, None, 2);
    while index < words.len() {
        let left = words.len() - index;
        if word(words, index).eq_ignore_ascii_case(b"AUTH") && left > 2 {
            credentials = Some((text(words, index + 1), text(words, index + 2)));
            index += 3;
        } else if word(words, index).eq_ignore_ascii_case(b"SETNAME") && left > 1 {
            name = Some(text(words, index + 1));
            index += 2;
        } else {
            return Reply::error(one_line(&format!(
                "ERR Syntax error in HELLO option '{}'",
                text(words, index)
            )));
        }
    }
    if let Some((user, token)) = credentials
        && let Err(refused) = authenticate(connection, &user, &token)
    {
        return refused;
    }
    if !connection.session.is_authenticated() {
        return Reply::error(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
             <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the \
             same time",
        );
    }
    connection.protocol = protocol;
    connection.plane.clients.update(connection.id, |client| {
        client.resp = protocol;
        client.name = name.unwrap_or_else(|| client.name.clone());
    });
    greeting(connection)
}

fn greeting(connection: &Connection) -> Reply {
    let entry = |key: &str, value: Reply| (Reply::text(key), value);
    Reply::Map(vec![
        entry("server", Reply::text("redis")),
        entry("version", Reply::text(REDIS_VERSION)),
        entry("proto", Reply::Int(connection.protocol.into())),
        entry("id", Reply::Int(id(connection))),
        entry("mode", Reply::text("standalone")),
        entry("role", Reply::text("master")),
        entry("modules", Reply::Array(Vec::new())),
    ])
}

fn id(connection: &Connection) -> i64 {
    connection.id.try_into().unwrap_or(i64::MAX)
}

pub(super) fn quit(connection: &mut Connection, _: &[Bytes]) -> Reply {
    connection.quitting = true;
    OK
}

/// Back to a connection that has just been opened. <https://redis.io/docs/latest/commands/reset/>
pub(super) fn reset(connection: &mut Connection, _: &[Bytes]) -> Reply {
    connection.plane.hub.forget(connection.id);
    connection.subscriptions = 0;
    connection.protocol = 2;
    connection.session.reset();
    connection.plane.clients.update(connection.id, |client| {
        client.resp = 2;
        (client.channels, client.patterns) = (0, 0);
        client.name.clear();
        "default".clone_into(&mut client.user);
    });
    Reply::Simple("RESET")
}

pub(super) fn select(_: &mut Connection, words: &[Bytes]) -> Reply {
    match super::integer(words, 1) {
        Ok(0) => OK,
        Ok(_) => Reply::error("ERR DB index is out of range"),
        Err(error) => error,
    }
}

pub(super) fn ping(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let subscribed = connection.protocol == 2 && connection.subscriptions > 0;
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

/// The subcommands that stock clients send when they connect, and those that a test looks with.
pub(super) fn client(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let (clients, id) = (&connection.plane.clients, connection.id);
    let subcommand = text(words, 1).to_ascii_uppercase();
    let port = connection.plane.port;
    match (subcommand.as_str(), words.len()) {
        ("ID", 2) => Reply::Int(self::id(connection)),
        ("GETNAME", 2) => {
            let name = clients.name(id);
            if name.is_empty() { Reply::Null } else { Reply::text(&name) }
        }
        ("SETNAME", 3) => {
            clients.update(id, |client| client.name = text(words, 2));
            OK
        }
        ("SETINFO", 4) => set_info(connection, words),
        ("LIST", 2..) => Reply::text(&clients.lines(None, port)),
        ("INFO", 2) => Reply::text(&clients.lines(Some(id), port)),
        ("NO-EVICT" | "NO-TOUCH", 3) => OK,
        _ => Reply::error(one_line(&format!(
            "ERR unknown subcommand or wrong number of arguments for '{:.128}'. Try CLIENT HELP.",
            text(words, 1)
        ))),
    }
}

fn set_info(connection: &Connection, words: &[Bytes]) -> Reply {
    let value = text(words, 3);
    let attribute = text(words, 2).to_ascii_lowercase();
    let change = |set: fn(&mut super::super::clients::Client) -> &mut String| {
        connection.plane.clients.update(connection.id, |client| *set(client) = value.clone());
        OK
    };
    match attribute.as_str() {
        "lib-name" => change(|client| &mut client.library),
        "lib-ver" => change(|client| &mut client.library_version),
        _ => Reply::error(one_line(&format!("ERR Unrecognized option '{:.128}'", text(words, 2)))),
    }
}
