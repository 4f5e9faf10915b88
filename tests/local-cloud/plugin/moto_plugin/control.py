"""The control channel for tests and demos: `/moto-api/windlass/…`, JSON in and out."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from . import calls, ec2_rules, elb, world


def middleware(application: Any) -> Any:
    """Answers the control channel itself and leaves everything else to moto."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith("/moto-api/windlass/"):
            return application(environ, start_response)
        route = (environ["REQUEST_METHOD"], path.removeprefix("/moto-api/windlass/").strip("/"))
        status, answer = _handle(route, environ)
        body = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return serve


def _handle(route: tuple[str, str], environ: dict[str, Any]) -> tuple[str, Any]:
    handler = ROUTES.get(route)
    if handler is None:
        return "404 Not Found", {"error": "unknown", "known": [" ".join(r) for r in ROUTES]}
    try:
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        with world.lock:
            world.advance()
            return "200 OK", handler(json.loads(raw or b"{}"))
    except (KeyError, ValueError, LookupError) as error:
        return "400 Bad Request", {"error": f"{type(error).__name__}: {error}"}


def _calls(_: Any) -> Any:
    return dict(sorted(calls.counts.items()))


def _reset_calls(_: Any) -> Any:
    calls.counts.clear()
    calls.journal.clear()
    return {}


def _fault(body: dict[str, Any]) -> Any:
    calls.add_fault(body)
    return calls.faults


def _clear_faults(_: Any) -> Any:
    calls.faults.clear()
    return []


def _kill(body: dict[str, Any]) -> Any:
    from moto.autoscaling import autoscaling_backends
    from moto.ec2 import ec2_backends
    from moto.elbv2 import elbv2_backends

    for backend in world.existing(ec2_backends):
        if backend.get_instance_by_id(body["instance"]):
            backend.terminate_instances([body["instance"]])
            for other in (autoscaling_backends, elbv2_backends):
                other[backend.account_id][backend.region_name].notify_terminate_instances([body["instance"]])
            return {"killed": body["instance"]}
    raise LookupError(f"no instance {body['instance']}")


def _health(body: dict[str, Any]) -> Any:
    from moto.elbv2 import elbv2_backends

    for backend in world.existing(elbv2_backends):
        group = backend.target_groups.get(body["target_group"])
        if group is not None:
            return _force(group, body)
    raise LookupError(f"no target group {body['target_group']}")


def _force(group: Any, body: dict[str, Any]) -> Any:
    forced = elb.forced_health(group)
    if body.get("state") is None:  # back to what the model says
        forced.pop(body["instance"], None)
    else:
        reason = body.get("reason") or ("Target.FailedHealthChecks" if body["state"] == "unhealthy" else None)
        forced[body["instance"]] = (body["state"], reason, body.get("description"))
    return {instance: state for instance, (state, *_) in forced.items()}


def _delays(body: dict[str, Any]) -> Any:
    world.configure(body.pop("time-scale", None), body)
    return {"time-scale": world.time_scale(), **world.SECONDS}


def _quotas(body: dict[str, Any]) -> Any:
    if unknown := set(body) - set(ec2_rules.QUOTAS):
        raise ValueError(f"unknown quotas {sorted(unknown)}; known are {sorted(ec2_rules.QUOTAS)}")
    ec2_rules.QUOTAS.update(body)
    return ec2_rules.QUOTAS


ROUTES: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("GET", "calls"): _calls,
    ("POST", "calls/reset"): _reset_calls,
    ("GET", "journal"): lambda _: list(calls.journal),
    ("GET", "faults"): lambda _: calls.faults,
    ("POST", "faults"): _fault,
    ("POST", "faults/reset"): _clear_faults,
    ("POST", "kill-instance"): _kill,
    ("POST", "target-health"): _health,
    ("GET", "delays"): _delays,
    ("POST", "delays"): _delays,
    ("GET", "quotas"): _quotas,
    ("POST", "quotas"): _quotas,
}
