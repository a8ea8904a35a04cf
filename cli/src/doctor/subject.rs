//! What the steps are about: the cache, this identity, and the commands of `az` with their ids filled in.

use crate::arm::{Cache, Resource};
use crate::family::Family;
use crate::shell::word;
use crate::target::joined;
use entrakey_core::ConfigReport;
use serde_json::Value;
use std::fmt;

/// This identity's ids, as far as a token or the configuration tells them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    pub(crate) object_id: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) tenant_id: Option<String>,
    /// The Azure resource of a managed identity.
    pub(crate) resource_id: Option<String>,
}

impl Ids {
    /// What the configuration says before there is a token.
    pub(crate) fn configured(report: &ConfigReport) -> Self {
        let text = |key: &str| {
            report.values.iter().find(|value| value.key == key).and_then(|value| value.text.clone())
        };
        Self {
            object_id: text("object_id").filter(is_id),
            client_id: text("client_id").filter(is_id),
            tenant_id: text("tenant_id").filter(is_id),
            resource_id: text("resource_id"),
        }
    }

    /// What a token says counts more: its claims, if it is one that can be read, and the user name that goes with it, which is
    /// meant to be an object id.
    pub(crate) fn with_token(self, claims: Option<&Value>, username: &str) -> Self {
        let text = |name: &str| claims.and_then(|claims| claims[name].as_str()).map(str::to_owned);
        let client_id = text("appid").or_else(|| text("azp")).filter(is_id).or(self.client_id);
        let is_object_id = is_guid(username) && client_id.as_deref() != Some(username);
        let by_username = is_object_id.then(|| username.to_owned());
        Self {
            object_id: text("oid").filter(is_id).or(self.object_id).or(by_username),
            client_id,
            tenant_id: text("tid").filter(is_id).or(self.tenant_id),
            resource_id: text("xms_mirid").or(self.resource_id),
        }
    }
}

/// Whether it looks as every object id of Entra's does: 8-4-4-4-12 hexadecimal digits.
fn is_guid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// What is written into commands is an id, and nothing that a shell would run.
#[allow(clippy::ptr_arg, reason = "for Option::filter")]
fn is_id(text: &String) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))
}

/// The cache and the identity that is to use it.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) family: Family,
    pub(crate) ids: Ids,
    /// What its resource id says, if that was given.
    pub(crate) resource: Option<Resource>,
    /// As Azure Resource Manager knows it, where that could be read.
    pub(crate) cache: Option<Cache>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&self.host, self.port))
    }
}

impl Subject {
    /// The resource group, or what stands for it, as a word of a command.
    pub(crate) fn group(&self) -> String {
        self.resource().map_or_else(|| "RG".to_owned(), |resource| word(&resource.group))
    }

    /// The cache's name, or what stands for it, as a word of a command.
    pub(crate) fn name(&self) -> String {
        let by_host = || match self.family {
            Family::Unknown => "CACHE",
            _ if self.host.parse::<std::net::IpAddr>().is_ok() || !self.host.contains('.') => "CACHE",
            _ => self.host.split('.').next().unwrap_or("CACHE"),
        };
        word(self.resource().map_or_else(by_host, |resource| resource.name.as_str()))
    }

    fn resource(&self) -> Option<&Resource> {
        self.cache.as_ref().map(|cache| &cache.resource).or(self.resource.as_ref())
    }

    pub(crate) fn object_id(&self) -> &str {
        self.ids.object_id.as_deref().unwrap_or("OBJECT_ID")
    }

    pub(crate) fn client_id(&self) -> &str {
        self.ids.client_id.as_deref().unwrap_or("CLIENT_ID")
    }

    /// The doctor, sent to the TLS port that the family has.
    pub(super) fn at_its_port(&self) -> String {
        format!("entrakey doctor {}", joined(&self.host, self.family.port()))
    }

    /// The command of the family; both if it is not known.
    fn by_family(&self, managed: String, classic: String) -> Vec<String> {
        match self.family {
            Family::Managed => vec![managed],
            Family::Classic => vec![classic],
            Family::Unknown => vec![managed, classic],
        }
    }

    /// Assigns an access policy to this identity. An assignment's name has letters and digits only.
    pub(crate) fn assign(&self) -> Vec<String> {
        let (group, name, object_id) = (self.group(), self.name(), self.object_id());
        let assignment: String = object_id.chars().filter(char::is_ascii_alphanumeric).collect();
        self.by_family(
            format!(
                "az redisenterprise database access-policy-assignment create -g {group} --cluster-name {name} \
                 --database-name default -n {assignment} --access-policy-name default --object-id {object_id}"
            ),
            format!(
                "az redis access-policy-assignment create -g {group} -n {name} --policy-assignment-name {assignment} \
                 --access-policy-name \"Data Contributor\" --object-id {object_id} --object-id-alias {assignment}"
            ),
        )
    }

    /// Gives an assignment that exists that access string, or the policy of Azure Cache for Redis that permits most.
    pub(crate) fn widen(&self, access: &str) -> Vec<String> {
        let (group, name, object_id) = (self.group(), self.name(), self.object_id());
        self.by_family(
            format!(
                "az redisenterprise database access-policy-assignment update -g {group} --cluster-name {name} \
                 --database-name default -n ASSIGNMENT --access-string \"{access}\""
            ),
            format!(
                "az redis access-policy-assignment update -g {group} -n {name} --policy-assignment-name ASSIGNMENT \
                 --access-policy-name \"Data Contributor\" --object-id {object_id} --object-id-alias ALIAS"
            ),
        )
    }

    /// Shows how the cache is.
    pub(crate) fn state(&self) -> Vec<String> {
        let (group, name) = (self.group(), self.name());
        let state = |product| format!("az {product} show -g {group} -n {name} --query provisioningState");
        self.by_family(state("redisenterprise"), state("redis"))
    }

    /// Lists who is assigned.
    pub(crate) fn list(&self) -> Vec<String> {
        let (group, name) = (self.group(), self.name());
        self.by_family(
            format!(
                "az redisenterprise database access-policy-assignment list -g {group} --cluster-name {name} \
                 --database-name default"
            ),
            format!("az redis access-policy-assignment list -g {group} -n {name}"),
        )
    }

    /// Switches Entra on, which only Azure Cache for Redis can have off.
    pub(crate) fn switch_entra_on(&self) -> String {
        let (group, name) = (self.group(), self.name());
        // By the name that `az` has for it: it sends another one beside that, which may say the contrary.
        format!("az redis update -g {group} -n {name} --set redisConfiguration.aadEnabled=true")
    }

    /// Switches access keys on, or off.
    pub(crate) fn switch_keys(&self, on: bool) -> Vec<String> {
        let (group, name) = (self.group(), self.name());
        let (managed, classic) = if on { ("Enabled", "false") } else { ("Disabled", "true") };
        self.by_family(
            format!(
                "az redisenterprise database update -g {group} --cluster-name {name} --access-keys-authentication \
                 {managed}"
            ),
            format!("az redis update -g {group} -n {name} --set disableAccessKeyAuthentication={classic}"),
        )
    }
}

#[cfg(test)]
pub(crate) fn for_tests(host: &str) -> Subject {
    let family = Family::of(host, None);
    let ids = Ids {
        object_id: Some("11111111-0000-4000-8000-000000000001".to_owned()),
        client_id: Some("11111111-c000-4000-8000-000000000001".to_owned()),
        tenant_id: Some("72f988bf-0000-4000-8000-000000000001".to_owned()),
        resource_id: None,
    };
    Subject { host: host.to_owned(), port: family.port(), family, ids, resource: None, cache: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_what_is_known_and_a_placeholder_for_the_rest() {
        let managed = for_tests("orders.westeurope.redis.azure.net").assign();
        assert_eq!(
            managed,
            ["az redisenterprise database access-policy-assignment create -g RG --cluster-name orders \
              --database-name default -n 11111111000040008000000000000001 --access-policy-name default \
              --object-id 11111111-0000-4000-8000-000000000001"]
        );
        let classic = for_tests("orders.redis.cache.windows.net").assign();
        assert!(
            classic.len() == 1
                && classic[0].starts_with("az redis access-policy-assignment create -g RG -n orders")
        );
        assert_eq!(for_tests("localhost").assign().len(), 2, "either may be meant");
        assert_eq!(for_tests("::1").at_its_port(), "entrakey doctor [::1]:10000");
    }

    #[test]
    fn in_every_cloud_a_command_has_the_caches_name_and_is_of_its_product() {
        for (host, command) in [
            ("orders.westeurope.redis.azure.net", MANAGED),
            ("orders.usgovvirginia.redis.usgovcloudapi.net", MANAGED),
            ("orders.chinanorth3.redis.chinacloudapi.cn", MANAGED),
            ("orders.westeurope.redisenterprise.cache.azure.net", MANAGED),
            ("orders.redis.cache.windows.net", CLASSIC),
            ("orders.redis.cache.usgovcloudapi.net", CLASSIC),
            ("orders.redis.cache.chinacloudapi.cn", CLASSIC),
        ] {
            let subject = for_tests(host);
            assert_eq!(subject.list(), [command], "{host}");
        }
    }

    const MANAGED: &str = "az redisenterprise database access-policy-assignment list -g RG --cluster-name orders \
                           --database-name default";
    const CLASSIC: &str = "az redis access-policy-assignment list -g RG -n orders";

    /// As `az` has them: github.com/Azure/azure-cli, command_modules/redis; github.com/Azure/azure-cli-extensions,
    /// src/redisenterprise, where `database update` and `database force-unlink` take no --database-name.
    #[test]
    fn what_switches_keys_and_entra_is_written_as_az_takes_it() {
        let managed = for_tests("orders.westeurope.redis.azure.net");
        let update =
            "az redisenterprise database update -g RG --cluster-name orders --access-keys-authentication";
        assert_eq!(managed.switch_keys(true), [format!("{update} Enabled")]);
        assert_eq!(managed.switch_keys(false), [format!("{update} Disabled")]);
        let classic = for_tests("orders.redis.cache.windows.net");
        let update = "az redis update -g RG -n orders --set";
        assert_eq!(classic.switch_keys(false), [format!("{update} disableAccessKeyAuthentication=true")]);
        assert_eq!(classic.switch_entra_on(), format!("{update} redisConfiguration.aadEnabled=true"));
    }
}
