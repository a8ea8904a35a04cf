//! The federated token that a cluster would have written for the workload.

use crate::Error;
use crate::control::{FederatedToken, Renewal};
use crate::identities::Federated;
use crate::tokens::{FederatedClaims, Timing};
use crate::world::World;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

const FILE: &str = "federated-token";

/// Its file, which is written once somebody asks where it is.
#[derive(Debug, Default)]
pub(crate) struct WorkloadToken {
    /// Whether it was written.
    written: Mutex<bool>,
}

impl WorkloadToken {
    /// Where it is, or will be.
    pub(crate) fn path(world: &World) -> PathBuf {
        world.home.path().join(FILE)
    }

    /// Writes the file, if that was not done yet. Takes some hundredths of a second if the issuer has no key yet.
    pub(crate) fn write(&self, world: &World) -> Result<(), Error> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if !*written && world.directory.workload().is_some() {
            let (token, _) = sign(world, &Renewal::default())?;
            world.home.write(FILE, &token)?;
            *written = true;
        }
        Ok(())
    }

    /// A new token, also in the file unless it is not wanted there.
    pub(crate) fn renew(&self, world: &World, renewal: &Renewal) -> Result<FederatedToken, Error> {
        let (token, expires_on) = sign(world, renewal)?;
        let mut file = None;
        if renewal.write {
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            file = Some(world.home.write(FILE, &token)?.display().to_string());
            *written = true;
        }
        Ok(FederatedToken { token, file, expires_on })
    }
}

/// A token and when it expires.
fn sign(world: &World, renewal: &Renewal) -> Result<(String, u64), Error> {
    let (_, registered) = world.directory.workload().ok_or_else(|| {
        Error::new(
            "no app has a federated credential that the emulator can sign for: register one (--identities)",
        )
    })?;
    let or = |given: &Option<String>, registered: &String| given.as_ref().unwrap_or(registered).clone();
    let federated = Federated {
        issuer: or(&renewal.issuer, &registered.issuer),
        subject: or(&renewal.subject, &registered.subject),
        audience: or(&renewal.audience, &registered.audience),
        service_connection: None,
    };
    let timing = Timing { now: world.now(), lifetime: renewal.lifetime_seconds };
    let claims = FederatedClaims::new(&federated, timing);
    let token = world.issuer_keys.signing()?.sign(&claims);
    world.log.note(format_args!("a federated token for {}", federated.subject));
    Ok((token.ok_or_else(|| Error::new("the token cannot be signed"))?, claims.exp))
}
