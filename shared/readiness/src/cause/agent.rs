//! What an instance says of itself: the shell script that asks it, and what its output means.
//!
//! Guarantees: the script changes nothing on the instance, ends within seconds, and prints no environment, no command line
//! and no log. Any output is read without panicking. Of it are kept names of units and containers, addresses and ports of
//! sockets, and the words of cloud-init and Docker for a state: nothing that is longer, or of another form. A part counts
//! only if its program succeeded and its output is whole.

use super::evidence::{Agent, Container, Socket};
use super::text::name;

/// The script, line by line, for the shell of any image. Double braces are a placeholder to Systems Manager, and so are
/// put together on the instance.
pub const COMMANDS: [&str; 8] = [
    "export LC_ALL=C",
    "echo '<units>'",
    "timeout 5 systemctl list-units --failed --plain --no-legend --no-pager && echo '</units>'",
    "echo '<sockets>'; timeout 5 ss -Hltn && echo '</sockets>'",
    "echo '<cloud-init>'; timeout 5 cloud-init status; echo '</cloud-init>'",
    "b='{' e='}'; echo '<containers>'",
    "command -v docker >/dev/null && timeout 5 docker ps --all --format \"$b$b.Names$e$e $b$b.Status$e$e\" && echo '</containers>'",
    "exit 0",
];

/// Most items that are kept of a part.
const MOST: usize = 50;
/// Longest address and longest state, in characters.
const LONGEST: usize = 64;

impl Agent {
    /// What the output of [`COMMANDS`] says.
    #[must_use]
    pub fn read(output: &str) -> Self {
        let units = part(output, "units");
        let sockets = part(output, "sockets");
        let containers = part(output, "containers");
        Self {
            failed_units: units.map(|part| part.lines().filter_map(unit).take(MOST).collect()),
            listening: sockets.map(|part| part.lines().filter_map(socket).take(MOST).collect()),
            cloud_init: part(output, "cloud-init").and_then(|part| part.lines().find_map(status)),
            containers: containers.map(|part| part.lines().filter_map(container).take(MOST).collect()),
        }
    }
}

/// What stands between the marks of a part.
fn part<'a>(output: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = output.split_once(&format!("<{name}>\n"))?;
    let (part, _) = rest.split_once(&format!("</{name}>"))?;
    Some(part)
}

/// `nginx.service loaded failed failed …`; older versions of systemd put a bullet first.
fn unit(line: &str) -> Option<String> {
    line.split_whitespace().find_map(name).map(str::to_owned)
}

/// `LISTEN 0 4096 0.0.0.0:80 0.0.0.0:*`: the first address with a port of its own.
fn socket(line: &str) -> Option<Socket> {
    line.split_whitespace().find_map(|word| {
        let (address, port) = word.rsplit_once(':')?;
        let fit = |c: char| c.is_ascii_alphanumeric() || "*.:[]%-_".contains(c);
        let fits = !address.is_empty() && address.len() <= LONGEST && address.chars().all(fit);
        let port = port.parse().ok().filter(|_| fits)?;
        Some(Socket {
            address: address.to_owned(),
            port,
        })
    })
}

/// `status: running`.
fn status(line: &str) -> Option<String> {
    let word = line.strip_prefix("status: ")?.split_whitespace().next()?;
    let fits = word.len() <= LONGEST && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    fits.then(|| word.to_owned())
}

/// `app Up 2 minutes (healthy)`.
fn container(line: &str) -> Option<Container> {
    let (first, rest) = line.trim().split_once(' ')?;
    let fit = |c: &char| c.is_ascii_alphanumeric() || " ()".contains(*c);
    Some(Container {
        name: name(first)?.to_owned(),
        status: rest.chars().take_while(fit).take(LONGEST).collect(),
    })
}
