//! Leases in the agent's process. Whatever keeps them from beginning keeps nobody from its token.

use super::plan::Everything;
use crate::exit_code::USAGE;
use crate::failure::Failure;
use crate::leases::{File, Process, ServeArguments, Serving, begin};
use entrakey_leases::Manager;
use entrakey_service::{Connections, Life, Log, Severity};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Until it is tried once more; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// There once they have begun.
pub(super) type Begun = Arc<OnceLock<Arc<Manager>>>;

/// Those that the agent's file wants.
pub(super) struct Leases<'a> {
    file: &'a File,
    arguments: ServeArguments,
    process: Process,
    manager: Begun,
    serving: Option<Serving>,
}

impl<'a> Leases<'a> {
    /// None if the file wants none. What is wrong in the file is found here, before anybody is served.
    pub(super) fn of(
        everything: &'a Everything,
        life: &Life,
        log: &Log,
        connections: &Connections,
    ) -> Result<Option<Self>, Failure> {
        let Some(file) = &everything.leases else { return Ok(None) };
        let arguments = file.untyped_arguments()?;
        file.plan(&arguments.identity.keys)?;
        let (life, log, connections) = (life.clone(), log.clone(), connections.clone());
        let process = Process { life, log, connections, services: everything.services() };
        Ok(Some(Self { file, arguments, process, manager: Begun::default(), serving: None }))
    }

    pub(super) fn manager(&self) -> Begun {
        self.manager.clone()
    }

    /// Begins, as often as it takes.
    async fn begin(&mut self) -> Result<(), Failure> {
        let mut pause = FIRST_PAUSE;
        let serving = loop {
            let failure = match begin(self.file, &self.arguments, Vec::new(), self.process.clone()).await {
                Ok(serving) => break serving,
                Err(failure) if failure.code == USAGE && pause == FIRST_PAUSE => return Err(failure),
                Err(failure) => failure,
            };
            let what = format_args!("there are no leases yet, which is tried again in {pause:?}: {failure}");
            self.process.log.line(Severity::Error, what, &[]);
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        };
        let _ = self.manager.set(serving.manager.clone()); // once
        self.serving = Some(serving);
        Ok(())
    }

    /// When the service drains.
    pub(super) async fn end(self) {
        if let Some(serving) = self.serving {
            serving.end().await;
        }
    }
}

/// Begins with leases, if there are to be any. Ends only with what makes no sense.
pub(super) async fn begun(leases: Option<&mut Leases<'_>>) -> Failure {
    if let Some(leases) = leases
        && let Err(failure) = leases.begin().await
    {
        return failure;
    }
    std::future::pending().await
}
