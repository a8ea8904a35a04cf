//! The environment variables that are read although no key names them: others set them, or mean others by them.
//!
//! With those of [`super::KEYS`] this is every variable that the library knows. (A configuration file may name more.)

/// One variable that no key names.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Who sets it, and what is made of it.
    pub doc: &'static str,
}

pub(super) const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";
pub(super) const IDENTITY_HEADER: &str = "IDENTITY_HEADER";
pub(super) const IDENTITY_SERVER_THUMBPRINT: &str = "IDENTITY_SERVER_THUMBPRINT";
pub(super) const IMDS_ENDPOINT: &str = "IMDS_ENDPOINT";
pub(super) const MSI_ENDPOINT: &str = "MSI_ENDPOINT";
pub(super) const MSI_SECRET: &str = "MSI_SECRET";
pub(super) const DEFAULT_IDENTITY_CLIENT_ID: &str = "DEFAULT_IDENTITY_CLIENT_ID";
/// Kubernetes sets it in every pod.
pub(super) const KUBERNETES_SERVICE_HOST: &str = "KUBERNETES_SERVICE_HOST";
pub(super) const TASK_TENANT_ID: &str = "AZURESUBSCRIPTION_TENANT_ID";
pub(super) const TASK_CLIENT_ID: &str = "AZURESUBSCRIPTION_CLIENT_ID";
/// Which part of the default chain is meant, or which single credential.
/// <https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains#how-to-customize-defaultazurecredential>
pub(super) const AZURE_TOKEN_CREDENTIALS: &str = "AZURE_TOKEN_CREDENTIALS";
/// A person's name and password, which nobody signs in with here.
pub(super) const OF_A_PERSON: [&str; 2] = ["AZURE_USERNAME", "AZURE_PASSWORD"];
/// The proxy for an address that is https: the first that is set counts.
pub(super) const PROXY: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
pub(super) const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// The proxy for plain http, which nothing here needs. Somebody may have set it for everything.
pub(super) const PROXY_FOR_HTTP: [&str; 2] = ["http_proxy", "HTTP_PROXY"];
pub(super) const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
pub(super) const SSL_CERT_DIR: &str = "SSL_CERT_DIR";
/// Where Python's requests, curl and Node.js take certificate authorities from.
pub(super) const ROOTS_OF_OTHERS: [&str; 3] = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];

const fn variable(name: &'static str, doc: &'static str) -> Variable {
    Variable { name, doc }
}

/// Every variable that no key names and that is read.
pub static VARIABLES: &[Variable] = &[
    variable(
        IDENTITY_ENDPOINT,
        "App Service, Functions, Container Apps, Service Fabric and Azure Arc: where the managed identity's endpoint is.",
    ),
    variable(
        IDENTITY_HEADER,
        "App Service, Functions, Container Apps, Service Fabric: what that endpoint wants to see.",
    ),
    variable(IDENTITY_SERVER_THUMBPRINT, "Service Fabric: the SHA-1 of that endpoint's certificate."),
    variable(
        IMDS_ENDPOINT,
        "Azure Arc: beside IDENTITY_ENDPOINT it says that the agent of Azure Arc answers there.",
    ),
    variable(
        MSI_ENDPOINT,
        "Azure Machine Learning and Cloud Shell: where the managed identity's endpoint is.",
    ),
    variable(MSI_SECRET, "Azure Machine Learning: what that endpoint wants to see."),
    variable(
        DEFAULT_IDENTITY_CLIENT_ID,
        "Azure Machine Learning: the client id of the identity that is meant unless the configuration names one.",
    ),
    variable(
        KUBERNETES_SERVICE_HOST,
        "Kubernetes: this process runs in a pod, which decides what an error advises.",
    ),
    variable(TASK_TENANT_ID, "Azure Pipelines: for azure_pipelines it comes before AZURE_TENANT_ID."),
    variable(TASK_CLIENT_ID, "Azure Pipelines: for azure_pipelines it comes before AZURE_CLIENT_ID."),
    variable(
        AZURE_TOKEN_CREDENTIALS,
        "Which part of the default chain is meant: dev, prod, or the name of one credential.",
    ),
    variable(OF_A_PERSON[0], "Not used: an error says so where it may explain the failure."),
    variable(OF_A_PERSON[1], "Not used: an error says so where it may explain the failure."),
    variable(
        PROXY[0],
        "The proxy for requests to Entra, if the key proxy is not set. The first of the four that is set counts.",
    ),
    variable(PROXY[1], "As https_proxy."),
    variable(PROXY[2], "As https_proxy."),
    variable(PROXY[3], "As https_proxy."),
    variable(NO_PROXY[0], "Hosts that are asked without a proxy, if the key no_proxy is not set."),
    variable(NO_PROXY[1], "As no_proxy."),
    variable(PROXY_FOR_HTTP[0], "Not used: an error about the way to Entra says so."),
    variable(PROXY_FOR_HTTP[1], "Not used: an error about the way to Entra says so."),
    variable(SSL_CERT_FILE, "A PEM file with the system's certificate authorities."),
    variable(SSL_CERT_DIR, "A folder with the system's certificate authorities."),
    variable(ROOTS_OF_OTHERS[0], "Not used by the library: an error about a certificate says so."),
    variable(ROOTS_OF_OTHERS[1], "Not used by the library: an error about a certificate says so."),
    variable(ROOTS_OF_OTHERS[2], "Not used by the library: an error about a certificate says so."),
];
