//! One step after the other; what a step needs from one before it is handed on.

use super::cluster::{self, Client};
use super::finding::Finding;
use super::resolver::Resolver;
use super::way::Way;
use super::{
    Family, Ids, Subject, access_key, auth, clock, configuration, identity, name, permissions, plaintext,
    rotation, tcp, tls, token,
};
use crate::arm::{Access, Arm, Cache, Resource};
use crate::identity::{Keys, config};
use crate::settings::misspelt_variables;
use crate::terminal::say;
use entrakey_core::{ConfigReport, DuringOutage, Error, GetToken, Provider, Token, read_claims};
use serde_json::Value;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// What is to be looked at.
pub(crate) struct Wanted {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) family: Family,
    pub(crate) is_offline: bool,
    pub(crate) is_watched: bool,
    pub(crate) resolver: Resolver,
    pub(crate) client: Option<Client>,
    pub(crate) key_prefix: Option<String>,
    pub(crate) access_key: Option<Zeroizing<String>>,
    pub(crate) cache_id: Option<String>,
    pub(crate) asks_arm: bool,
}

pub(crate) struct Examination<'a> {
    wanted: Wanted,
    keys: &'a Keys,
    subject: Subject,
    findings: Vec<Finding>,
}

/// This identity, once it has a token.
struct Identified {
    provider: Provider,
    token: Arc<Token>,
    claims: Option<Value>,
}

const OF_THE_TOKEN: [&str; 3] = [identity::STEP, token::STEP, clock::STEP];
const OF_THE_WAY: [&str; 3] = [name::STEP, tcp::STEP, tls::STEP];
const OF_THE_SERVER: [&str; 6] =
    [plaintext::STEP, access_key::STEP, auth::STEP, permissions::STEP, cluster::STEP, rotation::STEP];

impl<'a> Examination<'a> {
    pub(crate) fn new(wanted: Wanted, keys: &'a Keys) -> Self {
        let resource = wanted.cache_id.as_deref().and_then(Resource::of_id);
        let family = resource.as_ref().map_or(wanted.family, |resource| resource.product.family());
        let subject = Subject {
            host: wanted.host.clone(),
            port: wanted.port.unwrap_or_else(|| family.port()),
            family,
            ids: Ids::default(),
            resource,
            cache: None,
        };
        Self { wanted, keys, subject, findings: Vec::new() }
    }

    pub(crate) fn run(mut self) -> (Subject, Vec<Finding>) {
        let configured = self.configuration();
        self.findings.push(configuration::diagnose(
            configured.as_ref().map(|(report, _)| report),
            &misspelt_variables(),
        ));
        match configured {
            Err(_) => self.skip_all("not tried: the configuration cannot be used"),
            Ok((report, provider)) => {
                self.subject.ids = Ids::configured(&report);
                match self.wanted.is_offline {
                    true => self.skip_all("--offline"),
                    false => self.with_provider(&provider, &report),
                }
                provider.close();
            }
        }
        (self.subject, self.findings)
    }

    fn skip_all(&mut self, why: &str) {
        [&OF_THE_TOKEN[..], &OF_THE_WAY, &OF_THE_SERVER].into_iter().for_each(|steps| self.skip(steps, why));
    }

    fn skip(&mut self, steps: &[&'static str], why: &str) {
        self.findings.extend(steps.iter().map(|step| Finding::skipped(step, why)));
    }

    /// What the configuration comes to. Making a provider looks at more of it, and asks nobody.
    fn configuration(&self) -> Result<(ConfigReport, Provider), Error> {
        let config = config(self.keys)?;
        Ok((config.report()?, Provider::new(&config)?))
    }

    fn with_provider(&mut self, provider: &Provider, report: &ConfigReport) {
        let identified = self.identify(provider, report);
        let skew = clock::gather(&provider.https(), &report.authority);
        self.findings.push(clock::diagnose(&skew));
        let (findings, way) = Way::find(provider, &self.wanted.resolver, &self.subject);
        self.findings.extend(findings);
        match (way, identified) {
            (None, _) => self.skip(&OF_THE_SERVER, "there is no connection to the server"),
            (Some(mut way), identified) => {
                let plain = plaintext::gather(way.address, &self.subject);
                self.findings.push(plaintext::diagnose(plain.as_ref(), &self.subject));
                self.access_key(&way, report);
                match identified {
                    Some(identified) => self.sign_in(&mut way, &identified, report),
                    None => self.skip(&OF_THE_SERVER[2..], "there is no token"),
                }
            }
        }
    }

    fn identify(&mut self, provider: &Provider, report: &ConfigReport) -> Option<Identified> {
        let how = GetToken { timeout: Some(identity::PATIENCE), during_outage: DuringOutage::Report };
        let outcome = provider.get_token_with(how);
        let error = outcome.as_ref().err().cloned();
        let evidence = identity::gather(provider, report, error);
        self.findings.push(identity::diagnose(&evidence, &self.subject));
        let Ok(token) = outcome else {
            self.skip(&[token::STEP], "there is none");
            return None;
        };
        let claims = read_claims(token.secret());
        self.subject.ids = self.subject.ids.clone().with_token(claims.as_ref(), token.username());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let evidence = token::Evidence {
            username: token.username().to_owned(),
            left_s: (token.expires_unix_ms() / 1000).saturating_sub(now),
            claims: claims.clone(),
        };
        self.findings.push(token::diagnose(&evidence, &self.subject));
        Some(Identified { provider: provider.clone(), token, claims })
    }

    fn access_key(&mut self, way: &Way, report: &ConfigReport) {
        let evidence = self.wanted.access_key.clone().map(|key| {
            // On a connection of its own: what is refused here must not end the one that the identity uses.
            let answer = match way.open() {
                Ok(mut connection) => access_key::try_key(&mut connection, &key),
                Err(error) => access_key::Answer::Odd(format!("no second connection could be made: {error}")),
            };
            let is_refused = matches!(answer, access_key::Answer::Refused(_));
            match is_refused.then(|| self.arm(report)).flatten() {
                Some(Ok((_, cache))) => {
                    access_key::Evidence { answer, keys_on: cache.takes_keys, unread: None }
                }
                Some(Err(reason)) => access_key::Evidence { answer, keys_on: None, unread: Some(reason) },
                None => access_key::Evidence { answer, keys_on: None, unread: None },
            }
        });
        self.findings.push(access_key::diagnose(evidence.as_ref(), &self.subject));
    }

    fn sign_in(&mut self, way: &mut Way, identified: &Identified, report: &ConfigReport) {
        let outcome = auth::sign_in(&mut way.connection, &identified.newest(), &identified.provider);
        let is_in = matches!(outcome, auth::Outcome::Accepted);
        let why = outcome.why_nothing_follows();
        let access = matches!(outcome, auth::Outcome::Refused { .. }).then(|| self.access(report)).flatten();
        let evidence = auth::Evidence {
            outcome,
            claims: identified.claims.clone(),
            username: identified.token.username().to_owned(),
            access,
        };
        self.findings.push(auth::diagnose(&evidence, &self.subject));
        if is_in {
            self.inside(way, identified);
        } else {
            self.skip(&[permissions::STEP, cluster::STEP, rotation::STEP], why);
        }
    }

    /// What Azure Resource Manager says of this identity's access; none if it is not to be asked.
    fn access(&mut self, report: &ConfigReport) -> Option<Result<Access, String>> {
        let found = self.arm(report)?;
        let look = |(arm, cache): (Arm, Cache)| {
            arm.access(&cache, self.subject.object_id()).map_err(|failure| failure.to_string())
        };
        Some(found.and_then(look))
    }

    /// Signs in to Azure Resource Manager and finds the cache.
    fn arm(&mut self, report: &ConfigReport) -> Option<Result<(Arm, Cache), String>> {
        if !self.wanted.asks_arm {
            return None;
        }
        let found = Arm::sign_in(self.keys, report).and_then(|arm| {
            if self.subject.cache.is_none() {
                self.subject.cache = match &self.wanted.cache_id {
                    Some(id) => Some(arm.cache(id)?),
                    None => arm.find(&self.subject.host)?,
                };
            }
            Ok(arm)
        });
        let cache =
            self.subject.cache.clone().ok_or_else(|| "it shows this identity no such cache".to_owned());
        Some(found.map_err(|failure| failure.to_string()).and_then(|arm| Ok((arm, cache?))))
    }

    /// What can be seen once the server has let the identity in.
    fn inside(&mut self, way: &mut Way, identified: &Identified) {
        let (username, prefix) = (identified.token.username(), self.wanted.key_prefix.as_deref());
        let permitted = permissions::gather(&mut way.connection, username, prefix);
        if permitted.is_err() {
            connect_again(way, identified);
        }
        let cluster = cluster::gather(way, &self.wanted.resolver, self.wanted.key_prefix.as_deref());
        let subject = &self.subject;
        let unseen = |step, why: String| Finding::undetermined(step, why);
        self.findings.push(match permitted {
            Ok(evidence) => permissions::diagnose(&evidence, subject),
            Err(error) => unseen(permissions::STEP, error.to_string()),
        });
        self.findings.push(match cluster {
            Ok(evidence) => cluster::diagnose(&evidence, self.wanted.client, subject),
            Err(error) => unseen(cluster::STEP, error.to_string()),
        });
        let evidence = self.wanted.is_watched.then(|| watch(way, identified));
        self.findings.push(match evidence {
            Some(Err(why)) => unseen(rotation::STEP, why),
            Some(Ok(evidence)) => rotation::diagnose(Some(&evidence)),
            None => rotation::diagnose(None),
        });
    }
}

/// What ended one connection need not end the next. Where there is no next one, the old one says why it ended.
fn connect_again(way: &mut Way, identified: &Identified) {
    if let Ok(connection) = way.signed_in(&identified.provider, &identified.newest()) {
        way.connection = connection;
    }
}

impl Identified {
    /// The newest token, which may be another by now than the one that was looked at.
    fn newest(&self) -> Arc<Token> {
        self.provider.current().unwrap_or_else(|| self.token.clone())
    }
}

fn watch(way: &Way, identified: &Identified) -> Result<rotation::Evidence, String> {
    let token = identified.newest();
    let open = || way.signed_in(&identified.provider, &token);
    let (mut renewing, mut idle) = (open()?, open()?);
    let tell = |line: &str| say(format_args!("entrakey doctor: {line}"));
    Ok(rotation::watch(&identified.provider, &token, &mut renewing, &mut idle, tell))
}
