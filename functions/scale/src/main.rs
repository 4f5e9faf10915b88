//! The scale function: asks for more or fewer instances when a stack's metrics call for it.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    windlass_handler::scale(&windlass_handler::environment()).await
}
