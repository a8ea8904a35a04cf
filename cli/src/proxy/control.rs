//! `entrakey proxy wait` and `entrakey proxy shutdown`: what is said to a proxy that runs.

use super::arguments::{ShutdownArguments, WaitArguments};
use crate::exit_code::{NETWORK, PROBLEM};
use crate::failure::{Failure, no_answer};
use crate::service::HttpArguments;
use std::time::{Duration, Instant};
use ureq::Agent;

const PAUSE: Duration = Duration::from_millis(100);
/// It answers at once, on a busy machine too.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn wait(given: &WaitArguments) -> Result<u8, Failure> {
    let HttpArguments { http_address, http_port } = &given.http;
    let url = format!("http://{}/startup", authority(http_address, *http_port));
    let (agent, start) = (agent(), Instant::now());
    loop {
        let left = given.max.saturating_sub(start.elapsed()).clamp(PAUSE, TIMEOUT);
        let answer = agent.get(&url).config().timeout_global(Some(left)).build().call();
        let (code, said) = match answer {
            Ok(answer) if answer.status().is_success() => return Ok(0),
            Ok(answer) if answer.status() == 503 => (PROBLEM, "it is starting".to_owned()),
            Ok(answer) => {
                let said = format!("the answer is {}", answer.status());
                return Err(no_proxy(PROBLEM, &url, &said, "--health-check"));
            }
            Err(error) => (NETWORK, no_answer(&error)),
        };
        if start.elapsed() + PAUSE > given.max {
            let most = humantime::format_duration(given.max);
            let said = format!("not started within {most}: {said}");
            return Err(no_proxy(code, &url, &said, "--health-check"));
        }
        std::thread::sleep(PAUSE);
    }
}

pub(super) fn shutdown(given: &ShutdownArguments) -> Result<u8, Failure> {
    let url = format!("http://localhost:{}/quitquitquit", given.admin.admin_port);
    let (code, said) = match agent().post(&url).send_empty() {
        Ok(answer) if answer.status().is_success() => return Ok(0),
        Ok(answer) => (PROBLEM, format!("the answer is {}", answer.status())),
        Err(error) => (NETWORK, no_answer(&error)),
    };
    Err(no_proxy(code, &url, &said, "--quitquitquit"))
}

fn no_proxy(code: u8, url: &str, what: &str, option: &str) -> Failure {
    Failure::new(code, format!("{url}: {what}. Does a proxy run here with {option}, and on that port?"))
}

/// A wildcard is where it listens; it is asked here.
fn authority(address: &str, port: u16) -> String {
    match address {
        "0.0.0.0" | "::" | "[::]" => format!("localhost:{port}"),
        address if address.contains(':') && !address.starts_with('[') => format!("[{address}]:{port}"),
        address => format!("{address}:{port}"),
    }
}

fn agent() -> Agent {
    let config =
        Agent::config_builder().timeout_global(Some(TIMEOUT)).proxy(None).http_status_as_error(false);
    config.build().new_agent()
}
