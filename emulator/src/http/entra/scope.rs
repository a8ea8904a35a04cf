//! The scope of a request: for which resource it wants a token.

use super::super::resources;
use super::Refusal;

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
    resources::known(resource).ok_or_else(|| {
        Refusal::new(400, "invalid_resource", 500_011, resources::unknown(resource, client_id))
    })
}
