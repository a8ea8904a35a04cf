//! `CLIENT TRACKING` and `CLIENT CACHING`. <https://redis.io/docs/latest/commands/client-tracking/>

use super::super::connection::{Connection, TrackingMode};
use super::super::reply::{OK, Reply};
use super::refusals::SYNTAX;
use super::words::word;
use bytes::Bytes;

/// What a client asks for behind ON.
#[derive(Default)]
struct Options {
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    prefixes: Vec<Bytes>,
}

/// `CLIENT TRACKING ON|OFF [OPTIN] [OPTOUT] [BCAST] [PREFIX prefix]…`. REDIRECT and NOLOOP are refused.
pub(super) fn tracking(connection: &mut Connection, words: &[Bytes]) -> Reply {
    set(connection, words).map_or_else(|refused| refused, |()| OK)
}

fn set(connection: &mut Connection, words: &[Bytes]) -> Result<(), Reply> {
    let options = options(words.get(3..).unwrap_or_default())?;
    match word(words, 2).to_ascii_lowercase().as_slice() {
        b"on" => {
            let mode = mode(&options, connection.tracking.mode)?;
            let broadcast = options.broadcast.then_some(options.prefixes);
            // RESP2 has no place for what nobody asked for: without REDIRECT nothing is sent there.
            if connection.protocol == 3 {
                let (id, outbox) = (connection.client.id, connection.outbox.clone());
                connection.node.store.lock().tracking.add(id, broadcast, outbox);
            }
            connection.tracking.mode = Some(mode);
        }
        b"off" => connection.end_tracking(),
        _ => return Err(Reply::error(SYNTAX)),
    }
    connection.client.details().tracking = connection.tracking.mode.is_some();
    Ok(())
}

fn options(mut words: &[Bytes]) -> Result<Options, Reply> {
    let mut options = Options::default();
    while let [option, rest @ ..] = words {
        words = rest;
        match (option.to_ascii_uppercase().as_slice(), rest) {
            (b"BCAST", _) => options.broadcast = true,
            (b"OPTIN", _) => options.opt_in = true,
            (b"OPTOUT", _) => options.opt_out = true,
            (b"PREFIX", [prefix, rest @ ..]) => {
                options.prefixes.push(prefix.clone());
                words = rest;
            }
            (b"NOLOOP", _) | (b"REDIRECT", [_, ..]) => {
                return Err(Reply::error("ERR the emulator knows neither REDIRECT nor NOLOOP"));
            }
            _ => return Err(Reply::error(SYNTAX)),
        }
    }
    Ok(options)
}

/// The mode that the options make, if they fit each other and the mode that there is.
fn mode(options: &Options, current: Option<TrackingMode>) -> Result<TrackingMode, Reply> {
    let refuse = |text: &str| Err(Reply::error(format!("ERR {text}")));
    let Options { broadcast, opt_in, opt_out, .. } = *options;
    if !broadcast && !options.prefixes.is_empty() {
        return refuse("PREFIX option requires BCAST mode to be enabled");
    }
    if current.is_some_and(|current| (current == TrackingMode::Broadcast) != broadcast) {
        return refuse(
            "You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        );
    }
    if broadcast && (opt_in || opt_out) {
        return refuse("OPTIN and OPTOUT are not compatible with BCAST");
    }
    if opt_in && opt_out {
        return refuse("You can't specify both OPTIN mode and OPTOUT mode");
    }
    if opt_in && current == Some(TrackingMode::OptOut) || opt_out && current == Some(TrackingMode::OptIn) {
        return refuse(
            "You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        );
    }
    Ok(match (broadcast, opt_in, opt_out) {
        (true, ..) => TrackingMode::Broadcast,
        (_, true, _) => TrackingMode::OptIn,
        (.., true) => TrackingMode::OptOut,
        _ => TrackingMode::Read,
    })
}

/// `CLIENT CACHING YES|NO`: whether the next command's keys count, or those of the next transaction.
pub(super) fn caching(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let Some(mode) = connection.tracking.mode else {
        return Reply::error(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode \
             enabled",
        );
    };
    match (word(words, 2).to_ascii_lowercase().as_slice(), mode) {
        (b"yes", TrackingMode::OptIn) | (b"no", TrackingMode::OptOut) => connection.tracking.caching = true,
        (b"yes", _) => {
            return Reply::error(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            );
        }
        (b"no", _) => {
            return Reply::error(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            );
        }
        _ => return Reply::error(SYNTAX),
    }
    OK
}
