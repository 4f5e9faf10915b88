//! The lifecycle function: lets a new instance into service once the load balancer found it healthy.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    windlass_handler::lifecycle(&windlass_handler::environment()).await
}
