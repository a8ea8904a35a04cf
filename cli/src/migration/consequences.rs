//! What switching access keys off does to a cache and its clients.

use crate::arm::{Cache, Product};
use crate::doctor::{Cause, Subject};
use crate::shell::word;

pub(super) fn consequences(cache: &Cache, subject: &Subject) -> Vec<Cause> {
    if cache.takes_keys == Some(false) {
        return Vec::new();
    }
    let text = "Switching access keys off ends every connection, those with tokens too. Do it in a maintenance window, with \
                clients that connect again by themselves.";
    let ends = Cause::new("ends_every_connection", text).mended_by(subject.switch_keys(false));
    [ends].into_iter().chain((!cache.partners.is_empty()).then(|| replicated(cache, subject))).collect()
}

fn replicated(cache: &Cache, subject: &Subject) -> Cause {
    let (group, name) = (subject.group(), subject.name());
    let text = "The cache has a partner in another region: unlink the two, switch access keys off on both, link them again. \
                While they are not linked, nothing is copied; the one that is linked again loses its data to the other's.";
    let partners: Vec<_> = cache.partners.iter().map(|partner| word(partner)).collect();
    let unlink = match cache.resource.product {
        Product::Classic => {
            let unlink = |partner: &String| {
                format!("az redis server-link delete -g {group} -n {name} --linked-server-name {partner}")
            };
            partners.iter().map(unlink).collect()
        }
        Product::Managed => vec![format!(
            "az redisenterprise database force-unlink -g {group} --cluster-name {name} --unlink-ids {}",
            partners.join(" ")
        )],
    };
    let linked = [cache.database_id()].into_iter().chain(cache.partners.iter().cloned());
    let linked: Vec<_> = linked.map(|id| format!("{{id:{id}}}")).collect();
    let link = match cache.resource.product {
        Product::Classic => format!(
            "az redis server-link create -g {group} -n {name} --replication-role Secondary --server-to-link PARTNER_ID"
        ),
        Product::Managed => format!(
            "az redisenterprise database force-link-to-replication-group -g {group} --cluster-name {name} \
             --database-name default --group-nickname NAME --linked-databases {}",
            word(&format!("[{}]", linked.join(",")))
        ),
    };
    Cause::new("geo_replicated", text)
        .mended_by(unlink.into_iter().chain(subject.switch_keys(false)).chain([link]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::Resource;
    use crate::doctor::for_tests;

    #[test]
    fn partners_are_unlinked_and_linked_again_as_az_takes_it() {
        for (product, host, partner, unlink, link) in [
            (
                Product::Managed,
                "orders.westeurope.redis.azure.net",
                "/there/databases/default",
                "az redisenterprise database force-unlink -g RG --cluster-name orders --unlink-ids /there/databases/default",
                "az redisenterprise database force-link-to-replication-group -g RG --cluster-name orders \
                 --database-name default --group-nickname NAME --linked-databases \
                 '[{id:/here/databases/default},{id:/there/databases/default}]'",
            ),
            (
                Product::Classic,
                "orders.redis.cache.windows.net",
                "orders-west",
                "az redis server-link delete -g RG -n orders --linked-server-name orders-west",
                "az redis server-link create -g RG -n orders --replication-role Secondary --server-to-link PARTNER_ID",
            ),
        ] {
            let subject = for_tests(host);
            let cache = Cache {
                resource: Resource {
                    id: "/here".to_owned(),
                    product,
                    group: "RG".to_owned(),
                    name: "orders".to_owned(),
                },
                host: host.to_owned(),
                is_entra_on: true,
                takes_keys: Some(true),
                partners: vec![partner.to_owned()],
            };
            let told = consequences(&cache, &subject);
            let replicated = told.iter().find(|cause| cause.id == "geo_replicated").unwrap();
            assert_eq!(replicated.mend.first().map(String::as_str), Some(unlink));
            assert_eq!(replicated.mend.last().map(String::as_str), Some(link));
            assert!(replicated.text.contains("loses its data"), "{}", replicated.text);
        }
    }
}
