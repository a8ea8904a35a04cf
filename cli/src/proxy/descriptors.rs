//! Whether the process may have as many open files as its clients may need.

use super::plan::Plan;
use std::num::NonZeroUsize;

/// The client's connection, the server's, and one more by which a client that is not read at the moment is heard when it goes.
const FOR_EACH_CLIENT: u64 = 3;
/// What listens, what asks for health and metrics (64 at most), the runtimes, requests for tokens, the log.
const FOR_THE_REST: u64 = 200;

/// What to say if --max-connections promises more than this limit permits.
pub(super) fn shortage(plan: &Plan, limit: u64) -> Option<String> {
    let most = to_u64(plan.process.max_connections.map(NonZeroUsize::get)?);
    let rest =
        FOR_THE_REST + plan.upstreams.iter().map(|upstream| to_u64(upstream.clients.warm)).sum::<u64>();
    let wanted = most.saturating_mul(FOR_EACH_CLIENT).saturating_add(rest);
    let fitting = limit.saturating_sub(rest) / FOR_EACH_CLIENT;
    (wanted > limit).then(|| {
        format!(
            "--max-connections {most} may take {wanted} open files ({FOR_EACH_CLIENT} for each client, {rest} besides), and \
             this process may have {limit}, enough for {fitting} clients: raise the limit (LimitNOFILE= in a unit of systemd, \
             ulimit -n in a shell) or lower --max-connections"
        )
    })
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
