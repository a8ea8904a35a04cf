//! For which resource a token is asked.

use super::Refusal;

/// The resources that exist.
const RESOURCES: [&str; 2] = ["https://redis.azure.com", "acca5fbb-b7e4-4009-81f1-37e38fd66d78"];

pub(super) fn audience(scope: &str, client_id: &str) -> Result<&'static str, Refusal> {
    if scope.contains(' ') {
        let sentence = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
             'scope' is not valid. The scope '{scope}' is not valid."
        );
        return Err(Refusal::new(400, "invalid_scope", 70_011, sentence));
    }
    let Some(resource) = scope.strip_suffix("/.default") else {
        let sentence = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        return Err(Refusal::new(400, "invalid_scope", 1_002_012, sentence));
    };
    let known =
        RESOURCES.into_iter().find(|known| known.eq_ignore_ascii_case(resource.trim_end_matches('/')));
    known.ok_or_else(|| {
        let sentence = format!(
            "The resource principal named {resource} was not found in the tenant named Emulated. This can happen if \
             the application with client id {client_id} has sent its request to the wrong tenant."
        );
        Refusal::new(400, "invalid_resource", 500_011, sentence)
    })
}
