//! The hosting environment: which managed identity endpoint this machine has, and which identities that endpoint knows.
//!
//! The order is that of Microsoft's libraries (MSAL, `managed_identity.py`).

use crate::config::endpoint::{Scheme, check_endpoint, check_header};
use crate::config::environment::Environment;
use crate::config::quotes::note_on_quotes;
use crate::config::thumbprint::{Thumbprint, parse_thumbprint};
use crate::config::variables::{
    DEFAULT_IDENTITY_CLIENT_ID, IDENTITY_ENDPOINT, IDENTITY_HEADER, IDENTITY_SERVER_THUMBPRINT,
    IMDS_ENDPOINT, MSI_ENDPOINT, MSI_SECRET,
};
use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// Where the agent of Azure Arc listens.
const ARC_ENDPOINT: &str = "http://localhost:40342/metadata/identity/oauth2/token";

/// Where this process runs: the managed identity endpoint there, and what the endpoint wants to see.
pub(crate) enum HostingEnvironment {
    /// A virtual machine, a scale set, a Kubernetes node.
    Imds { endpoint: String },
    /// Service Fabric: over TLS, with a certificate of the endpoint's own making.
    ServiceFabric { endpoint: String, header: Zeroizing<String>, thumbprint: Thumbprint },
    /// App Service, Functions, Container Apps.
    AppService { endpoint: String, header: Zeroizing<String> },
    /// Azure Machine Learning. A compute instance that is asked for no identity by name answers for its user, so the
    /// request names the default identity.
    AzureMl { endpoint: String, secret: Zeroizing<String>, default_client_id: Option<String> },
    /// A machine elsewhere that Azure Arc manages.
    Arc { endpoint: String },
    /// Azure Cloud Shell: the token is the signed-in user's.
    CloudShell { endpoint: String },
}

/// Which of several user-assigned identities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UserAssigned {
    Client(String),
    Object(String),
    Resource(String),
}

impl HostingEnvironment {
    /// The secret that the endpoint wants to see.
    pub(super) fn secret(&self) -> Option<&str> {
        match self {
            Self::ServiceFabric { header: secret, .. }
            | Self::AppService { header: secret, .. }
            | Self::AzureMl { secret, .. } => Some(secret),
            Self::Imds { .. } | Self::Arc { .. } | Self::CloudShell { .. } => None,
        }
    }

    /// The hosting environment in a sentence: "from the managed identity of …".
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Imds { .. } => "this machine (IMDS)",
            Self::ServiceFabric { .. } => "Service Fabric",
            Self::AppService { .. } => "App Service",
            Self::AzureMl { .. } => "Azure Machine Learning",
            Self::Arc { .. } => "Azure Arc",
            Self::CloudShell { .. } => "Cloud Shell",
        }
    }
}

/// The hosting environment that the variables tell of; `imds` is the address of IMDS, which is taken if they tell of none.
pub(super) fn detect(environment: &Environment, imds: &str) -> Result<HostingEnvironment> {
    let get = |name| environment.get(name).map(str::to_owned);
    let secret = |name| environment.get(name).map(|value| Zeroizing::new(value.to_owned()));
    let found = match (get(IDENTITY_ENDPOINT), secret(IDENTITY_HEADER), get(MSI_ENDPOINT), secret(MSI_SECRET))
    {
        (Some(endpoint), Some(header), ..) if environment.get(IDENTITY_SERVER_THUMBPRINT).is_some() => {
            let thumbprint =
                parse_thumbprint(environment.get(IDENTITY_SERVER_THUMBPRINT).unwrap_or_default());
            let thumbprint = thumbprint.ok_or_else(|| {
                Error::invalid_config(format!("Environment variable {IDENTITY_SERVER_THUMBPRINT} is not the SHA-1 thumbprint of a certificate (40 digits)."))
            })?;
            (IDENTITY_ENDPOINT, HostingEnvironment::ServiceFabric { endpoint, header, thumbprint })
        }
        (Some(endpoint), Some(header), ..) => {
            (IDENTITY_ENDPOINT, HostingEnvironment::AppService { endpoint, header })
        }
        (_, _, Some(endpoint), Some(secret)) => (
            MSI_ENDPOINT,
            HostingEnvironment::AzureMl {
                endpoint,
                secret,
                default_client_id: get(DEFAULT_IDENTITY_CLIENT_ID),
            },
        ),
        (Some(endpoint), ..) if environment.get(IMDS_ENDPOINT).is_some() => {
            (IDENTITY_ENDPOINT, HostingEnvironment::Arc { endpoint })
        }
        (_, _, Some(endpoint), _) => (MSI_ENDPOINT, HostingEnvironment::CloudShell { endpoint }),
        _ if environment.has_arc_agent => {
            return Ok(HostingEnvironment::Arc { endpoint: ARC_ENDPOINT.to_owned() });
        }
        _ => return Ok(HostingEnvironment::Imds { endpoint: imds.trim_end_matches('/').to_owned() }),
    };
    check(found)
}

fn check((variable, environment): (&str, HostingEnvironment)) -> Result<HostingEnvironment> {
    let (HostingEnvironment::Imds { endpoint }
    | HostingEnvironment::ServiceFabric { endpoint, .. }
    | HostingEnvironment::AppService { endpoint, .. }
    | HostingEnvironment::AzureMl { endpoint, .. }
    | HostingEnvironment::Arc { endpoint }
    | HostingEnvironment::CloudShell { endpoint }) = &environment;
    // The pin is worth nothing without TLS.
    let scheme = match environment {
        HostingEnvironment::ServiceFabric { .. } => Scheme::HttpsOnly,
        _ => Scheme::HttpNearby,
    };
    let label = |name, value| format!("Environment variable {name}{}", note_on_quotes(value));
    check_endpoint(&label(variable, endpoint), endpoint, scheme)?;
    let name_of_secret = if variable == MSI_ENDPOINT { MSI_SECRET } else { IDENTITY_HEADER };
    environment.secret().map_or(Ok(()), |secret| check_header(&label(name_of_secret, secret), secret))?;
    Ok(environment)
}

/// A sentence for a machine that seems to have no endpoint of its own: of two variables that belong together, one is set.
pub(super) fn note_on_half_a_hint(environment: &Environment) -> String {
    let pairs = [
        (IDENTITY_ENDPOINT, IDENTITY_HEADER),
        (IDENTITY_HEADER, IDENTITY_ENDPOINT),
        (MSI_SECRET, MSI_ENDPOINT),
        (IDENTITY_SERVER_THUMBPRINT, IDENTITY_ENDPOINT),
    ];
    let is_set = |name: &str| environment.get(name).is_some();
    let half = pairs.into_iter().find(|(set, other)| is_set(set) && !is_set(other));
    half.map_or_else(String::new, |(set, other)| {
        format!(
            "{set} is set and {other} is not, so that this machine's metadata service was asked: the hosting environment \
             sets both, and sudo, cron and ssh do not pass them on."
        )
    })
}

/// Whether the endpoint can tell identities apart by that id; `label` names its key.
pub(super) fn check_user_assigned(
    environment: &HostingEnvironment,
    id: &UserAssigned,
    label: &str,
) -> Result<()> {
    let name = environment.name();
    match (environment, id) {
        (HostingEnvironment::Imds { .. } | HostingEnvironment::AppService { .. }, _)
        | (HostingEnvironment::AzureMl { .. }, UserAssigned::Client(_)) => Ok(()),
        (HostingEnvironment::AzureMl { .. }, _) => Err(Error::invalid_config(format!(
            "{name} knows user-assigned identities by client_id only: set that instead of {label}."
        ))),
        (HostingEnvironment::ServiceFabric { .. }, _) => Err(Error::invalid_config(format!(
            "Service Fabric chooses the identity in the application's manifest: remove {label}."
        ))),
        (HostingEnvironment::Arc { .. } | HostingEnvironment::CloudShell { .. }, _) => {
            Err(Error::invalid_config(format!("{name} has no user-assigned identities: remove {label}.")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(variables: &[(&str, &str)]) -> Result<HostingEnvironment> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        detect(&Environment::of(variables), "http://169.254.169.254")
    }

    #[test]
    fn the_environment_says_where_the_endpoint_is_in_microsofts_order() {
        const HERE: &str = "http://127.0.0.1:1/token";
        let identity = (IDENTITY_ENDPOINT, HERE);
        let msi = (MSI_ENDPOINT, HERE);
        let name = |variables: &[(&str, &str)]| {
            detected(variables).map(|environment| environment.name()).unwrap_or("refused")
        };
        assert_eq!(name(&[]), "this machine (IMDS)");
        assert_eq!(name(&[identity, (IDENTITY_HEADER, "h")]), "App Service");
        assert_eq!(name(&[identity, (IDENTITY_HEADER, "h"), msi, (MSI_SECRET, "s")]), "App Service");
        assert_eq!(name(&[msi, (MSI_SECRET, "s")]), "Azure Machine Learning");
        assert_eq!(name(&[identity, (IMDS_ENDPOINT, HERE)]), "Azure Arc");
        assert_eq!(name(&[msi]), "Cloud Shell");
        assert_eq!(name(&[identity]), "this machine (IMDS)", "half a hint is none");
        let mut machine = Environment::of([]);
        machine.has_arc_agent = true;
        assert_eq!(detect(&machine, "http://169.254.169.254").unwrap().name(), "Azure Arc");
        let over_tls = (IDENTITY_ENDPOINT, "https://127.0.0.1:1/token");
        let fabric =
            |thumbprint| [over_tls, (IDENTITY_HEADER, "h"), (IDENTITY_SERVER_THUMBPRINT, thumbprint)];
        assert_eq!(name(&fabric("0A:1b 2c3d4e5f60718293a4b5c6d7e8f901234567")), "Service Fabric");
        let in_clear = [identity, (IDENTITY_HEADER, "h"), (IDENTITY_SERVER_THUMBPRINT, &"0a".repeat(20))];
        assert!(
            detected(&in_clear).err().unwrap().message().contains("https"),
            "a pin is worth nothing without TLS"
        );
        for wrong in ["t", "0a1b", "zz1b2c3d4e5f60718293a4b5c6d7e8f901234567"] {
            assert!(detected(&fabric(wrong)).err().unwrap().message().contains(IDENTITY_SERVER_THUMBPRINT));
        }
        let far = [(IDENTITY_ENDPOINT, "http://10.0.0.1/token"), (IDENTITY_HEADER, "h")];
        assert!(detected(&far).err().unwrap().message().contains(IDENTITY_ENDPOINT));
    }

    #[test]
    fn an_id_that_the_endpoint_does_not_know_is_refused() {
        let endpoint = || "http://127.0.0.1:1".to_owned();
        let secret = Zeroizing::new("s".into());
        let ml = HostingEnvironment::AzureMl { endpoint: endpoint(), secret, default_client_id: None };
        let arc = HostingEnvironment::Arc { endpoint: endpoint() };
        let (client, object) = (UserAssigned::Client("c".into()), UserAssigned::Object("o".into()));
        assert!(check_user_assigned(&ml, &client, "client_id").is_ok());
        assert!(check_user_assigned(&ml, &object, "object_id").unwrap_err().message().contains("client_id"));
        assert!(check_user_assigned(&arc, &client, "client_id").unwrap_err().message().contains("Arc"));
    }
}
