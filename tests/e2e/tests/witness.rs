//! The created stack through the eyes of a witness that shares no code with us: boto3, and what Terraform makes of the
//! same stack. Every field that differs is either meant to, by `tests/witness/intended.toml`, or a mistake.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use windlass_e2e::Cloud;
use windlass_engine::Phase;

const WEB: &str = include_str!("../../../events/specs/web.yaml");

#[tokio::test]
async fn the_created_stack_differs_from_the_reference_only_where_it_is_meant_to() {
    let cloud = Cloud::connect().await;
    let name = format!("witness-{}", windlass_e2e::run());
    let spec = WEB
        .replace("name: web ", &format!("name: {name} "))
        .replace("environment: dev", "environment: e2e");
    let key = format!("specs/e2e/{name}.yaml");
    let version = cloud.upload(&key, spec).await;
    cloud.wait_for_phase(&key, &version, Phase::Ready).await;

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let witness = Command::new(root.join(".local/venv-emulators/bin/python"))
        .arg(root.join("tests/witness/witness"))
        .args(["compare", "--stack", &format!("e2e/{name}")])
        .output()
        .expect("`make local` installs the witness's Python");
    let said = String::from_utf8_lossy(&witness.stdout);
    println!("{said}");
    assert!(
        witness.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&witness.stderr)
    );
}
