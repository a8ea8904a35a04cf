//! The default chain: the first identity that is there.
//!
//! It goes on only past what is not there. An identity that is configured and fails is the one that was meant, and
//! so is one that has brought a token: neither a moment's trouble nor a missing file must turn a service into
//! somebody else.

use super::{Source, Stamp, managed_identity, of};
use crate::config::{IdentityChoice, Link, Settings, WORKLOAD_IDENTITY, WhyNot};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use crate::transport;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// IMDS answers within milliseconds on its own machine, and elsewhere never: a laptop waits no longer for it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// What each link says, cut so that all of them fit into one message.
const MAX_REASON_CHARS: usize = 160;
const NOBODY: usize = usize::MAX;

struct Chain {
    steps: Vec<Step>,
    /// The step that brought the last token; forgotten when it is no longer there.
    winner: AtomicUsize,
    /// A service's identity was there once: then no developer's is taken.
    is_service: AtomicBool,
    /// Whether a pod's token may turn out to be its node's.
    on_kubernetes: bool,
}

struct Step {
    name: &'static str,
    source: Result<Box<dyn Source>, Failure>,
    /// Whether anybody is at home, for an endpoint that most machines do not have.
    probe: Option<managed_identity::Probe>,
    presence: Presence,
    is_node: bool,
}

pub(super) fn source(settings: &Arc<Settings>, links: &[Link]) -> Result<Box<dyn Source>> {
    let steps = links.iter().map(|link| step(settings, link)).collect::<Result<_>>()?;
    let (winner, is_service) = (AtomicUsize::new(NOBODY), AtomicBool::new(false));
    Ok(Box::new(Chain { steps, winner, is_service, on_kubernetes: settings.on_kubernetes }))
}

fn step(settings: &Arc<Settings>, link: &Link) -> Result<Step> {
    let name = link.name;
    let choice = match &link.choice {
        Ok(choice) => choice,
        Err(why) => {
            let source = Err(match why {
                WhyNot::NotConfigured(reason) => Failure::Absent(reason.clone()),
                WhyNot::Misconfigured(error) => Failure::Meant(error.clone()),
            });
            return Ok(Step { name, source, probe: None, presence: Presence::Configured, is_node: false });
        }
    };
    let probe = match choice {
        IdentityChoice::ManagedIdentity { host, .. } => managed_identity::probe(settings, host)?,
        _ => None,
    };
    let presence = match choice {
        IdentityChoice::AzureCli { .. } | IdentityChoice::AzureDeveloperCli { .. } => Presence::Tool,
        IdentityChoice::ManagedIdentity { user_assigned: None, .. } if probe.is_some() => Presence::Machine,
        _ => Presence::Configured,
    };
    let source = Ok(of(settings, choice)?);
    Ok(Step { name, source, probe, presence, is_node: choice.is_of_the_node() })
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
                transport::Presence::Stranger(said) => {
                    let reason = format!("what answers at the address of IMDS is not Azure's: {said}");
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
    /// It is configured, or its endpoint is: whatever is wrong with it, it is the one that was meant.
    Configured,
    /// A machine in Azure may have no identity of its own.
    Machine,
    /// A tool on a developer's machine: whatever is wrong with it, it is not what a service was set up with.
    Tool,
}

#[derive(Clone)]
enum Failure {
    /// There is no such identity here.
    Absent(String),
    /// There is, and it gives no token.
    Meant(Error),
}

impl Chain {
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
    let said = reasons.iter().map(|(name, reason)| {
        let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
        format!("{name}: {}", reason.trim_end_matches('.'))
    });
    let said = said.collect::<Vec<_>>().join("; ");
    let message = format!(
        "No identity was found ({said}). On a developer's machine run az login; elsewhere set identity to say which \
         one is meant."
    );
    let error = Error::new(ErrorKind::IdentityUnavailable, message);
    reasons.iter().fold(error, |error, (_, reason)| error.with_aadsts_in(reason))
}

impl Source for Chain {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        let start = Instant::now();
        // Who brought the last token is asked first and without a probe.
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
