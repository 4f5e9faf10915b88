//! The archive function: keeps every recorded state, and wakes stacks that nobody wakes.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    windlass_handler::archive(&windlass_handler::environment()).await
}
