//! What an instance runs at its first boot.
//!
//! Guarantees: values of the spec reach the script only as validated words (packages, image reference) or inside a
//! quoted here-document (environment values); a failure stops the script, so the instance stays unhealthy and says
//! why in its console output instead of serving half an application.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use windlass_spec::{App, Runtime};

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

/// The application's boot script, base64 as EC2 takes it.
#[must_use]
pub(crate) fn encoded(app: &App) -> String {
    STANDARD.encode(script(app))
}

fn script(app: &App) -> String {
    match &app.runtime {
        Runtime::Packages(packages) => packages_script(packages),
        Runtime::Container { image, env } => {
            let lines: Vec<String> = env
                .iter()
                .map(|(name, value)| {
                    format!(
                        "{name}={value}
"
                    )
                })
                .collect();
            container_script(image, app.port, &lines.concat())
        }
        Runtime::UserData(script) => script.clone(),
    }
}

fn packages_script(packages: &[String]) -> String {
    let list = packages.join(" ");
    format!(
        "{PRELUDE}add_packages {list}\nfor package in {list}; do\n  \
         if systemctl list-unit-files \"$package.service\" | grep -q \"^$package\\.service\"; then\n    \
         systemctl enable --now \"$package\"\n  fi\ndone\n"
    )
}

fn container_script(image: &str, port: u16, env: &str) -> String {
    format!(
        "{PRELUDE}if command -v dnf >/dev/null; then add_packages docker; else add_packages docker.io; fi\n\
         systemctl enable --now docker\n\
         mkdir -p /etc/windlass\numask 077\n\
         cat >/etc/windlass/env <<'WINDLASS_ENV'\n{env}WINDLASS_ENV\n\
         retry docker pull '{image}'\n\
         docker run --detach --name app --restart unless-stopped --publish {port}:{port} --env-file /etc/windlass/env '{image}'\n"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn packages_are_installed_by_the_images_own_manager_and_started() {
        let app = App {
            port: 80,
            runtime: Runtime::Packages(vec!["nginx".into(), "jq".into()]),
        };
        let script = script(&app);
        assert!(script.starts_with("#!/bin/bash\nset -euo pipefail\n"));
        assert!(
            script.contains("add_packages nginx jq\n")
                && script.contains("dnf install")
                && script.contains("apt-get install")
        );
    }

    #[test]
    fn a_container_listens_on_its_port_and_its_environment_is_not_expanded() {
        let app = App {
            port: 8000,
            runtime: Runtime::Container {
                image: "registry.example/app:1".into(),
                env: BTreeMap::from([("A".into(), "$(reboot)".into())]),
            },
        };
        let script = script(&app);
        assert!(
            script.contains("--publish 8000:8000")
                && script.contains("<<'WINDLASS_ENV'\nA=$(reboot)\nWINDLASS_ENV\n")
        );
    }

    #[test]
    fn a_script_of_the_users_own_passes_unchanged() {
        let app = App {
            port: 80,
            runtime: Runtime::UserData("#!/bin/sh\ntrue\n".into()),
        };
        assert_eq!(STANDARD.decode(encoded(&app)).unwrap(), b"#!/bin/sh\ntrue\n");
    }
}
