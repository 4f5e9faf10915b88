//! What the script that asks an instance about itself prints, and what is kept of it.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use windlass_readiness::cause::agent::COMMANDS;
use windlass_readiness::cause::evidence::{Agent, Container, Socket};

/// As Amazon Linux 2023 prints it: systemctl(1), ss(8), cloud-init 22.2, docker 25.
const WHOLE: &str = "\
<units>
nginx.service loaded failed failed The nginx HTTP and reverse proxy server
● app@1.service loaded failed failed token=s3cr3t
</units>
<sockets>
LISTEN 0      4096      127.0.0.53%lo:53         0.0.0.0:*
LISTEN 0      128             0.0.0.0:22         0.0.0.0:*
LISTEN 0      511                   *:3000             *:*
LISTEN 0      128                [::]:22            [::]:*
</sockets>
<cloud-init>
status: error
</cloud-init>
<containers>
app Restarting (1) 5 seconds ago
db Up 2 minutes (healthy)
</containers>
";

fn socket(address: &str, port: u16) -> Socket {
    Socket {
        address: address.into(),
        port,
    }
}

fn container(name: &str, status: &str) -> Container {
    Container {
        name: name.into(),
        status: status.into(),
    }
}

fn whole() -> Agent {
    Agent {
        failed_units: Some(vec!["nginx.service".into(), "app@1.service".into()]),
        listening: Some(vec![
            socket("127.0.0.53%lo", 53),
            socket("0.0.0.0", 22),
            socket("*", 3000),
            socket("[::]", 22),
        ]),
        cloud_init: Some("error".into()),
        containers: Some(vec![
            container("app", "Restarting (1) 5 seconds ago"),
            container("db", "Up 2 minutes (healthy)"),
        ]),
    }
}

#[test]
fn every_part_of_a_whole_output_is_read() {
    assert_eq!(Agent::read(WHOLE), whole());
}

#[test]
fn nothing_failed_and_nobody_asked_are_two_things() {
    let read = Agent::read(
        "<units>\n</units>\n<sockets>\n<cloud-init>\nstatus: done\n</cloud-init>\n<containers>\n",
    );
    let expected = Agent {
        failed_units: Some(vec![]),
        cloud_init: Some("done".into()),
        ..Agent::default()
    };
    assert_eq!(read, expected);
}

/// AWS keeps the first 24,000 characters.
#[test]
fn a_part_that_is_cut_is_not_read() {
    let cut = WHOLE.split_once("[::]:22").unwrap().0;
    let expected = Agent {
        listening: None,
        cloud_init: None,
        containers: None,
        ..whole()
    };
    assert_eq!(Agent::read(cut), expected);
}

#[test]
fn what_has_another_form_is_left_out() {
    let read = Agent::read(
        "<units>\n$(reboot)\n</units>\n<sockets>\nLISTEN 0 1 /run/app.sock:none *\nLISTEN 0 1 0.0.0.0:99999 x:*\n\
         </sockets>\n<cloud-init>\nstatus: PASSWORD=x\n</cloud-init>\n<containers>\nlonely\napp Up=s3cr3t\n</containers>\n",
    );
    let expected = Agent {
        failed_units: Some(vec![]),
        listening: Some(vec![]),
        cloud_init: None,
        containers: Some(vec![container("app", "Up")]),
    };
    assert_eq!(read, expected);
}

/// The service replaces what stands in double braces, and what the script may print must not be a secret.
#[test]
fn the_script_has_no_placeholder_and_prints_no_environment_and_no_command_line() {
    let script = COMMANDS.join("\n");
    for forbidden in [
        "{{",
        "env",
        "ps -",
        "ps a",
        "inspect",
        "journalctl",
        "cat ",
        "user-data",
    ] {
        assert!(
            !script.replace("docker ps --all", "").contains(forbidden),
            "{forbidden}"
        );
    }
    assert!(COMMANDS.iter().all(|line| !line.contains('\n')));
}

proptest! {
    #[test]
    fn any_output_is_read(output in "(<units>\n|</units>|<sockets>\n|</sockets>|<cloud-init>\n|</cloud-init>|\n|.{0,20}){0,20}") {
        let read = Agent::read(&output);
        let sockets = read.listening.into_iter().flatten();
        prop_assert!(sockets.into_iter().all(|socket| !socket.address.contains(' ')));
    }
}
