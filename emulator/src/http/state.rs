//! The state of the token plane's routers.

use crate::hosting::HostingSecrets;
use crate::scripts::Scripts;
use crate::tenant::Tenant;
use crate::witness::Witness;
use axum::extract::FromRef;
use std::sync::Arc;

/// The state of the routers. A handler names the part that it needs: `State<Arc<Tenant>>`. Only what stands in front
/// of the handlers sees the scripts and, but for an exchange's refusals, the witness.
#[derive(Clone)]
pub(crate) struct TokenPlane {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) hosting: Arc<HostingSecrets>,
    pub(crate) scripts: Arc<Scripts>,
    pub(crate) witness: Arc<Witness>,
}

impl FromRef<TokenPlane> for Arc<Tenant> {
    fn from_ref(plane: &TokenPlane) -> Self {
        plane.tenant.clone()
    }
}

impl FromRef<TokenPlane> for Arc<HostingSecrets> {
    fn from_ref(plane: &TokenPlane) -> Self {
        plane.hosting.clone()
    }
}
