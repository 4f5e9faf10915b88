//! The functions themselves: everything is built once, then one invocation after another is served.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use windlass_aws::Aws;

use crate::batch::{Batch, BatchResponse, Invocation, Processor};
use crate::config;
use crate::log::{Level, Log, Nothing};

/// Serves the `provision` function until Lambda ends the process.
///
/// # Errors
/// The environment lacks something, which is logged with its remedy, or the Lambda runtime API cannot be reached.
pub async fn provision(environment: &BTreeMap<String, String>) -> Result<(), Error> {
    let clock = now;
    let log = Log::new(
        std::io::stdout(),
        config::log_level(environment).unwrap_or(Level::Info),
        &clock,
    );
    let settings = config::log_level(environment)
        .and_then(|_| config::settings(environment))
        .inspect_err(|error| log.write(Level::Error, &error.to_string(), Nothing {}))?;
    let port = Aws::from_environment().await;
    let processor = Processor {
        port: &port,
        clock: &clock,
        settings: &settings,
        log: &log,
        function: "provision",
    };
    lambda_runtime::run(service_fn(|event| serve(&processor, event))).await
}

async fn serve(processor: &Processor<'_, Aws>, event: LambdaEvent<Batch>) -> Result<BatchResponse, Error> {
    let invocation = Invocation {
        deadline: Timestamp::try_from(event.context.deadline())?,
        request: event.context.request_id,
    };
    Ok(processor.process(&invocation, &event.payload).await)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge reads the clock; the engine gets it as an argument"
)]
fn now() -> Timestamp {
    Timestamp::now()
}
