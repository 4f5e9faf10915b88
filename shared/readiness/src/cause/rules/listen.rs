//! Who listens on the instance, as `ss -Hltn` says.

use super::super::Words;
use super::super::evidence::{Runtime, Socket};
use super::super::seen::Seen;
use super::boot::session;

/// Ports that servers of the image itself listen on: SSH, mail, DNS, portmapper, printing.
const OF_THE_IMAGE: &[u16] = &[22, 25, 53, 111, 323, 631, 5355];

/// Where the spec says the port.
fn place(seen: &Seen) -> &'static str {
    match seen.runtime() {
        Some(Runtime::Container(_)) => "compute.app.container.port",
        Some(Runtime::Packages(_) | Runtime::UserData) | None => "compute.app.port",
    }
}

/// The port that is asked and what listens, if nothing listens on that port for others.
fn closed<'a>(seen: &Seen<'a>) -> Option<(u16, &'a [Socket])> {
    let open = seen.port_is_open()?;
    (!open).then_some((seen.port()?, seen.listening()?))
}

/// The port is open, and for the instance itself only: the load balancer asks its private address.
pub(super) fn on_loopback(seen: &Seen) -> Option<Words> {
    let (port, sockets) = closed(seen)?;
    sockets.iter().any(|socket| socket.port == port).then(|| {
        Words::new(
            format!("the application listens on port {port} of 127.0.0.1 only, where the load balancer cannot reach it"),
            format!("have it listen on 0.0.0.0:{port}"),
        )
    })
}

/// Another port is open. The health check asks the port that the spec says.
pub(super) fn elsewhere(seen: &Seen) -> Option<Words> {
    let (port, sockets) = closed(seen)?;
    let other = sockets.iter().find(|socket| is_an_app(socket))?.port;
    if sockets.iter().any(|socket| socket.port == port) {
        return None;
    }
    Some(Words::new(
        format!("the application listens on port {other}, and the health check asks port {port}"),
        format!(
            "write {other} in {}, or have the application listen on {port}",
            place(seen)
        ),
    ))
}

/// Nothing that could be the application listens.
pub(super) fn nothing(seen: &Seen) -> Option<Words> {
    let (port, sockets) = closed(seen)?;
    if sockets
        .iter()
        .any(|socket| socket.port == port || is_an_app(socket))
    {
        return None;
    }
    Some(Words::new(
        format!("nothing listens on port {port}, nor on any other port of an application"),
        format!(
            "see on the instance{} whether the application is installed and runs; /var/log/cloud-init-output.log says \
             what the boot did",
            session(seen)
        ),
    ))
}

fn is_an_app(socket: &Socket) -> bool {
    !socket.is_loopback() && !OF_THE_IMAGE.contains(&socket.port)
}

/// `Target.FailedHealthChecks` means an error while connecting, or a malformed answer (`TargetHealth`, ELB API Reference).
/// With the port open and the check in TLS, the answer is one in plain HTTP.
pub(super) fn https_check_of_http(seen: &Seen) -> Option<Words> {
    let protocol = seen.evidence.check.as_ref()?.protocol.as_deref()?;
    let fits = protocol.eq_ignore_ascii_case("HTTPS") && failed(seen) && seen.port_is_open()?;
    let port = seen.port()?;
    fits.then(|| {
        Words::new(
            format!(
                "the health check speaks HTTPS on port {port}, and the application most likely plain HTTP"
            ),
            "check it by HTTP, or have the application speak TLS on that port",
        )
    })
}

/// The host's port is open because Docker listens on it, and connections fail: within the container, nobody takes them.
/// Docker publishes a port whether or not the container listens on it (Docker documentation, "Publishing ports") \[I\].
pub(super) fn container_port(seen: &Seen) -> Option<Words> {
    let Some(Runtime::Container(_)) = seen.runtime() else {
        return None;
    };
    let protocol = seen
        .evidence
        .check
        .as_ref()
        .and_then(|check| check.protocol.as_deref());
    let https = protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("HTTPS"));
    let fits = failed(seen) && !https && seen.port_is_open()?;
    let port = seen.port()?;
    fits.then(|| {
        Words::new(
            format!("Docker listens on port {port}, and within the container most likely nothing does"),
            format!(
                "have the application listen on 0.0.0.0:{port} within its container, or write its port in \
                 compute.app.container.port"
            ),
        )
    })
}

fn failed(seen: &Seen) -> bool {
    seen.reason() == Some("Target.FailedHealthChecks")
}
