//! What an instance runs at its first boot.
//!
//! Guarantees: values of the spec reach the script only as validated words (packages, image reference, names of
//! parameters and secrets) or inside a quoted here-document (plain environment values); a failure stops the script, so
//! the instance stays unhealthy and says why in its console output instead of serving half an application. Secrets are
//! read by the instance itself: neither the launch template nor a file of ours ever holds one.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use windlass_spec::{Measure, Runtime, Variable};

use crate::context::Context;
use crate::names;
use crate::registry::Registry;

/// Start of every script of ours: stop at the first failure, and try downloads again, for a mirror that hiccups.
const PRELUDE: &str = r#"#!/bin/bash
set -euo pipefail
retry() { for delay in 2 4 8 16 32; do "$@" && return; sleep "$delay"; done; "$@"; }
add_packages() {
  if command -v dnf >/dev/null; then retry dnf install -y "$@"
  else export DEBIAN_FRONTEND=noninteractive; retry apt-get update; retry apt-get install -y "$@"
  fi
}
"#;

/// The AWS CLI is part of Amazon Linux, and not of Ubuntu.
const ADD_CLI: &str = "command -v aws >/dev/null || retry snap install aws-cli --classic\n";

/// Most bytes of a boot script, as they are before they are put into base64.
const MOST_BYTES: usize = 16 * 1024;

/// Why EC2 would not take the application's boot script, if so.
#[must_use]
pub(crate) fn refusal(cx: &Context) -> Option<String> {
    let bytes = script(cx).len();
    (bytes > MOST_BYTES).then(|| {
        format!(
            "compute.app makes a boot script of {bytes} bytes, and AWS takes at most {MOST_BYTES}: shorten it, or have the application read long settings from elsewhere"
        )
    })
}

/// The application's boot script, base64 as EC2 takes it.
#[must_use]
pub(crate) fn encoded(cx: &Context) -> String {
    STANDARD.encode(script(cx))
}

fn script(cx: &Context) -> String {
    let app = &cx.spec.compute.app;
    let mut script = match &app.runtime {
        Runtime::Packages(packages) => packages_script(packages),
        Runtime::Container { image, env } => container_script(cx, image, app.port, env),
        Runtime::UserData(script) => return script.clone(),
    };
    if measures_memory(cx) {
        script.push_str(&agent_script());
    }
    script
}

/// Whether the instances have to tell how much of their memory is in use.
pub(crate) fn measures_memory(cx: &Context) -> bool {
    let mut metrics = cx.spec.scaling.metrics.iter();
    metrics.any(|metric| metric.measure == Measure::Memory)
}

/// Installs, configures and starts the CloudWatch agent, after the application: without it nothing is removed, and the instance
/// serves all the same. Amazon Linux has a package of it, Ubuntu has not. Rule 4: each instance names its group, and CloudWatch
/// keeps a series of the group alone.
fn agent_script() -> String {
    let config = json!({
        "agent": { "metrics_collection_interval": 60, "run_as_user": "root" },
        "metrics": {
            "namespace": names::AGENT_NAMESPACE,
            "append_dimensions": { "AutoScalingGroupName": "${aws:AutoScalingGroupName}" },
            "aggregation_dimensions": [["AutoScalingGroupName"]],
            "metrics_collected": { "mem": { "measurement": ["mem_used_percent"] } },
        },
    });
    format!(
        r#"add_agent() {{
  if command -v dnf >/dev/null; then retry dnf install -y amazon-cloudwatch-agent
  else
    retry curl -fsSo /tmp/agent.deb "https://amazoncloudwatch-agent.s3.amazonaws.com/ubuntu/$(dpkg --print-architecture)/latest/amazon-cloudwatch-agent.deb" &&
      dpkg -i /tmp/agent.deb
  fi
}}
mkdir -p /etc/windlass
cat >/etc/windlass/agent.json <<'WINDLASS_AGENT'
{config}
WINDLASS_AGENT
if add_agent && /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:/etc/windlass/agent.json; then
  echo 'windlass: memory is measured'
else
  echo 'windlass: the CloudWatch agent does not run, so that memory is not measured' >&2
fi
"#
    )
}

fn packages_script(packages: &[String]) -> String {
    let list = packages.join(" ");
    format!(
        "{PRELUDE}add_packages {list}\nfor package in {list}; do\n  \
         if systemctl list-unit-files \"$package.service\" | grep -q \"^$package\\.service\"; then\n    \
         systemctl enable --now \"$package\"\n  fi\ndone\n"
    )
}

fn container_script(cx: &Context, image: &str, port: u16, env: &BTreeMap<String, Variable>) -> String {
    let region = cx.region;
    let registry = Registry::of(image);
    let mut script = format!(
        "{PRELUDE}if command -v dnf >/dev/null; then add_packages docker; else add_packages docker.io; fi\n\
         systemctl enable --now docker\n"
    );
    if registry.is_some()
        || env
            .values()
            .any(|variable| !matches!(variable, Variable::Plain(_)))
    {
        script.push_str(ADD_CLI);
    }
    let mut plain = String::new();
    let mut exports = String::new();
    let mut options = String::new();
    for (name, variable) in env {
        let command = match variable {
            Variable::Plain(value) => {
                add(&mut plain, format_args!("{name}={value}\n"));
                continue;
            }
            Variable::Parameter(path) => format!(
                "aws ssm get-parameter --region '{region}' --with-decryption --query Parameter.Value --output text --name '{path}'"
            ),
            Variable::Secret(secret) => format!(
                "aws secretsmanager get-secret-value --region '{region}' --query SecretString --output text --secret-id '{secret}'"
            ),
        };
        // Exported only for the container: a variable of its own like `AWS_REGION` must not change what is done before.
        // Assigned apart from the export, whose own success would hide a failure.
        add(&mut script, format_args!("value_of_{name}=$(retry {command})\n"));
        add(&mut exports, format_args!("export {name}=\"$value_of_{name}\"\n"));
        add(&mut options, format_args!(" --env {name}"));
    }
    add(
        &mut script,
        format_args!(
            "mkdir -p /etc/windlass\numask 077\ncat >/etc/windlass/env <<'WINDLASS_ENV'\n{plain}WINDLASS_ENV\n"
        ),
    );
    if let Some(Registry { host, region, .. }) = registry {
        add(
            &mut script,
            format_args!(
                "log_in() {{ aws ecr get-login-password --region '{region}' | docker login --username AWS --password-stdin '{host}'; }}\n\
                 retry log_in\n"
            ),
        );
    }
    let log_group = names::log_group(&cx.spec.stack);
    add(
        &mut script,
        format_args!(
            "retry docker pull '{image}'\n\
             {exports}/usr/bin/docker run --detach --name app --restart unless-stopped --publish {port}:{port} \\\n  \
             --log-driver awslogs --log-opt awslogs-region='{region}' --log-opt awslogs-group='{log_group}' \\\n  \
             --log-opt awslogs-stream=\"$(cloud-init query instance_id)\" --log-opt mode=non-blocking \\\n  \
             --env-file /etc/windlass/env{options} '{image}'\n"
        ),
    );
    script
}

/// Appends; writing into a `String` cannot fail.
fn add(text: &mut String, more: std::fmt::Arguments) {
    let _infallible = text.write_fmt(more);
}

#[cfg(test)]
mod tests {
    use windlass_spec::{Spec, StackId, decode};

    use super::*;

    fn of(app: &str) -> String {
        with(app, "")
    }

    /// The script of an application in a spec that says more.
    fn with(app: &str, more: &str) -> String {
        let stack = StackId {
            environment: "dev".into(),
            name: "web".into(),
        };
        let text = format!("compute: {{app: {app}}}\n{more}");
        let spec: Spec = decode(&stack, text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
        let cx = Context::of_new(&spec, "us-east-1");
        let script = String::from_utf8(STANDARD.decode(encoded(&cx)).unwrap()).unwrap();
        let checked = std::process::Command::new("bash")
            .args(["-n", "-c", &script])
            .status();
        assert!(
            checked.is_ok_and(|status| status.success()),
            "bash refuses:\n{script}"
        );
        script
    }

    #[test]
    fn packages_are_installed_by_the_images_own_manager_and_started() {
        let script = of("{packages: [nginx, jq]}");
        assert!(script.starts_with("#!/bin/bash\nset -euo pipefail\n"));
        for part in ["add_packages nginx jq\n", "dnf install", "apt-get install"] {
            assert!(script.contains(part), "{part}");
        }
    }

    /// Rule 4. After the application, and never in a script of the user's own.
    #[test]
    fn memory_is_told_by_an_agent_that_adds_it_up_for_the_group() {
        let memory = "scaling: {metrics: [{type: memory, scaleOut: {above: 80}}]}\n";
        for app in ["{packages: [nginx]}", "{container: {image: app, port: 8000}}"] {
            let (without, script) = (of(app), with(app, memory));
            let agent = script
                .strip_prefix(&without)
                .expect("the application comes first");
            for part in [
                r#""aggregation_dimensions":[["AutoScalingGroupName"]]"#,
                r#""append_dimensions":{"AutoScalingGroupName":"${aws:AutoScalingGroupName}"}"#,
                r#""namespace":"CWAgent""#,
                "mem_used_percent",
                "dnf install -y amazon-cloudwatch-agent",
                "-a fetch-config -m ec2 -s -c file:/etc/windlass/agent.json",
            ] {
                assert!(agent.contains(part), "{part} is missing in\n{agent}");
            }
        }
        let own = "{userData: 'echo mine', port: 80}";
        assert_eq!(with(own, memory), of(own));
    }

    #[test]
    fn a_container_listens_on_its_port_and_its_environment_is_not_expanded() {
        let script = of("{container: {image: registry.example/app:1, port: 8000, env: {A: $(reboot)}}}");
        for part in [
            "--publish 8000:8000",
            "<<'WINDLASS_ENV'\nA=$(reboot)\nWINDLASS_ENV\n",
            "awslogs-group='/windlass/dev/web'",
        ] {
            assert!(script.contains(part), "{part} is missing in\n{script}");
        }
        assert!(!script.contains("aws "), "nothing needs the AWS CLI:\n{script}");
    }

    #[test]
    fn references_are_read_at_boot_and_stand_in_no_file() {
        let script = of(
            "{container: {image: app, port: 8000, env: {KEY: 'secret:shop/key', URL: 'ssm:/shop/url', MODE: live}}}",
        );
        for part in [
            "value_of_KEY=$(retry aws secretsmanager get-secret-value",
            "--secret-id 'shop/key')\n",
            "export KEY=\"$value_of_KEY\"\n",
            "--name '/shop/url')\n",
            "export URL=\"$value_of_URL\"\n",
            "--env KEY --env URL",
            "<<'WINDLASS_ENV'\nMODE=live\nWINDLASS_ENV\n",
        ] {
            assert!(script.contains(part), "{part} is missing in\n{script}");
        }
    }

    #[test]
    fn an_image_of_ecr_is_pulled_after_logging_in_to_its_own_region() {
        let script =
            of("{container: {image: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1', port: 80}}");
        let login = script.find("retry log_in").unwrap();
        assert!(login < script.find("docker pull").unwrap());
        assert!(script.contains("get-login-password --region 'eu-west-1'"));
    }

    #[test]
    fn a_script_of_the_users_own_passes_unchanged() {
        assert_eq!(
            of(r##"{userData: "#!/bin/sh\ntrue\n", port: 80}"##),
            "#!/bin/sh\ntrue\n"
        );
    }
}
