//! The provision function: brings stacks to their specs, one pass at a time.

use std::collections::BTreeMap;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    windlass_handler::provision(&environment()).await
}

/// What the function is configured with. A variable that is not text cannot be one of ours.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge reads the environment; the rest gets it as an argument"
)]
fn environment() -> BTreeMap<String, String> {
    let texts = std::env::vars_os().map(|(name, value)| (name.into_string(), value.into_string()));
    texts
        .filter_map(|(name, value)| Some((name.ok()?, value.ok()?)))
        .collect()
}
