//! What an auditor asks for later, as lines of the log: who got what, and who got nothing. Never the token.

use crate::access::Client;
use crate::counts::Refusal;
use crate::identity::Identity;
use crate::peer::Caller;
use crate::plan::TokenFilePlan;
use crate::supply::{HandOut, Supply};
use entrakey_service::{Field, Log, Repeats, Severity};
use std::fmt::Display;

/// A token was handed out. The line is written however little is wanted of the log.
pub(crate) fn handed_out(
    log: &Log,
    client: &Client,
    caller: &Caller<'_>,
    identity: &Identity,
    supply: &Supply,
    what: &HandOut,
) {
    record(
        log,
        "a token was handed out",
        &[
            ("audit", &"handed_out"),
            ("client", &client.name),
            ("from", caller),
            ("identity", &identity.id),
            ("resource", &supply.resource),
        ],
        what,
    );
}

/// A token was written to its file.
pub(crate) fn written(log: &Log, plan: &TokenFilePlan, what: &HandOut) {
    record(
        log,
        "a token was written to its file",
        &[("audit", &"written"), ("file", &plan.path.display()), ("identity", &plan.identity)],
        what,
    );
}

fn record(log: &Log, message: &str, fields: &[Field<'_>], what: &HandOut) {
    let (version, expires) = (what.token.version(), what.rendered.expires_on);
    let of_token: [Field<'_>; 2] = [("version", &version), ("expires_on", &expires)];
    log.record(Severity::Info, message, &[fields, &of_token].concat());
}

/// Somebody got nothing: a warning the first time for each user and reason.
pub(crate) fn refused(log: &Log, misuses: &Repeats, why: Refusal, caller: &Caller<'_>, what: &dyn Display) {
    let (reason, key) = (why.name(), format!("{} {}", why.name(), caller.kind()));
    misuses.warn(log, &key, what, ("audit", "refused"), &[("reason", &reason), ("from", caller)]);
}
