//! The managed identity of this machine: from which endpoint, and which one of several.

use super::hosting_environment::{
    HostingEnvironment, UserAssigned, check_user_assigned, detect, note_on_half_a_hint,
};
use crate::config::endpoint::{Scheme, check_endpoint};
use crate::config::environment::Environment;
use crate::config::explanation::{Explanation, asked_with, note_on_entry};
use crate::config::value::{Origin, Value};
use crate::config::values::Values;
use crate::config::variables::{IDENTITY_ENDPOINT, MSI_ENDPOINT};
use crate::error::{Error, Result};
use std::sync::Arc;

/// A managed identity, and what an error about it adds.
pub(crate) struct ManagedIdentity {
    pub(crate) hosting_environment: HostingEnvironment,
    /// None: the system-assigned one.
    pub(crate) user_assigned: Option<UserAssigned>,
    pub(crate) explanation: Arc<Explanation>,
}

impl ManagedIdentity {
    /// `client_id`: the value that names a user-assigned identity, if the caller takes it for one.
    pub(super) fn resolve(values: &Values<'_>, client_id: Option<Value<'_>>) -> Result<Self> {
        let imds = values.required("imds_endpoint", "")?;
        check_endpoint(&imds.label(), imds.text, Scheme::HttpNearby)?;
        // An address that was given is meant. Only without one do the variables tell what this machine is. Azure's own
        // variable for the address says where IMDS is, and nothing of what this machine is.
        let is_given = !matches!(imds.origin, Origin::Default | Origin::AzureVariable);
        let hosting_environment = match is_given {
            false => detect(values.environment, imds.text)?,
            true => HostingEnvironment::Imds { endpoint: imds.text.trim_end_matches('/').to_owned() },
        };
        let chosen = user_assigned(values, client_id)?;
        if let Some((id, user_assigned)) = &chosen {
            check_user_assigned(&hosting_environment, user_assigned, &id.label())?;
        }
        let of_absence = match hosting_environment {
            HostingEnvironment::Imds { .. } if is_given => note_on_unread(&imds, values.environment),
            HostingEnvironment::Imds { .. } => note_on_half_a_hint(values.environment),
            _ => String::new(),
        };
        let (id, user_assigned) = chosen.unzip();
        let explanation = Arc::new(explanation(values, id)?.with_absence(of_absence));
        Ok(Self { hosting_environment, user_assigned, explanation })
    }

    pub(super) fn describe(&self) -> String {
        let place = self.hosting_environment.name();
        match &self.user_assigned {
            None => format!("system-assigned managed identity of {place}"),
            Some(UserAssigned::Client(id)) => format!("managed identity with client id {id} of {place}"),
            Some(UserAssigned::Object(id)) => format!("managed identity with object id {id} of {place}"),
            Some(UserAssigned::Resource(id)) => format!("managed identity {id} of {place}"),
        }
    }
}

/// The user-assigned identity that is meant, with the value that names it.
fn user_assigned<'a>(
    values: &Values<'a>,
    client_id: Option<Value<'a>>,
) -> Result<Option<(Value<'a>, UserAssigned)>> {
    let ids = [
        (client_id, UserAssigned::Client as fn(String) -> _),
        (values.value("object_id")?, UserAssigned::Object),
        (values.value("resource_id")?, UserAssigned::Resource),
    ];
    let given: Vec<_> = ids.into_iter().filter_map(|(id, make)| Some((id?, make))).collect();
    match given.as_slice() {
        [] => Ok(None),
        [(id, make)] => Ok(Some((*id, make(id.text.to_owned())))),
        several => {
            let labels: Vec<_> = several.iter().map(|(id, _)| id.label()).collect();
            Err(Error::invalid_config(format!(
                "{} each name a user-assigned identity: set one of them only.",
                labels.join(" and ")
            )))
        }
    }
}

fn explanation(values: &Values<'_>, id: Option<Value<'_>>) -> Result<Explanation> {
    let unread = match values.environment.get("AZURE_CLIENT_ID") {
        Some(_) if id.is_none() && !values.file.is_entry => {
            "AZURE_CLIENT_ID is set, and not read for identity managed_identity: it usually is some service \
             principal's. If it names the identity that is meant, set client_id to the same."
        }
        _ => "",
    };
    let scope = values.value("scope")?.filter(Value::is_set);
    let asked = asked_with(id.into_iter().chain(scope));
    Ok(Explanation::of_refusal(&[&asked, unread, &note_on_entry(values)]))
}

/// A sentence about another endpoint that was not looked for, as an address of IMDS was given.
fn note_on_unread(imds: &Value<'_>, environment: &Environment) -> String {
    let unread = [IDENTITY_ENDPOINT, MSI_ENDPOINT].into_iter().find(|name| environment.get(name).is_some());
    let sentence = |name| format!("{name} is set, and not read beside {}.", imds.label());
    unread.map_or_else(String::new, sentence)
}
