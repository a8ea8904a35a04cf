//! Which managed identity endpoint this machine has, and which identity is asked of it.
//!
//! The order is that of Microsoft's libraries (MSAL, `managed_identity.py`).

use super::endpoint::{Scheme, check_endpoint, check_header};
use super::environment::Environment;
use super::values::{invalid, quotes};
use crate::error::Result;
use zeroize::Zeroizing;

const DEFAULT_CLIENT_ID: &str = "DEFAULT_IDENTITY_CLIENT_ID";
const THUMBPRINT: &str = "IDENTITY_SERVER_THUMBPRINT";

/// Where the agent of Azure Arc listens.
const ARC_ENDPOINT: &str = "http://localhost:40342/metadata/identity/oauth2/token";

/// The variables by which hosting environments tell where their endpoint is.
pub(super) const VARIABLES: &[&str] = &[
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    THUMBPRINT,
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    DEFAULT_CLIENT_ID,
];

/// The SHA-1 digest of a certificate.
pub(crate) type Thumbprint = [u8; 20];

/// As portals show it: 40 hexadecimal digits, perhaps with colons or spaces.
pub(crate) fn thumbprint(text: &str) -> Option<Thumbprint> {
    let digits = text.chars().filter(|c| !matches!(c, ':' | ' ')).map(|c| c.to_digit(16));
    let digits = digits.collect::<Option<Vec<u32>>>().filter(|digits| digits.len() == 40)?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
    bytes.try_into().ok()
}

/// A managed identity endpoint, and what it wants to see.
pub(crate) enum Host {
    /// A virtual machine, a scale set, a Kubernetes node.
    Imds { endpoint: String },
    /// Service Fabric: over TLS, with a certificate of the endpoint's own making.
    ServiceFabric { endpoint: String, header: Zeroizing<String>, thumbprint: Thumbprint },
    /// App Service, Functions, Container Apps.
    AppService { endpoint: String, header: Zeroizing<String> },
    /// Azure Machine Learning. Asked for nobody by name a compute instance answers for its user, so the default
    /// identity has a name.
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

impl Host {
    /// What it wants to see.
    pub(super) fn secret(&self) -> Option<&str> {
        match self {
            Self::ServiceFabric { header: secret, .. }
            | Self::AppService { header: secret, .. }
            | Self::AzureMl { secret, .. } => Some(secret),
            Self::Imds { .. } | Self::Arc { .. } | Self::CloudShell { .. } => None,
        }
    }

    /// For a sentence: "from the managed identity of …".
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

/// What the environment says; `imds` is where IMDS is if nothing else is found.
pub(super) fn detect(environment: &Environment, imds: &str) -> Result<Host> {
    let get = |name| environment.get(name).map(str::to_owned);
    let secret = |name| environment.get(name).map(|value| Zeroizing::new(value.to_owned()));
    let found = match (
        get("IDENTITY_ENDPOINT"),
        secret("IDENTITY_HEADER"),
        get("MSI_ENDPOINT"),
        secret("MSI_SECRET"),
    ) {
        (Some(endpoint), Some(header), ..) if environment.get(THUMBPRINT).is_some() => {
            let thumbprint = thumbprint(environment.get(THUMBPRINT).unwrap_or_default());
            let thumbprint = thumbprint.ok_or_else(|| {
                invalid(format!("Environment variable {THUMBPRINT} is not the SHA-1 thumbprint of a certificate (40 digits)."))
            })?;
            ("IDENTITY_ENDPOINT", Host::ServiceFabric { endpoint, header, thumbprint })
        }
        (Some(endpoint), Some(header), ..) => ("IDENTITY_ENDPOINT", Host::AppService { endpoint, header }),
        (_, _, Some(endpoint), Some(secret)) => {
            ("MSI_ENDPOINT", Host::AzureMl { endpoint, secret, default_client_id: get(DEFAULT_CLIENT_ID) })
        }
        (Some(endpoint), ..) if environment.get("IMDS_ENDPOINT").is_some() => {
            ("IDENTITY_ENDPOINT", Host::Arc { endpoint })
        }
        (_, _, Some(endpoint), _) => ("MSI_ENDPOINT", Host::CloudShell { endpoint }),
        _ if environment.has_arc_agent => return Ok(Host::Arc { endpoint: ARC_ENDPOINT.to_owned() }),
        _ => return Ok(Host::Imds { endpoint: imds.trim_end_matches('/').to_owned() }),
    };
    check(found)
}

fn check((variable, host): (&str, Host)) -> Result<Host> {
    let (Host::Imds { endpoint }
    | Host::ServiceFabric { endpoint, .. }
    | Host::AppService { endpoint, .. }
    | Host::AzureMl { endpoint, .. }
    | Host::Arc { endpoint }
    | Host::CloudShell { endpoint }) = &host;
    // The pin is worth nothing without TLS.
    let scheme = match host {
        Host::ServiceFabric { .. } => Scheme::HttpsOnly,
        _ => Scheme::HttpNearby,
    };
    let named = |name, value| format!("Environment variable {name}{}", quotes(value));
    check_endpoint(&named(variable, endpoint), endpoint, scheme)?;
    let of_secret = if variable == "MSI_ENDPOINT" { "MSI_SECRET" } else { "IDENTITY_HEADER" };
    host.secret().map_or(Ok(()), |secret| check_header(&named(of_secret, secret), secret))?;
    Ok(host)
}

/// What the environment says of an endpoint that this machine seems not to have: one variable of two.
pub(super) fn half_a_hint(environment: &Environment) -> String {
    let pairs = [
        ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"),
        ("IDENTITY_HEADER", "IDENTITY_ENDPOINT"),
        ("MSI_SECRET", "MSI_ENDPOINT"),
        (THUMBPRINT, "IDENTITY_ENDPOINT"),
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

/// Whether the endpoint can tell identities apart by that id, which `named` names.
pub(super) fn check_user_assigned(host: &Host, id: Option<&UserAssigned>, named: &str) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    let name = host.name();
    match (host, id) {
        (Host::Imds { .. } | Host::AppService { .. }, _)
        | (Host::AzureMl { .. }, UserAssigned::Client(_)) => Ok(()),
        (Host::AzureMl { .. }, _) => Err(invalid(format!(
            "{name} knows user-assigned identities by client_id only: set that instead of {named}."
        ))),
        (Host::ServiceFabric { .. }, _) => Err(invalid(format!(
            "Service Fabric chooses the identity in the application's manifest: remove {named}."
        ))),
        (Host::Arc { .. } | Host::CloudShell { .. }, _) => {
            Err(invalid(format!("{name} has no user-assigned identities: remove {named}.")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(variables: &[(&str, &str)]) -> Result<Host> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        detect(&Environment::of(variables), "http://169.254.169.254")
    }

    #[test]
    fn the_environment_says_where_the_endpoint_is_in_microsofts_order() {
        const HERE: &str = "http://127.0.0.1:1/token";
        let identity = ("IDENTITY_ENDPOINT", HERE);
        let msi = ("MSI_ENDPOINT", HERE);
        let name = |variables: &[(&str, &str)]| host(variables).map(|host| host.name()).unwrap_or("refused");
        assert_eq!(name(&[]), "this machine (IMDS)");
        assert_eq!(name(&[identity, ("IDENTITY_HEADER", "h")]), "App Service");
        assert_eq!(name(&[identity, ("IDENTITY_HEADER", "h"), msi, ("MSI_SECRET", "s")]), "App Service");
        assert_eq!(name(&[msi, ("MSI_SECRET", "s")]), "Azure Machine Learning");
        assert_eq!(name(&[identity, ("IMDS_ENDPOINT", HERE)]), "Azure Arc");
        assert_eq!(name(&[msi]), "Cloud Shell");
        assert_eq!(name(&[identity]), "this machine (IMDS)", "half a hint is none");
        let mut machine = Environment::of([]);
        machine.has_arc_agent = true;
        assert_eq!(detect(&machine, "http://169.254.169.254").unwrap().name(), "Azure Arc");
        let over_tls = ("IDENTITY_ENDPOINT", "https://127.0.0.1:1/token");
        let fabric = |thumbprint| [over_tls, ("IDENTITY_HEADER", "h"), (THUMBPRINT, thumbprint)];
        assert_eq!(name(&fabric("0A:1b 2c3d4e5f60718293a4b5c6d7e8f901234567")), "Service Fabric");
        let in_clear = [identity, ("IDENTITY_HEADER", "h"), (THUMBPRINT, &"0a".repeat(20))];
        assert!(
            host(&in_clear).err().unwrap().message().contains("https"),
            "a pin is worth nothing without TLS"
        );
        for wrong in ["t", "0a1b", "zz1b2c3d4e5f60718293a4b5c6d7e8f901234567"] {
            assert!(host(&fabric(wrong)).err().unwrap().message().contains(THUMBPRINT));
        }
        let far = [("IDENTITY_ENDPOINT", "http://10.0.0.1/token"), ("IDENTITY_HEADER", "h")];
        assert!(host(&far).err().unwrap().message().contains("IDENTITY_ENDPOINT"));
    }

    #[test]
    fn an_id_that_the_endpoint_does_not_know_is_refused() {
        let endpoint = || "http://127.0.0.1:1".to_owned();
        let secret = Zeroizing::new("s".into());
        let ml = Host::AzureMl { endpoint: endpoint(), secret, default_client_id: None };
        let arc = Host::Arc { endpoint: endpoint() };
        let (client, object) = (UserAssigned::Client("c".into()), UserAssigned::Object("o".into()));
        assert!(check_user_assigned(&ml, Some(&client), "client_id").is_ok());
        assert!(
            check_user_assigned(&ml, Some(&object), "object_id").unwrap_err().message().contains("client_id")
        );
        assert!(check_user_assigned(&arc, None, "").is_ok());
        assert!(check_user_assigned(&arc, Some(&client), "client_id").unwrap_err().message().contains("Arc"));
    }
}
