//! The functions themselves: everything is built once, then one invocation after another is served.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use windlass_aws::{Aws, ScaleAws};

use crate::archive::Archiver;
use crate::batch::{Batch, BatchResponse, Invocation};
use crate::config::{self, ConfigError};
use crate::lifecycle::Gatekeeper;
use crate::log::{Level, Log, Nothing};
use crate::provision::Processor;
use crate::scale::Scaler;

/// What the process is configured with. A variable that is not text cannot be one of ours.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge reads the environment; the rest gets it as an argument"
)]
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    let texts = std::env::vars_os().map(|(name, value)| (name.into_string(), value.into_string()));
    texts
        .filter_map(|(name, value)| Some((name.ok()?, value.ok()?)))
        .collect()
}

/// Serves the `provision` function until Lambda ends the process.
///
/// # Errors
/// The environment lacks something, which is logged with its remedy, or the Lambda runtime API cannot be reached.
pub async fn provision(environment: &BTreeMap<String, String>) -> Result<(), Error> {
    let clock = now;
    let log = log(environment, &clock);
    let settings = configured(environment, &log, config::settings)?;
    let port = Aws::from_environment().await;
    let processor = Processor {
        port: &port,
        clock: &clock,
        settings: &settings,
        log: &log,
        function: "provision",
    };
    serve(async |invocation, batch| Box::pin(processor.process(invocation, batch)).await).await
}

/// Serves the `archive` function until Lambda ends the process.
///
/// # Errors
/// As [`provision`].
pub async fn archive(environment: &BTreeMap<String, String>) -> Result<(), Error> {
    let clock = now;
    let log = log(environment, &clock);
    let settings = configured(environment, &log, config::archive_settings)?;
    let port = Aws::from_environment().await;
    let archiver = Archiver {
        port: &port,
        clock: &clock,
        settings: &settings,
        log: &log,
        function: "archive",
    };
    serve(async |invocation, batch| Box::pin(archiver.process(invocation, batch)).await).await
}

/// Serves the `lifecycle` function until Lambda ends the process.
///
/// # Errors
/// As [`provision`].
pub async fn lifecycle(environment: &BTreeMap<String, String>) -> Result<(), Error> {
    let clock = now;
    let log = log(environment, &clock);
    let settings = configured(environment, &log, config::lifecycle_settings)?;
    let port = Aws::from_environment().await;
    let gatekeeper = Gatekeeper {
        port: &port,
        clock: &clock,
        settings: &settings,
        log: &log,
        function: "lifecycle",
    };
    serve(async |invocation, batch| Box::pin(gatekeeper.process(invocation, batch)).await).await
}

/// Serves the `scale` function until Lambda ends the process.
///
/// # Errors
/// As [`provision`].
pub async fn scale(environment: &BTreeMap<String, String>) -> Result<(), Error> {
    let clock = now;
    let log = log(environment, &clock);
    let settings = configured(environment, &log, config::scale_settings)?;
    let port = ScaleAws::from_environment().await;
    let scaler = Scaler {
        port: &port,
        clock: &clock,
        settings: &settings,
        log: &log,
        function: "scale",
    };
    serve(async |invocation, batch| Box::pin(scaler.process(invocation, batch)).await).await
}

fn log<'a>(environment: &BTreeMap<String, String>, clock: &'a dyn windlass_engine::Clock) -> Log<'a> {
    let least = config::log_level(environment).unwrap_or(Level::Info);
    Log::new(std::io::stdout(), least, clock)
}

/// The function's settings; what is wrong with them is logged.
fn configured<S>(
    environment: &BTreeMap<String, String>,
    log: &Log,
    settings: impl FnOnce(&BTreeMap<String, String>) -> Result<S, ConfigError>,
) -> Result<S, ConfigError> {
    config::log_level(environment)
        .and_then(|_| settings(environment))
        .inspect_err(|error| log.write(Level::Error, &error.to_string(), Nothing {}))
}

/// Hands each invocation's batch on, and its answer back.
async fn serve(process: impl AsyncFn(&Invocation, &Batch) -> BatchResponse) -> Result<(), Error> {
    let process = &process;
    let one = async move |event: LambdaEvent<Batch>| -> Result<BatchResponse, Error> {
        let invocation = Invocation {
            deadline: Timestamp::try_from(event.context.deadline())?,
            request: event.context.request_id,
        };
        Ok(process(&invocation, &event.payload).await)
    };
    lambda_runtime::run(service_fn(one)).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge reads the clock; the engine gets it as an argument"
)]
fn now() -> Timestamp {
    Timestamp::now()
}
