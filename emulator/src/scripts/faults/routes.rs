//! The names of the token plane's routes.

/// The routes that can be scripted, and by which requests are counted.
pub(crate) const ROUTES: [&str; 14] = [
    "imds",
    "app_service",
    "azure_ml",
    "arc",
    "cloud_shell",
    "service_fabric",
    "token",
    "discovery",
    "keys",
    "instance",
    "issuer",
    "pipelines",
    "arm",
    "graph",
];

/// The routes that hand out tokens.
pub(super) const ROUTES_WITH_TOKENS: [&str; 8] =
    ["imds", "app_service", "azure_ml", "arc", "cloud_shell", "service_fabric", "token", "pipelines"];
