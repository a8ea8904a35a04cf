use super::*;
use zeroize::Zeroizing;

fn text(text: &str) -> ServiceValue {
    ServiceValue::Text(Zeroizing::new(text.to_owned()))
}

fn table(pairs: &[(&str, ServiceValue)]) -> Table {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

const CACHE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Cache/redisEnterprise/orders";

fn application(more: &[(&str, &str)]) -> Table {
    let mut entry = table(&[
        ("kind", text("application_password")),
        ("application-id", text("11111111-2222-3333-4444-555555555555")),
        ("tenant-id", text("contoso")),
        ("client-id", text("c")),
        ("client-secret", text("hunter2")),
    ]);
    entry.extend(more.iter().map(|(name, value)| ((*name).to_owned(), text(value))));
    entry
}

fn plan(entry: Table) -> Result<Plan, String> {
    let secrets = table(&[("orders", ServiceValue::Table(entry))]);
    Plan::take(&mut table(&[("secrets", ServiceValue::Table(secrets))]), &Config::new())
}

#[test]
fn an_entry_has_the_parameters_that_infisicals_have() {
    let plan = plan(application(&[("prefix", "ord-"), ("default_ttl", "30m"), ("max-ttl", "1d")])).unwrap();
    let orders = &plan.secrets["orders"];
    assert_eq!(orders.prefix, "ord-");
    assert_eq!(
        (orders.default_ttl.as_secs(), orders.max_ttl.as_secs(), orders.most_leases),
        (1800, 86_400, 100)
    );
    assert_eq!(orders.tenant_id.as_deref(), Some("contoso"));
    assert_eq!(orders.kind(), Kind::ApplicationPassword);
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_without_a_secret() {
    for (more, part) in [
        (&[("max-ttl", "0")][..], "secrets.orders: max-ttl"),
        (&[("max-ttl", "99999999999999999999d")], "secrets.orders: max-ttl"),
        (&[("default-ttl", "2h"), ("max-ttl", "1h")], "default-ttl is longer than max-ttl"),
        (&[("max-leases", "0")], "max-leases is 0"),
        (&[("max-leases", "-1")], "max-leases must be a number"),
        (&[("prefix", "a b")], "prefix must have letters"),
        (&[("kind", "password")], "kind: \"password\" is none"),
        (&[("application-id", "../x")], "application-id is no client id"),
        (&[("nonsense", "x")], "\"nonsense\" is no setting there"),
        (&[("kind", "redis_access"), ("cache", CACHE)], "users is missing"),
        (&[("kind", "redis_access"), ("cache", "/x")], "resource id of a cache"),
        (&[("kind", "redis_access"), ("cache", CACHE), ("users", "ada@contoso.com")], "is no object id"),
        (&[("kind", "user_password"), ("users", "a/b")], "users: \"a/b\""),
    ] {
        let mut entry = application(more);
        if !more.iter().any(|(name, _)| *name == "application-id" || *name == "nonsense")
            && more.iter().any(|(name, value)| *name == "kind" && *value != "password")
        {
            entry.remove("application-id");
        }
        let said = plan(entry).err().unwrap_or_else(|| panic!("accepted: {more:?}"));
        assert!(said.contains(part) && !said.contains("hunter2"), "{said}");
    }
    assert!(plan(Table::new()).err().unwrap().contains("its kind is missing"));
    let said = Plan::take(&mut table(&[("keep", text("1h"))]), &Config::new()).err().unwrap();
    assert!(said.contains("keep is less than a day"), "{said}");
    let said = Plan::take(&mut Table::new(), &Config::new()).err().unwrap();
    assert!(said.contains("there is nothing to make leases of"), "{said}");
}

#[test]
fn a_client_has_roles_for_secrets_that_are_there() {
    let of = |secret: &str, role: &str| {
        let client = table(&[
            ("name", text("ci")),
            ("uids", ServiceValue::List(vec![text("33")])),
            ("secrets", text(secret)),
            ("roles", ServiceValue::List(vec![text(role)])),
        ]);
        let secrets = table(&[("orders", ServiceValue::Table(application(&[])))]);
        let mut all = table(&[
            ("secrets", ServiceValue::Table(secrets)),
            ("clients", ServiceValue::List(vec![ServiceValue::Table(client)])),
        ]);
        Plan::take(&mut all, &Config::new())
    };
    let plan = of("orders", "issue").unwrap();
    assert!(plan.clients[0].is(33, &[1]) && !plan.clients[0].is(1, &[33]));
    assert!(of("*", "list").is_ok());
    assert!(of("other", "issue").err().unwrap().contains("there is no secret \"other\""));
    assert!(of("orders", "admin").err().unwrap().contains("\"admin\" is no role"));
}
