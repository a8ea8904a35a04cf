//! Why a value is missing, for each identity: who would have set it, and what that takes.

use crate::config::names::{AZURE_PIPELINES, CLIENT_ASSERTION, WORKLOAD_IDENTITY};
use crate::config::value::Origin;
use crate::config::values::Values;
use crate::config::variables::{KUBERNETES_SERVICE_HOST, OF_A_PERSON};
use crate::error::Result;

/// Why the id of a tenant or an application is needed.
pub(super) fn why_id_is_needed(identity: &str, key: &str, values: &Values<'_>) -> Result<String> {
    Ok(match identity {
        WORKLOAD_IDENTITY => why_pod_lacks(key, values)?,
        AZURE_PIPELINES => format!(
            "the task of Azure Pipelines does not say it (AzureCLI@2 and its like set AZURESUBSCRIPTION_{}); it is that \
             of the service connection",
            key.to_ascii_uppercase()
        ),
        CLIENT_ASSERTION => "an assertion is made for an application in its tenant".to_owned(),
        _ => "a service principal needs it".to_owned(),
    })
}

/// Why a pod lacks what the webhook of workload identity gives to others.
/// <https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html>
pub(super) fn why_pod_lacks(key: &str, values: &Values<'_>) -> Result<String> {
    const ANNOTATION: &str = "azure.workload.identity/client-id";
    const LABEL: &str = "azure.workload.identity/use: \"true\"";
    let token_file = values.value("federated_token_file")?;
    let was_seen = token_file.is_some_and(|file| file.origin == Origin::AzureVariable);
    Ok(match (values.environment.get(KUBERNETES_SERVICE_HOST), key) {
        (_, "tenant_id") if was_seen => {
            "AZURE_FEDERATED_TOKEN_FILE is set, and the webhook that sets it sets this too: it was taken away since"
                .to_owned()
        }
        _ if was_seen => format!(
            "AZURE_FEDERATED_TOKEN_FILE is set, so that the pod has its label; its service account needs the annotation \
             {ANNOTATION} with the client id of the identity, and the pod a new start after that"
        ),
        (Some(_), _) => format!(
            "this pod has not got it: label the pod itself {LABEL}, annotate its service account with {ANNOTATION}, and \
             start the pod anew"
        ),
        (None, _) => format!(
            "only a pod of a cluster with workload identity has it by itself (by its label {LABEL} and its service \
             account's annotation {ANNOTATION}), and this is no pod (KUBERNETES_SERVICE_HOST is not set)"
        ),
    })
}

/// What else is set that may have been meant, where a service principal has neither a secret nor a certificate.
pub(super) fn note_on_proof(values: &Values<'_>) -> Result<String> {
    Ok(match (values.value("federated_token_file")?, note_on_person(values)) {
        (Some(file), _) => {
            format!("If {} is meant, set identity to workload_identity.", file.label())
        }
        (None, Some(note)) => format!("{note}."),
        (None, None) => String::new(),
    })
}

/// That somebody's name or password is set, which is no sentence by itself.
pub(super) fn note_on_person(values: &Values<'_>) -> Option<String> {
    let name = OF_A_PERSON.into_iter().find(|name| values.environment.get(name).is_some())?;
    Some(format!("{name} is set, and not read: nobody signs in with a person's password here"))
}
