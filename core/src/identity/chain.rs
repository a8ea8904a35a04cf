//! The default chain: the first identity that is there.
//!
//! The chain goes on only past an identity that is not there. An identity that is configured and fails is the one that was
//! meant, and so is one that has brought a token: neither a moment's trouble nor a missing file may turn a service into
//! somebody else.

use super::credential_file::Stamp;
use super::source::Source;
use super::{explaining_source, managed_identity};
use crate::config::{Link, ManagedIdentity, Obstacle, Settings, SingleIdentity, WORKLOAD_IDENTITY};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use crate::transport;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// IMDS answers within milliseconds on a machine in Azure, and never elsewhere. A laptop waits this long for it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// The reason of each link is cut to this length, so that all of them fit into one message.
const MAX_REASON_CHARS: usize = 160;
const NOBODY: usize = usize::MAX;

struct ChainSource {
    steps: Vec<Step>,
    /// The step that brought the last token; [`NOBODY`] once its identity is no longer there.
    winner: AtomicUsize,
    /// A service's identity was there once. From then on no developer's identity is taken.
    is_service: AtomicBool,
    /// Whether a pod's token may turn out to be its node's.
    on_kubernetes: bool,
}

struct Step {
    name: &'static str,
    source: Result<Box<dyn Source>, Failure>,
    /// Asks whether the endpoint is there, for an endpoint that most machines do not have.
    probe: Option<managed_identity::Probe>,
    presence: Presence,
    is_node: bool,
}

pub(super) fn source(settings: &Arc<Settings>, links: &[Link]) -> Result<Box<dyn Source>> {
    let steps = links.iter().map(|link| step(settings, link)).collect::<Result<_>>()?;
    let (winner, is_service) = (AtomicUsize::new(NOBODY), AtomicBool::new(false));
    Ok(Box::new(ChainSource { steps, winner, is_service, on_kubernetes: settings.on_kubernetes }))
}

fn step(settings: &Arc<Settings>, link: &Link) -> Result<Step> {
    let name = link.name;
    let identity = match &link.identity {
        Ok(identity) => identity,
        Err(obstacle) => {
            let source = Err(match obstacle {
                Obstacle::NotConfigured(reason) => Failure::Absent(reason.clone()),
                Obstacle::Misconfigured(error) => Failure::Meant(error.clone()),
            });
            return Ok(Step { name, source, probe: None, presence: Presence::Configured, is_node: false });
        }
    };
    let probe = match identity {
        SingleIdentity::ManagedIdentity(ManagedIdentity { hosting_environment, .. }) => {
            managed_identity::probe(settings, hosting_environment)?
        }
        _ => None,
    };
    let presence = match identity {
        SingleIdentity::Tool(_) => Presence::Tool,
        SingleIdentity::ManagedIdentity(ManagedIdentity { user_assigned: None, .. }) if probe.is_some() => {
            Presence::Machine
        }
        _ => Presence::Configured,
    };
    let source = Ok(explaining_source::source(settings, identity)?);
    Ok(Step { name, source, probe, presence, is_node: identity.is_of_the_node() })
}

impl Step {
    fn fetch(&self, timeout: Duration) -> Result<Grant, Failure> {
        let source = self.source.as_ref().map_err(Clone::clone)?;
        if let Some(probe) = &self.probe {
            match probe.presence(PROBE_TIMEOUT.min(timeout)).map_err(Failure::Meant)? {
                transport::Presence::Azure => {}
                transport::Presence::Nobody => {
                    return Err(Failure::Absent("IMDS does not answer: no Azure machine".to_owned()));
                }
                transport::Presence::Stranger(answer) => {
                    let reason = format!("what answers at the address of IMDS is not Azure's: {answer}");
                    return Err(Failure::Absent(reason));
                }
            }
        }
        source.fetch(timeout).map_err(|error| match self.is_absent(&error) {
            true => Failure::Absent(error.message().to_owned()),
            false => Failure::Meant(error),
        })
    }

    fn is_absent(&self, error: &Error) -> bool {
        match self.presence {
            Presence::Configured => false,
            Presence::Machine => error.kind() == ErrorKind::IdentityUnavailable,
            // What this process lacks to run it says nothing of who is signed in.
            Presence::Tool => error.kind() != ErrorKind::Network,
        }
    }
}

/// What a failure says about whether the identity is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// The identity or its endpoint is configured: whatever is wrong, this identity is the one that was meant.
    Configured,
    /// A machine in Azure may have no identity of its own.
    Machine,
    /// A tool on a developer's machine: whatever is wrong, no service was set up with it.
    Tool,
}

#[derive(Clone)]
enum Failure {
    /// There is no such identity here.
    Absent(String),
    /// There is such an identity, and it gives no token.
    Meant(Error),
}

/// What an identity said when it was asked for a token by itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Asked {
    /// It gave one.
    Answered,
    /// It is not there: the reason.
    Absent(String),
    /// It is there, or configured, and gives no token.
    Failed(Error),
    /// One before it has answered or failed, and the chain ends there.
    NotAsked,
}

/// Asks the identities of the chain in their order as a provider's first request does, and tells of each what it said.
pub(super) fn examine(
    settings: &Arc<Settings>,
    links: &[Link],
    timeout: Duration,
) -> Result<Vec<(&'static str, Asked)>> {
    let (start, mut is_over, mut told) = (Instant::now(), false, Vec::new());
    for link in links {
        let asked = match is_over {
            true => Asked::NotAsked,
            false => match step(settings, link)?.fetch(timeout.saturating_sub(start.elapsed())) {
                Ok(_) => Asked::Answered,
                Err(Failure::Absent(reason)) => Asked::Absent(reason),
                Err(Failure::Meant(error)) => Asked::Failed(error),
            },
        };
        is_over |= matches!(asked, Asked::Answered | Asked::Failed(_));
        told.push((link.name, asked));
    }
    Ok(told)
}

impl ChainSource {
    fn walk(&self, start: Instant, timeout: Duration) -> Result<Grant> {
        let mut reasons = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            if step.presence == Presence::Tool && self.is_service.load(Ordering::Relaxed) {
                reasons.push((step.name, "not asked, as a service's identity was there before".to_owned()));
                continue;
            }
            let left = timeout.saturating_sub(start.elapsed());
            match step.fetch(left) {
                Ok(grant) => {
                    self.winner.store(index, Ordering::Relaxed);
                    self.is_service.fetch_or(step.presence != Presence::Tool, Ordering::Relaxed);
                    return Ok(grant);
                }
                Err(Failure::Meant(error)) => return Err(error),
                Err(Failure::Absent(reason)) => reasons.push((step.name, reason)),
            }
        }
        Err(nobody(&reasons))
    }
}

fn nobody(reasons: &[(&str, String)]) -> Error {
    let reasons_by_name = reasons.iter().map(|(name, reason)| {
        let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
        format!("{name}: {}", reason.trim_end_matches('.'))
    });
    let list = reasons_by_name.collect::<Vec<_>>().join("; ");
    let message = format!(
        "No identity was found ({list}). On a developer's machine run az login; elsewhere set identity to say which \
         one is meant."
    );
    let error = Error::new(ErrorKind::IdentityUnavailable, message);
    reasons.iter().fold(error, |error, (_, reason)| error.with_aadsts_in(reason))
}

impl Source for ChainSource {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        let start = Instant::now();
        // The step that brought the last token is asked first, and without a probe.
        let winner = self.steps.get(self.winner.load(Ordering::Relaxed));
        let Some((winner, Ok(source))) = winner.map(|step| (step, &step.source)) else {
            return self.walk(start, timeout);
        };
        match source.fetch(timeout) {
            Err(error) if winner.is_absent(&error) => {
                self.winner.store(NOBODY, Ordering::Relaxed);
                self.walk(start, timeout)
            }
            outcome => outcome,
        }
    }

    fn stamp(&self) -> Option<Stamp> {
        self.steps.iter().filter_map(|step| step.source.as_ref().ok()).find_map(|source| source.stamp())
    }

    fn advice(&self, _grant: &Grant) -> Option<String> {
        let winner = self.steps.get(self.winner.load(Ordering::Relaxed))?;
        let of_pod = self.steps.iter().find(|step| step.name == WORKLOAD_IDENTITY)?;
        let Err(Failure::Absent(reason)) = &of_pod.source else { return None };
        (self.on_kubernetes && winner.is_node).then(|| {
            format!(
                "This is Kubernetes, and the node's own managed identity answered: every pod of the node would get it. \
                 There is no workload identity ({reason}). If one was meant, label the pod \
                 azure.workload.identity/use: \"true\", annotate its service account with \
                 azure.workload.identity/client-id, and start the pod anew; else set identity to managed_identity."
            )
        })
    }
}
