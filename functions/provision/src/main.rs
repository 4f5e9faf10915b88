//! The provision function: brings stacks to their specs, one pass at a time.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    windlass_handler::provision(&windlass_handler::environment()).await
}
