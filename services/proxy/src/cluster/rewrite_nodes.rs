//! `CLUSTER NODES` and `CLUSTER REPLICAS`: lines like
//! `07c37df… 10.0.0.5:8501@18501,name.example.net master - 0 1426238316232 2 connected 5461-10922`.

use super::tree::Value;
use super::{Place, Trouble};

/// What a verbatim text begins with.
const VERBATIM: &str = "txt:";

pub(super) fn rewrite_nodes(reply: &mut Value<'_>, place: Place<'_>) -> Result<(), Trouble> {
    let Value::Text(kind, text) = reply else { return Err(Trouble::Unknown) };
    let whole = std::str::from_utf8(text).map_err(|_| Trouble::Unknown)?;
    let (prefix, lines) = match (*kind, whole.strip_prefix(VERBATIM)) {
        (b'=', None) => return Err(Trouble::Unknown),
        (b'=', Some(lines)) => (VERBATIM, lines),
        _ => ("", whole),
    };
    let lines = lines.split('\n').map(|line| rewrite_line(line, place)).collect::<Result<Vec<_>, _>>()?;
    *text = format!("{prefix}{}", lines.join("\n")).into_bytes().into();
    Ok(())
}

pub(super) fn rewrite_replicas(reply: &mut Value<'_>, place: Place<'_>) -> Result<(), Trouble> {
    reply.items()?.iter_mut().try_for_each(|line| rewrite_nodes(line, place))
}

fn rewrite_line(line: &str, place: Place<'_>) -> Result<String, Trouble> {
    if line.trim().is_empty() {
        return Ok(line.to_owned());
    }
    let mut words = line.splitn(3, ' ');
    let (Some(id), Some(address), Some(rest)) = (words.next(), words.next(), words.next()) else {
        return Err(Trouble::Unknown);
    };
    let address = address.split_once(',').map_or(address, |(address, _names)| address);
    let (address, bus) = match address.rsplit_once('@') {
        Some((address, bus)) => (address, format!("@{bus}")),
        None => (address, String::new()), // before Redis 4
    };
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).ok_or(Trouble::Unknown)?;
    if port == 0 {
        return Ok(format!("{id} :0{bus} {rest}")); // a node whose address nobody knows
    }
    let local = place(port).map_err(Trouble::NoPlace)?;
    Ok(format!("{id} {}:{}{bus} {rest}", local.ip(), local.port()))
}
