//! Where a running emulator answers: its listeners, and the paths on them.

use std::net::SocketAddr;

/// What each listener is bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    pub(crate) fabric: SocketAddr,
    pub(crate) redis: SocketAddr,
}

/// Where programs find the endpoints: on the plain listener unless said otherwise.
pub(crate) mod paths {
    /// After the address in `AZURE_POD_IDENTITY_AUTHORITY_HOST`; Service Fabric's is the same on its own listener.
    pub(crate) const IMDS: &str = "/metadata/identity/oauth2/token";
    pub(crate) const APP_SERVICE: &str = "/app_service/msi/token";
    pub(crate) const AZURE_ML: &str = "/azure_ml/msi/token";
    pub(crate) const ARC: &str = "/arc/metadata/identity/oauth2/token";
    pub(crate) const CLOUD_SHELL: &str = "/cloud_shell/oauth2/token";
    /// Azure Pipelines' service connections, on Entra's listener.
    pub(crate) const PIPELINES: &str =
        "/pipelines/emulated/_apis/distributedtask/hubs/build/plans/1/jobs/1/oidctoken";
}
