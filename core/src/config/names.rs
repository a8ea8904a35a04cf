//! The identities' names: what the key `identity` takes.

pub(super) const DEFAULT: &str = "default";
pub(super) const MANAGED_IDENTITY: &str = "managed_identity";
pub(super) const SERVICE_PRINCIPAL: &str = "service_principal";
pub(crate) const WORKLOAD_IDENTITY: &str = "workload_identity";
pub(super) const CLIENT_ASSERTION: &str = "client_assertion";
pub(super) const AZURE_CLI: &str = "azure_cli";
pub(super) const AZURE_DEVELOPER_CLI: &str = "azure_developer_cli";
pub(super) const AZURE_PIPELINES: &str = "azure_pipelines";
pub(super) const TOKEN_FILE: &str = "token_file";
pub(super) const ENVIRONMENT: &str = "environment";
pub(super) const CUSTOM: &str = "custom";

/// The identities that this version has.
pub(super) const IDENTITIES: &[&str] = &[
    DEFAULT,
    MANAGED_IDENTITY,
    SERVICE_PRINCIPAL,
    WORKLOAD_IDENTITY,
    CLIENT_ASSERTION,
    AZURE_CLI,
    AZURE_DEVELOPER_CLI,
    AZURE_PIPELINES,
    TOKEN_FILE,
    ENVIRONMENT,
    CUSTOM,
];
