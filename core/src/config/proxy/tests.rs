use super::*;
use crate::config::{Config, Environment, FileValues};
use crate::error::ErrorKind;

const TARGET: &str = "https://login.example";

fn proxies(keys: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Proxies> {
    let (mut config, file) = (Config::new(), FileValues::default());
    for (key, value) in keys {
        config.set(key, value)?;
    }
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = Environment::of(variables);
    Proxies::resolve(&Values { config: &config, environment: &environment, file: &file })
}

/// The proxy to [`TARGET`] as `host:port` and what names it; none for the direct way.
fn way(keys: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Option<String>> {
    let proxies = proxies(keys, variables)?;
    proxies.check(TARGET)?;
    Ok(match proxies.way_to(&TARGET.parse().unwrap()) {
        Way::Through(proxy) => Some(proxy),
        Way::Direct { .. } => None,
    })
}

const GOOD: &str = "http://me:s3cret@proxy.corp:3128";
const SOCKS: &str = "socks5://me:s3cret@127.0.0.1:1080";

fn through(variable: &str) -> Option<String> {
    Some(format!("proxy.corp:3128 (environment variable {variable})"))
}

#[test]
fn the_variables_are_read_in_the_order_of_curl_and_requests() {
    let all = [
        ("https_proxy", GOOD),
        ("HTTPS_PROXY", GOOD),
        ("all_proxy", GOOD),
        ("ALL_PROXY", GOOD),
        ("http_proxy", GOOD),
        ("HTTP_PROXY", GOOD),
    ];
    for (index, (variable, _)) in all.iter().enumerate().take(4) {
        assert_eq!(way(&[], &all[index..]).unwrap(), through(variable));
    }
    assert_eq!(way(&[], &all[4..]).unwrap(), None, "those are for plain http");
    let blank = [("https_proxy", " "), ("HTTPS_PROXY", ""), ("ALL_PROXY", GOOD)];
    assert_eq!(way(&[], &blank).unwrap(), through("ALL_PROXY"), "a blank one is not set");
    assert_eq!(
        way(&[], &[("https_proxy", "proxy.corp:3128")]).unwrap(),
        through("https_proxy"),
        "http is meant"
    );
}

#[test]
fn a_variable_that_would_not_be_used_is_no_error() {
    for variables in [
        &[("all_proxy", SOCKS), ("https_proxy", GOOD)][..],
        &[("ALL_PROXY", SOCKS), ("HTTPS_PROXY", GOOD)],
        &[("HTTPS_PROXY", "socks4a://127.0.0.1"), ("https_proxy", GOOD)],
        &[("ALL_PROXY", SOCKS), ("no_proxy", "example")],
        &[("http_proxy", SOCKS), ("HTTP_PROXY", "nonsense://")],
    ] {
        assert!(way(&[], variables).is_ok(), "{variables:?}");
    }
    assert!(way(&[("proxy", "http://own:2")], &[("ALL_PROXY", SOCKS)]).is_ok(), "the key is meant");
    assert!(way(&[("no_proxy", "*")], &[("ALL_PROXY", SOCKS)]).is_ok(), "nothing goes through it");
}

#[test]
fn one_that_would_be_used_and_cannot_be_is_refused_by_name_without_showing_it() {
    let refusal = |keys: &[(&str, &str)], variables: &[(&str, &str)]| {
        let error = way(keys, variables).expect_err("accepted");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(!error.message().contains("s3cret"), "{error}");
        error.message().to_owned()
    };
    for (variable, value) in [
        ("all_proxy", SOCKS),
        ("ALL_PROXY", "socks5h://127.0.0.1:1080"),
        ("https_proxy", "socks://127.0.0.1"),
        ("HTTPS_PROXY", "http://"),
        ("HTTPS_PROXY", "\"http://me:s3cret@proxy:1\""),
        ("https_proxy", "ftp://proxy"),
    ] {
        let message = refusal(&[], &[(variable, value), ("no_proxy", "other.example")]);
        assert!(message.starts_with(&format!("environment variable {variable}")), "{message}");
        assert_eq!(message.contains("quotes"), value.starts_with('"'), "{message}");
    }
    let message = refusal(&[], &[("HTTPS_PROXY", SOCKS), ("ALL_PROXY", GOOD)]);
    assert!(message.contains("HTTPS_PROXY"), "no other takes its place: {message}");
    let message = refusal(&[("proxy", SOCKS)], &[("HTTPS_PROXY", GOOD)]);
    assert!(message.starts_with("proxy (set in code): "), "{message}");
}

#[test]
fn a_password_that_is_not_encoded_and_a_port_that_is_none_are_refused_and_not_taken_for_another_host() {
    for odd in [
        "http://me:12345#x@proxy.corp:3128",
        "http://me:12345/x@proxy.corp:3128",
        "me:12345?x@proxy.corp:3128",
        "http://proxy.corp:99999",
        "http://proxy.corp:0",
    ] {
        let error = way(&[], &[("https_proxy", odd)]).expect_err(odd);
        assert!(error.message().contains("percent-encoded") && !error.message().contains("12345"), "{error}");
    }
    for good in ["http://me:s3cret@proxy.corp:3128/", "HTTP://me:a%23b@proxy.corp:3128", "proxy.corp:3128"] {
        assert_eq!(way(&[], &[("https_proxy", good)]).unwrap(), through("https_proxy"), "{good}");
    }
}

#[test]
fn keys_win_over_variables_each_by_itself() {
    let (own, environment) = (("proxy", "http://me:s3cret@own:2"), ("HTTPS_PROXY", GOOD));
    let of_key = Some("own:2 (set in code)".to_owned());
    assert_eq!(way(&[own], &[environment]).unwrap(), of_key);
    assert_eq!(way(&[own], &[environment, ("NO_PROXY", "other, login.example")]).unwrap(), None);
    assert_eq!(way(&[("no_proxy", "login.example")], &[environment]).unwrap(), None);
    assert_eq!(way(&[own, ("no_proxy", "x")], &[("no_proxy", "login.example")]).unwrap(), of_key);
    assert_eq!(
        way(&[], &[environment, ("no_proxy", "x"), ("NO_PROXY", "*")]).unwrap(),
        through("HTTPS_PROXY")
    );
}

#[test]
fn plain_http_goes_to_this_machine_and_through_no_proxy() {
    let variables = PROXY.into_iter().chain(PROXY_FOR_HTTP).map(|name| (name, GOOD)).collect::<Vec<_>>();
    let proxies = proxies(&[], &variables).unwrap();
    let to = |url: &str| proxies.to(&url.parse().unwrap()).is_some();
    assert!(to("https://127.0.0.1:8443") && !to("http://127.0.0.1:8080") && !to("http://169.254.169.254"));
}

#[test]
fn a_variable_for_plain_http_is_named_where_it_explains_a_failure() {
    let unread = |variables: &[(&str, &str)]| match proxies(&[], variables)
        .unwrap()
        .way_to(&TARGET.parse().unwrap())
    {
        Way::Direct { unread } => unread,
        Way::Through(_) => None,
    };
    assert_eq!(unread(&[("HTTP_PROXY", GOOD)]), Some("HTTP_PROXY"));
    assert_eq!(
        unread(&[("HTTP_PROXY", GOOD), ("https_proxy", GOOD), ("no_proxy", "*")]),
        None,
        "that is why"
    );
    assert_eq!(unread(&[]), None);
}
