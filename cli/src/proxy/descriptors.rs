//! Whether the process may have as many open files as its clients may need.

use super::plan::Plan;
use crate::failure::Failure;
use std::num::NonZeroUsize;

/// The client's connection, the server's, and one more by which a client that is not read at the moment is heard when it goes.
const FOR_EACH_CLIENT: u64 = 3;
/// What listens, what asks for health and metrics (64 at most), the runtimes, requests for tokens, the log.
const FOR_THE_REST: u64 = 200;

const RAISE: &str = "Raise the limit (LimitNOFILE= in a unit of systemd, ulimit -n in a shell)";

/// What to say if --max-connections promises more than this limit permits.
///
/// # Errors
/// --warm leaves no room for a single client: each would wait for ever.
pub(super) fn shortage(plan: &Plan, limit: u64) -> Result<Option<String>, Failure> {
    let warm =
        plan.upstreams.iter().map(|upstream| to_u64(upstream.clients.warm)).fold(0, u64::saturating_add);
    let rest = warm.saturating_add(FOR_THE_REST);
    let fitting = limit.saturating_sub(rest) / FOR_EACH_CLIENT;
    if warm > 0 && fitting == 0 {
        return Err(Failure::usage(format!(
            "--warm keeps {warm} connections open, {FOR_THE_REST} open files are needed besides, and this process may have \
             {limit}: no client could be served. {RAISE} or lower --warm."
        )));
    }
    let Some(most) = plan.process.max_connections.map(NonZeroUsize::get).map(to_u64) else { return Ok(None) };
    let wanted = most.saturating_mul(FOR_EACH_CLIENT).saturating_add(rest);
    Ok((wanted > limit).then(|| {
        format!(
            "--max-connections {most} may take {wanted} open files ({FOR_EACH_CLIENT} for each client, {rest} besides), and \
             this process may have {limit}, enough for {fitting} clients. {RAISE} or lower --max-connections."
        )
    }))
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
