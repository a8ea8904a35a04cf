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
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// What each step said the last time that they were gone through.
    told: Mutex<Vec<(&'static str, Asked)>>,
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
    let (told, on_kubernetes) = (Mutex::default(), settings.on_kubernetes);
    Ok(Box::new(ChainSource { steps, winner, is_service, told, on_kubernetes }))
}

fn step(settings: &Arc<Settings>, link: &Link) -> Result<Step> {
    let name = link.name;
    let identity = match &link.identity {
        Ok(identity) => identity,
        Err(obstacle) => {
            let source = Err(match obstacle {
                Obstacle::NotConfigured(reason) => Failure::Absent(absence(reason)),
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
                    return Err(Failure::Absent(absence("IMDS does not answer: no Azure machine")));
                }
                transport::Presence::Stranger(answer) => {
                    let reason = format!("what answers at the address of IMDS is not Azure's: {answer}");
                    return Err(Failure::Absent(absence(&reason)));
                }
            }
        }
        source.fetch(timeout).map_err(|error| match self.is_absent(&error) {
            true => Failure::Absent(error),
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
    Absent(Error),
    /// There is such an identity, and it gives no token.
    Meant(Error),
}

fn absence(reason: &str) -> Error {
    Error::new(ErrorKind::IdentityUnavailable, reason)
}

/// What an identity of the default chain said when it was asked for a token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Asked {
    /// It gave one.
    Answered,
    /// It is not there: the reason.
    Absent(Error),
    /// It is there, or configured, and gives no token.
    Failed(Error),
    /// One before it has answered or failed, and the chain ends there.
    NotAsked,
}

impl ChainSource {
    fn walk(&self, start: Instant, timeout: Duration) -> Result<Grant> {
        *self.told() = self.steps.iter().map(|step| (step.name, Asked::NotAsked)).collect();
        for (index, step) in self.steps.iter().enumerate() {
            let left = timeout.saturating_sub(start.elapsed());
            match self.ask(step, left) {
                Ok(grant) => {
                    self.tell(index, Asked::Answered);
                    self.winner.store(index, Ordering::Relaxed);
                    self.is_service.fetch_or(step.presence != Presence::Tool, Ordering::Relaxed);
                    return Ok(grant);
                }
                Err(Failure::Meant(error)) => {
                    self.tell(index, Asked::Failed(error.clone()));
                    return Err(error);
                }
                Err(Failure::Absent(reason)) => self.tell(index, Asked::Absent(reason)),
            }
        }
        Err(nobody(&self.told()))
    }

    fn ask(&self, step: &Step, timeout: Duration) -> Result<Grant, Failure> {
        match step.presence == Presence::Tool && self.is_service.load(Ordering::Relaxed) {
            true => Err(Failure::Absent(absence("not asked, as a service's identity was there before"))),
            false => step.fetch(timeout),
        }
    }

    fn told(&self) -> MutexGuard<'_, Vec<(&'static str, Asked)>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, index: usize, asked: Asked) {
        if let Some((_, told)) = self.told().get_mut(index) {
            *told = asked;
        }
    }
}

/// `told` is why each identity is not there.
fn nobody(told: &[(&str, Asked)]) -> Error {
    let reasons: Vec<_> = told
        .iter()
        .filter_map(|(name, asked)| match asked {
            Asked::Absent(reason) => Some((name, reason)),
            _ => None,
        })
        .collect();
    let reasons_by_name = reasons.iter().map(|(name, reason)| {
        let reason: String = reason.message().chars().take(MAX_REASON_CHARS).collect();
        format!("{name}: {}", reason.trim_end_matches('.'))
    });
    let list = reasons_by_name.collect::<Vec<_>>().join("; ");
    let message = format!(
        "No identity was found ({list}). On a developer's machine run az login; elsewhere set identity to say which \
         one is meant."
    );
    let fault = reasons.iter().find_map(|(_, reason)| reason.managed_identity());
    let error = Error::new(ErrorKind::IdentityUnavailable, message).with_managed_identity(fault);
    reasons.iter().fold(error, |error, (_, reason)| error.with_aadsts_in(reason.message()))
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

    fn asked(&self) -> Vec<(&'static str, Asked)> {
        self.told().clone()
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
