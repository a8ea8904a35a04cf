//! A server refused a token: what was probably wrong, in a sentence that says what to do.
//!
//! The likely causes: <https://learn.microsoft.com/azure/redis/entra-for-authentication>.

use crate::claims::Claims;
use crate::config::Settings;
use crate::connections::Refusal;
use crate::error::presentable;
use crate::redact::redacted;
use crate::token::Token;
use crate::token_fault::token_faults;
use std::fmt::Write as _;
use std::sync::Arc;

/// Servers tolerate about five minutes between clocks.
const TOLERATED_SKEW_MS: i64 = 300_000;

/// The likely reason of a rejection. More may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectionReason {
    /// What was reported says nothing of the token ([`Refusal::read`]): the server was loading, the connection went away.
    /// Not counted, and no other token is asked for.
    NotARefusal,
    /// The connection used an older token than the provider has.
    StaleToken,
    /// The server let the user in but does not permit the command (`NOPERM`): no token would help.
    NoPermission,
    /// The token has expired.
    Expired,
    /// The token is for another resource than Redis.
    WrongAudience,
    /// The user name is an application id, not an object id.
    ApplicationId,
    /// The user name is another one than the token's object id, and no application id.
    WrongUsername,
    /// The token has no object id.
    NoObjectId,
    /// This machine's clock and the source's are far apart.
    ClockSkew,
    /// The identity's object id is another one than before.
    ObjectIdChanged,
    /// On Kubernetes the node's identity answered, not the workload's.
    NodeIdentity,
    /// The cache has no access policy for this object id: the most frequent cause by far.
    NoAccessPolicy,
}

impl RejectionReason {
    /// Each reason.
    pub const ALL: [Self; 12] = [
        Self::NotARefusal,
        Self::StaleToken,
        Self::NoPermission,
        Self::Expired,
        Self::WrongAudience,
        Self::ApplicationId,
        Self::WrongUsername,
        Self::NoObjectId,
        Self::ClockSkew,
        Self::ObjectIdChanged,
        Self::NodeIdentity,
        Self::NoAccessPolicy,
    ];

    /// The name, the same in every language and in metrics: `no_access_policy`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotARefusal => "not_a_refusal",
            Self::StaleToken => "stale_token",
            Self::NoPermission => "no_permission",
            Self::Expired => "expired",
            Self::WrongAudience => "wrong_audience",
            Self::ApplicationId => "application_id",
            Self::WrongUsername => "wrong_username",
            Self::NoObjectId => "no_object_id",
            Self::ClockSkew => "clock_skew",
            Self::ObjectIdChanged => "object_id_changed",
            Self::NodeIdentity => "node_identity",
            Self::NoAccessPolicy => "no_access_policy",
        }
    }

    /// Whether another token could help.
    pub(crate) fn wants_refresh(self) -> bool {
        !matches!(self, Self::NotARefusal | Self::StaleToken | Self::NoPermission)
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::NotARefusal => "That is no verdict on the token: connect again.",
            Self::StaleToken => "The provider has a newer token already: authenticate with that one.",
            Self::NoPermission => {
                "The access policy of this object id does not permit the command: assign one that does."
            }
            Self::Expired => "The token had expired: authenticate again with the provider's current token.",
            // Of a token's own faults the text says more.
            Self::WrongAudience | Self::ApplicationId | Self::WrongUsername | Self::NoObjectId => {
                "What the token says of itself does not fit."
            }
            Self::ClockSkew => "This machine's clock is off by more than five minutes: synchronise it.",
            Self::ObjectIdChanged => {
                "The object id is another one than before: the identity was deleted and made anew, or another \
                 identity answers. Assign an access policy of the cache to the new object id."
            }
            Self::NodeIdentity => {
                "This is Kubernetes, and a managed identity of the node answered. If a workload identity was \
                 meant, label the pod azure.workload.identity/use: \"true\" and set identity to \
                 workload_identity; else assign an access policy of the cache to this object id."
            }
            Self::NoAccessPolicy => {
                "Most likely the cache has no access policy assignment for this object id: add one (it takes a \
                 few minutes to take effect)."
            }
        }
    }
}

/// What is to be made of a rejection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rejection {
    /// The likely reason.
    pub reason: RejectionReason,
    /// Who the token was for, and what to do. It holds ids, no secret.
    pub explanation: String,
}

/// What is known when a server refuses a token.
pub(crate) struct Facts {
    /// The version that was refused, and the message of the server.
    pub(crate) version: u64,
    pub(crate) message: String,
    pub(crate) current: Option<Arc<Token>>,
    pub(crate) is_valid: bool,
    pub(crate) skew_ms: Option<i64>,
    pub(crate) previous_username: Option<String>,
}

pub(crate) fn explain(facts: &Facts, settings: &Settings) -> Rejection {
    let claims = facts.current.as_ref().and_then(|token| Claims::parse(token.secret())).unwrap_or_default();
    let username = facts.current.as_ref().map(|token| token.username()).unwrap_or_default();
    let fault = token_faults(claims.payload(), username).into_iter().next();
    let reason = reason(facts, fault.as_ref().map(|fault| fault.reason), settings);
    let remedy = match &fault {
        Some(fault) if fault.reason == reason => &fault.text,
        _ => reason.remedy(),
    };
    Rejection { reason, explanation: sentence(facts, &claims, settings, reason) + remedy }
}

/// `fault`: what the token's own claims tell.
fn reason(facts: &Facts, fault: Option<RejectionReason>, settings: &Settings) -> RejectionReason {
    let Some(refusal) = Refusal::read(&facts.message) else { return RejectionReason::NotARefusal };
    if facts.current.as_ref().is_none_or(|token| token.version() != facts.version) {
        return RejectionReason::StaleToken;
    }
    if refusal == Refusal::Permission {
        RejectionReason::NoPermission
    } else if !facts.is_valid {
        RejectionReason::Expired
    } else if let Some(fault) = fault {
        fault
    } else if facts.skew_ms.is_some_and(|skew| skew.abs() > TOLERATED_SKEW_MS) {
        RejectionReason::ClockSkew
    } else if facts.previous_username.is_some() {
        RejectionReason::ObjectIdChanged
    } else if settings.on_kubernetes && settings.identity.is_of_the_node() {
        RejectionReason::NodeIdentity
    } else {
        RejectionReason::NoAccessPolicy
    }
}

/// What was refused, to whom; what to do is behind it.
fn sentence(facts: &Facts, claims: &Claims, settings: &Settings, reason: RejectionReason) -> String {
    let unknown = "unknown";
    let username = facts.current.as_ref().map_or(unknown, |token| token.username());
    let said = quoted(facts);
    if reason == RejectionReason::NotARefusal {
        return format!("The server answered \"{said}\". ");
    }
    let mut text = format!(
        "The server refused token version {} (\"{said}\") of user {username}: tenant {}, audience {}, from the {}. ",
        facts.version,
        claims.text("tid").unwrap_or(unknown),
        claims.text("aud").unwrap_or(unknown),
        settings.identity.describe(),
    );
    if let Some(previous) = &facts.previous_username {
        let _ = write!(text, "Before it was user {previous}. "); // into a String: it cannot fail
    }
    text
}

/// What the server said, without tokens: some servers repeat a command that they do not know, AUTH included.
fn quoted(facts: &Facts) -> String {
    let current = facts.current.as_ref().map(|token| token.secret());
    let current: Vec<&str> = current.into_iter().collect();
    presentable(&redacted(&facts.message, &current)).chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Now;
    use crate::config::{Config, Environment};
    use crate::token::Parts;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use std::time::Duration;
    use zeroize::Zeroizing;

    const OID: &str = "9a0b-object";

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let mut config = Config::new();
        config.set("identity", "managed_identity").unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::resolve(&config, Environment::of(variables)).unwrap()
    }

    fn facts(audience: &str, username: &str) -> Facts {
        let claims = format!(r#"{{"aud":"{audience}","oid":"{OID}","appid":"the-app","tid":"the-tenant"}}"#);
        let parts = Parts {
            secret: Zeroizing::new(format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims))),
            username: username.to_owned(),
            version: 3,
            end: Duration::from_secs(3600),
            lifetime: Duration::from_secs(3600),
            min_validity: Duration::ZERO,
            least_fresh: Duration::ZERO,
            margin: Duration::ZERO,
            refresh_in: Duration::ZERO,
        };
        Facts {
            version: 3,
            message: "WRONGPASS invalid username-password pair".into(),
            current: Some(Arc::new(Token::new(parts, Now::default()))),
            is_valid: true,
            skew_ms: Some(-1500),
            previous_username: None,
        }
    }

    #[test]
    fn a_server_that_repeats_the_command_does_not_leak_the_token() {
        let plain = settings(&[]);
        let mut facts = facts("https://redis.azure.com", OID);
        let secret = facts.current.as_ref().unwrap().secret().to_owned();
        for shown in [secret.clone(), "eyJhbGciOi.eyJvaWQiOi".to_owned()] {
            facts.message =
                format!("ERR unknown command 'HELLO', with args beginning with: 'AUTH' '{shown}' 'x'");
            let said = explain(&facts, &plain).explanation;
            assert!(said.contains("'[token]' 'x'") && !said.contains(&shown), "{said}");
        }
    }

    #[test]
    fn a_token_that_was_cut_short_is_not_shown_either_whatever_it_looks_like() {
        let plain = settings(&[]);
        let opaque = |secret: &str, message: &str| {
            let mut facts = facts("https://redis.azure.com", OID);
            let parts = Parts {
                secret: Zeroizing::new(secret.to_owned()),
                username: "me".to_owned(),
                version: 3,
                end: Duration::from_secs(3600),
                lifetime: Duration::from_secs(3600),
                min_validity: Duration::ZERO,
                least_fresh: Duration::ZERO,
                margin: Duration::ZERO,
                refresh_in: Duration::ZERO,
            };
            facts.current = Some(Arc::new(Token::new(parts, Now::default())));
            facts.message = message.to_owned();
            explain(&facts, &plain).explanation
        };
        let secret = "p4ssw0rd-".repeat(20);
        let said = opaque(&secret, &format!("ERR args beginning with: 'AUTH' 'me' '{}'", &secret[..30]));
        assert!(said.contains("'me' '[token]'"), "{said}");
        let said = opaque("another-secret", &format!("ERR args beginning with: '{}'", "eyAi".repeat(32)));
        assert!(said.contains("'[token]'"), "{said}");
        let said = opaque("another-secret", "WRONGPASS user 9a0b1c2d-0000-4000-8000-000000000001 is unknown");
        assert!(said.contains("9a0b1c2d-0000-4000-8000-000000000001"), "an object id is no secret: {said}");
    }

    #[test]
    fn the_likely_cause_is_found_and_everything_needed_to_mend_it_is_named() {
        let plain = settings(&[]);
        let redis = || facts("https://redis.azure.com", OID);
        let reason = |facts: &Facts, settings: &Settings| {
            let rejection = explain(facts, settings);
            let secret = facts.current.as_ref().unwrap().secret().split('.').nth(1).unwrap().to_owned();
            assert!(!rejection.explanation.contains(&secret));
            rejection.reason
        };
        let said = explain(&redis(), &plain).explanation;
        for part in
            [OID, "the-tenant", "https://redis.azure.com", "managed identity", "access policy", "WRONGPASS"]
        {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(reason(&redis(), &plain), RejectionReason::NoAccessPolicy);
        assert_eq!(reason(&facts("https://vault.azure.net", OID), &plain), RejectionReason::WrongAudience);
        assert_eq!(
            reason(&facts("https://redis.azure.com/", "the-app"), &plain),
            RejectionReason::ApplicationId
        );
        let by_group = facts("https://redis.azure.com", "a-group");
        assert_eq!(reason(&by_group, &plain), RejectionReason::WrongUsername);
        let said = explain(&by_group, &plain).explanation;
        assert!(said.contains("user name a-group is not the token's object id, 9a0b-object"), "{said}");
        assert!(
            !said.contains("access policy assignment"),
            "the user is the cause, and nothing else: {said}"
        );
        let stale = Facts { version: 2, ..redis() };
        assert_eq!(reason(&stale, &plain), RejectionReason::StaleToken);
        let loading = Facts { message: "LOADING Redis is loading the dataset in memory".into(), ..redis() };
        assert_eq!(reason(&loading, &plain), RejectionReason::NotARefusal);
        assert!(!RejectionReason::NotARefusal.wants_refresh());
        let denied = Facts { message: "NOPERM this user has no permissions".into(), ..redis() };
        assert_eq!(reason(&denied, &plain), RejectionReason::NoPermission);
        assert!(
            !RejectionReason::NoPermission.wants_refresh() && !RejectionReason::StaleToken.wants_refresh()
        );
        assert!(RejectionReason::NoAccessPolicy.wants_refresh());
        let expired = Facts { is_valid: false, ..redis() };
        assert_eq!(reason(&expired, &plain), RejectionReason::Expired);
        let skewed = Facts { skew_ms: Some(-400_000), ..redis() };
        assert_eq!(reason(&skewed, &plain), RejectionReason::ClockSkew);
        let changed = Facts { previous_username: Some("old-object".into()), ..redis() };
        assert_eq!(reason(&changed, &plain), RejectionReason::ObjectIdChanged);
        assert!(explain(&changed, &plain).explanation.contains("old-object"));
        let kubernetes = settings(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
        assert_eq!(reason(&redis(), &kubernetes), RejectionReason::NodeIdentity);
    }
}
