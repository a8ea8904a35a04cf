//! Azure Resource Manager, read by this identity: the cache, who is assigned, its metrics.
//!
//! <https://learn.microsoft.com/rest/api/redis/>, <https://learn.microsoft.com/rest/api/redis/redisenterprisecache/>

use crate::exit_code::{NETWORK, REFUSED};
use crate::failure::Failure;
use crate::family::{Family, without_dot};
use crate::identity::{Keys, config};
use entrakey_core::{ConfigReport, DuringOutage, GetToken, Https, HttpsAnswer, Provider};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use zeroize::Zeroizing;

const CLASSIC: &str = "2024-11-01";
const MANAGED: &str = "2025-07-01";
const SUBSCRIPTIONS: &str = "2022-12-01";
const ROLES: &str = "2022-04-01";
const METRICS: &str = "2023-10-01";

const TIMEOUT: Duration = Duration::from_secs(15);
/// How long Azure Resource Manager may let a caller wait who asks too often.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
const TRIES: u32 = 3;
/// A list that has more pages than this is not read to its end.
const MOST_PAGES: usize = 50;

/// The address, if it is another than that of the cloud: for tests and emulators, as `authority_host` is.
pub(crate) const VARIABLE: &str = "ENTRAKEY_ARM_ENDPOINT";

/// Azure Resource Manager, asked with this identity's tokens.
pub(crate) struct Arm {
    https: Https,
    token: Zeroizing<String>,
    endpoint: String,
}

/// Which of the two products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    /// Microsoft.Cache/redis.
    Classic,
    /// Microsoft.Cache/redisEnterprise.
    Managed,
}

impl Product {
    pub(crate) fn family(self) -> Family {
        match self {
            Self::Classic => Family::Classic,
            Self::Managed => Family::Managed,
        }
    }
}

/// What the resource id of a cache says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) id: String,
    pub(crate) product: Product,
    pub(crate) group: String,
    pub(crate) name: String,
}

/// A cache.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    pub(crate) resource: Resource,
    /// The name by which clients know it.
    pub(crate) host: String,
    /// Whether Entra is on: it always is on Azure Managed Redis.
    pub(crate) is_entra_on: bool,
    /// Whether access keys are taken, if it says.
    pub(crate) takes_keys: Option<bool>,
    /// Its partners in other regions: on Azure Managed Redis the ids of their databases, else their names.
    pub(crate) partners: Vec<String>,
}

impl Cache {
    /// The id of the one database that an Azure Managed Redis has.
    pub(crate) fn database_id(&self) -> String {
        format!("{}/databases/default", self.resource.id)
    }
}

/// An access policy assignment.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) object_id: String,
    pub(crate) policy: String,
}

/// What it says of an identity's access to a cache.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// None if the cache does not say.
    pub(crate) is_entra_on: Option<bool>,
    pub(crate) assignments: Vec<Assignment>,
    /// Whether the identity has an Azure role there.
    pub(crate) has_role: bool,
}

/// The most of a metric in each minute of the time that was asked for, by the minute.
pub(crate) type Series = BTreeMap<String, f64>;

impl Arm {
    /// # Errors
    /// The address is no https, or there is no token for it.
    pub(crate) fn sign_in(keys: &Keys, report: &ConfigReport) -> Result<Self, Failure> {
        let (public, scope) = match report.cloud.as_str() {
            "china" => {
                ("https://management.chinacloudapi.cn", "https://management.chinacloudapi.cn/.default")
            }
            "us_government" => {
                ("https://management.usgovcloudapi.net", "https://management.usgovcloudapi.net/.default")
            }
            _ => ("https://management.azure.com", "https://management.azure.com/.default"),
        };
        let given = std::env::var(VARIABLE).ok().filter(|given| !given.is_empty());
        let endpoint = given.unwrap_or_else(|| public.to_owned()).trim_end_matches('/').to_owned();
        if !endpoint.starts_with("https://") {
            return Err(Failure::usage(format!(
                "{VARIABLE} must start with https://: a token is sent there."
            )));
        }
        let mut keys = keys.clone();
        keys.insert("scope", Zeroizing::new(scope.to_owned()));
        let provider = Provider::new(&config(&keys)?)?;
        let how = GetToken { timeout: Some(TIMEOUT), during_outage: DuringOutage::Report };
        let token = provider.get_token_with(how)?;
        let (https, token) = (provider.https(), Zeroizing::new(token.secret().to_owned()));
        provider.close();
        Ok(Self { https, token, endpoint })
    }

    /// The cache of that host name, wherever this identity may look.
    ///
    /// # Errors
    /// It cannot be reached, or does not let this identity look.
    pub(crate) fn find(&self, host: &str) -> Result<Option<Cache>, Failure> {
        let subscriptions = self.list(&format!("/subscriptions?api-version={SUBSCRIPTIONS}"))?;
        let mut last = None;
        for subscription in subscriptions.iter().filter_map(|one| one["subscriptionId"].as_str()) {
            for (kind, version) in [("redisEnterprise", MANAGED), ("redis", CLASSIC)] {
                let path = format!(
                    "/subscriptions/{subscription}/providers/Microsoft.Cache/{kind}?api-version={version}"
                );
                let caches = match self.list(&path) {
                    Ok(caches) => caches,
                    Err(failure) => {
                        last = Some(failure); // it may be in another one
                        continue;
                    }
                };
                let is_it = |cache: &&Value| {
                    cache["properties"]["hostName"]
                        .as_str()
                        .is_some_and(|name| name.eq_ignore_ascii_case(without_dot(host)))
                };
                if let Some(id) = caches.iter().find(is_it).and_then(|cache| cache["id"].as_str()) {
                    return self.cache(id).map(Some);
                }
            }
        }
        last.map_or(Ok(None), Err)
    }

    /// The cache with that resource id.
    ///
    /// # Errors
    /// It cannot be reached, or does not let this identity look.
    pub(crate) fn cache(&self, id: &str) -> Result<Cache, Failure> {
        let resource = Resource::of_id(id).ok_or_else(|| odd("the id of a cache is none"))?;
        let product = resource.product;
        let cache = Cache {
            resource,
            host: String::new(),
            is_entra_on: true,
            takes_keys: None,
            partners: Vec::new(),
        };
        match product {
            Product::Classic => self.classic(cache),
            Product::Managed => self.managed(cache),
        }
    }

    fn classic(&self, cache: Cache) -> Result<Cache, Failure> {
        let properties = &self.get(&format!("{}?api-version={CLASSIC}", cache.resource.id))?["properties"];
        let is_entra_on = properties["redisConfiguration"]["aad-enabled"].as_str();
        let keys_off = properties["disableAccessKeyAuthentication"].as_bool().unwrap_or_default();
        let linked = ids(&properties["linkedServers"]);
        Ok(Cache {
            host: properties["hostName"].as_str().unwrap_or_default().to_owned(),
            is_entra_on: is_entra_on.is_some_and(|text| text.eq_ignore_ascii_case("true")),
            takes_keys: Some(!keys_off),
            partners: linked.filter_map(|id| id.rsplit('/').next()).map(str::to_owned).collect(),
            ..cache
        })
    }

    fn managed(&self, cache: Cache) -> Result<Cache, Failure> {
        let cluster = self.get(&format!("{}?api-version={MANAGED}", cache.resource.id))?;
        let database = self.get(&format!("{}/databases/default?api-version={MANAGED}", cache.resource.id))?;
        let properties = &database["properties"];
        let keys = properties["accessKeysAuthentication"].as_str();
        let own = cache.database_id();
        let linked = ids(&properties["geoReplication"]["linkedDatabases"]);
        Ok(Cache {
            host: cluster["properties"]["hostName"].as_str().unwrap_or_default().to_owned(),
            takes_keys: keys.map(|keys| keys.eq_ignore_ascii_case("Enabled")),
            partners: linked.filter(|id| !id.eq_ignore_ascii_case(&own)).map(str::to_owned).collect(),
            ..cache
        })
    }

    /// Who is assigned.
    ///
    /// # Errors
    /// It cannot be reached, or does not let this identity look.
    pub(crate) fn assignments(&self, cache: &Cache) -> Result<Vec<Assignment>, Failure> {
        let (of, version) = match cache.resource.product {
            Product::Classic => ("", CLASSIC),
            Product::Managed => ("/databases/default", MANAGED),
        };
        let listed =
            self.list(&format!("{}{of}/accessPolicyAssignments?api-version={version}", cache.resource.id))?;
        let read = |one: &Value| {
            let properties = &one["properties"];
            let object_id =
                properties["objectId"].as_str().or_else(|| properties["user"]["objectId"].as_str());
            Some(Assignment {
                object_id: object_id?.to_owned(),
                policy: properties["accessPolicyName"].as_str().unwrap_or_default().to_owned(),
            })
        };
        Ok(listed.iter().filter_map(read).collect())
    }

    /// What the cache and its assignments say of that object id.
    ///
    /// # Errors
    /// It cannot be reached, or does not let this identity look.
    pub(crate) fn access(&self, cache: &Cache, object_id: &str) -> Result<Access, Failure> {
        let is_entra_on = (cache.resource.product == Product::Classic).then_some(cache.is_entra_on);
        let assignments = self.assignments(cache)?;
        let path = format!(
            "{}/providers/Microsoft.Authorization/roleAssignments?api-version={ROLES}&$filter=principalId%20eq%20'{object_id}'",
            cache.resource.id
        );
        // Not everybody who may read a cache may read who has roles on it.
        let has_role = self.list(&path).is_ok_and(|roles| !roles.is_empty());
        Ok(Access { is_entra_on, assignments, has_role })
    }

    /// The most of each metric, by the minute.
    ///
    /// # Errors
    /// It cannot be reached, or does not let this identity look.
    pub(crate) fn metrics(
        &self,
        cache: &Cache,
        names: &[&str],
        timespan: &str,
    ) -> Result<Vec<(String, Series)>, Failure> {
        let path = format!(
            "{}/providers/Microsoft.Insights/metrics?api-version={METRICS}&metricnames={}&timespan={timespan}\
             &interval=PT1M&aggregation=Maximum",
            cache.resource.id,
            names.join(",")
        );
        let listed = self.list(&path)?;
        let read = |metric: &Value| {
            let name = metric["name"]["value"].as_str()?.to_owned();
            let series = metric["timeseries"].as_array().into_iter().flatten();
            let points = series.flat_map(|one| one["data"].as_array().into_iter().flatten());
            let mut most = Series::new();
            for (minute, value) in
                points.filter_map(|one| Some((one["timeStamp"].as_str()?, one["maximum"].as_f64()?)))
            {
                let known = most.entry(minute.to_owned()).or_insert(value);
                *known = known.max(value);
            }
            Some((name, most))
        };
        Ok(listed.iter().filter_map(read).collect())
    }

    /// All pages of a list.
    fn list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let (mut items, mut next) = (Vec::new(), Some(path.to_owned()));
        for _ in 0..MOST_PAGES {
            let Some(path) = next.take() else { return Ok(items) };
            let mut page = self.get(&path)?;
            if let Some(values) = page["value"].as_array_mut() {
                items.append(values);
            }
            next = page["nextLink"].as_str().map(|link| self.own_path(link)).transpose()?;
        }
        Err(odd("a list has no end"))
    }

    /// The token goes to no other address.
    fn own_path(&self, link: &str) -> Result<String, Failure> {
        let path = link.strip_prefix(&self.endpoint).filter(|path| path.starts_with('/'));
        path.map(str::to_owned).ok_or_else(|| odd("the next page of a list is at another address"))
    }

    fn get(&self, path: &str) -> Result<Value, Failure> {
        let address = format!("{}{path}", self.endpoint);
        let mut answer = self.once(&address)?;
        for _ in 1..TRIES {
            let Some(wait) = answer.retry_after.filter(|_| answer.status == 429) else { break };
            std::thread::sleep(wait.min(LONGEST_WAIT));
            answer = self.once(&address)?;
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match answer.status {
            200 if body.is_object() => Ok(body),
            200 => Err(odd("what it answers is no JSON object")),
            status => Err(refusal(status, &body)),
        }
    }

    fn once(&self, address: &str) -> Result<HttpsAnswer, Failure> {
        Ok(self.https.get(address, Some(&self.token), TIMEOUT)?)
    }
}

/// The resource id of a cache, as on the command line.
pub(crate) fn cache_id(id: &str) -> Result<String, String> {
    let what = "the resource id of a cache is /subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.Cache/redis/NAME, \
                or …/redisEnterprise/NAME";
    Resource::of_id(id).map(|resource| resource.id).ok_or_else(|| what.to_owned())
}

/// The ids of a list of resources.
fn ids(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(|one| one["id"].as_str())
}

impl Resource {
    /// None if it is the id of no cache.
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        let cache = entrakey_leases::Cache::of_id(id).ok()?;
        let product = if cache.is_managed { Product::Managed } else { Product::Classic };
        let [_, _, _, _, group, .., name] = cache.id.split('/').collect::<Vec<_>>()[..] else { return None };
        let (group, name) = (group.to_owned(), name.to_owned());
        Some(Self { id: cache.id, product, group, name })
    }
}

fn odd(what: &str) -> Failure {
    Failure::new(
        NETWORK,
        format!("it answers what makes no sense: {what}. What stands between here and there?"),
    )
}

fn refusal(status: u16, body: &Value) -> Failure {
    let error = &body["error"];
    let said = error["message"].as_str().or_else(|| error["code"].as_str()).unwrap_or("no reason given");
    let said: String = said.chars().filter(|c| !c.is_control()).take(300).collect();
    let advice = match status {
        403 => " The identity needs the role Reader on the cache to look at it.",
        429 => " It is asked too often: try again later.",
        _ => "",
    };
    let code = if status == 429 || status >= 500 { NETWORK } else { REFUSED };
    Failure::new(code, format!("status {status}: {}.{advice}", said.trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_by_its_places_and_leads_to_no_other_host() {
        let id = |group: &str, kind: &str| {
            format!("/subscriptions/s/resourceGroups/{group}/providers/Microsoft.Cache/{kind}/orders")
        };
        let known = |group: &str, product| Some((product, group.to_owned(), "orders".to_owned()));
        let read_id = |id: &str| {
            let resource = Resource::of_id(id)?;
            Some((resource.product, resource.group, resource.name))
        };
        assert_eq!(read_id(&id("redis", "redis")), known("redis", Product::Classic));
        assert_eq!(read_id(&id("redisEnterprise", "Redis")), known("redisEnterprise", Product::Classic));
        assert_eq!(read_id(&id("my-rg(prod)", "redisEnterprise")), known("my-rg(prod)", Product::Managed));
        for wrong in
            [&id("g", "redis")[1..], "@evil/redis/x", "/redis/x", &id("x;y", "redis"), &id("g", "other")]
        {
            assert_eq!(read_id(wrong), None, "{wrong}");
        }
    }
}
