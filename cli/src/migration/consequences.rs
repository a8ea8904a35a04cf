//! What switching access keys off does to a cache and its clients.

use crate::arm::{Cache, Product};
use crate::doctor::{Cause, Subject};

pub(super) fn consequences(cache: &Cache, subject: &Subject) -> Vec<Cause> {
    if cache.takes_keys == Some(false) {
        return Vec::new();
    }
    let text = "Switching access keys off ends every connection, those with tokens too. Do it in a maintenance window, with \
                clients that connect again by themselves.";
    let ends = Cause::new("ends_every_connection", text).mended_by(subject.switch_keys(false));
    [ends].into_iter().chain(cache.is_replicated.then(|| replicated(cache, subject))).collect()
}

fn replicated(cache: &Cache, subject: &Subject) -> Cause {
    let (group, name) = (subject.group(), subject.name());
    let text = "The cache has a partner in another region: unlink the two, switch access keys off on both, link them again. \
                While they are not linked, nothing is copied.";
    let unlink = match cache.product {
        Product::Classic => {
            format!("az redis server-link delete -g {group} -n {name} --linked-server-name PARTNER")
        }
        Product::Managed => format!(
            "az redisenterprise database force-unlink -g {group} --cluster-name {name} --unlink-ids PARTNER_DATABASE_ID"
        ),
    };
    let link = match cache.product {
        Product::Classic => format!(
            "az redis server-link create -g {group} -n {name} --replication-role Secondary --server-to-link PARTNER_ID"
        ),
        Product::Managed => format!(
            "az redisenterprise database force-link-to-replication-group -g {group} --cluster-name {name} \
             --database-name default --group-nickname NAME --linked-databases id=ID id=PARTNER_DATABASE_ID"
        ),
    };
    Cause::new("geo_replicated", text)
        .mended_by([unlink].into_iter().chain(subject.switch_keys(false)).chain([link]))
}
