"""The control channel for tests and demos: `/moto-api/windlass/…`, JSON in and out.

It speaks for both emulators: what ministack counts, records and fails is asked of ministack.
"""

import collections
import json
from collections.abc import Callable, Iterable
from typing import Any

from . import applications, balancers, calls, elb, instances, loads, ministack, policies, quotas, spot, world

#: Services of ministack that stacks are made of. Its others (S3, SQS, Lambda, EventBridge, CloudFormation …) are what
#: the pipeline runs on and what tests look through.
STACK_SERVICES = ("cloudwatch:", "logs:", "sns:")


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
    if handler is None and route not in ASKED:
        return "404 Not Found", {"error": "unknown", "known": [" ".join(r) for r in {**ROUTES, **ASKED}]}
    try:
        body = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
        if route in ASKED:  # not under the lock: ministack may be calling us meanwhile
            return "200 OK", ASKED[route](body)
        with world.lock:
            world.advance()
            return "200 OK", handler(body)
    except (KeyError, ValueError, LookupError) as error:
        return "400 Bad Request", {"error": f"{type(error).__name__}: {error}"}


def _all_calls(_: Any) -> dict[str, int]:
    theirs = collections.Counter(ministack.try_to_ask("GET", "calls") or {})
    return dict(sorted((calls.counts + theirs).items()))


def _calls(_: Any) -> dict[str, int]:
    """What stacks are made with: all of ours, and of ministack's those that stacks use."""
    theirs = collections.Counter(ministack.try_to_ask("GET", "calls") or {})
    used = {name: count for name, count in theirs.items() if name.startswith(STACK_SERVICES)}
    return dict(sorted((calls.counts + collections.Counter(used)).items()))


def _reset_calls(_: Any) -> Any:
    with world.lock:
        calls.counts.clear()
        calls.journal.clear()
    ministack.try_to_ask("POST", "calls/reset")
    return {}


def _journal(_: Any) -> list[dict[str, Any]]:
    theirs = ministack.try_to_ask("GET", "journal") or []
    return sorted([*calls.journal, *theirs], key=lambda entry: entry["time"])


def _is_ministacks(action: str) -> bool:
    prefix = action.partition(":")[0] if ":" in action else ""
    return bool(prefix) and prefix not in calls.PREFIX.values()


def _faults(_: Any) -> list[dict[str, Any]]:
    return [*calls.faults, *(ministack.try_to_ask("GET", "faults") or [])]


def _fault(body: dict[str, Any]) -> Any:
    if _is_ministacks(body["action"]):
        ministack.ask("POST", "faults", body)
    else:
        with world.lock:
            calls.add_fault(body)
    return _faults(body)


def _clear_faults(_: Any) -> Any:
    with world.lock:
        calls.faults.clear()
    ministack.try_to_ask("POST", "faults/reset")
    return []


def _instance(body: dict[str, Any]) -> Any:
    from moto.ec2 import ec2_backends

    for backend in world.existing(ec2_backends):
        instance = backend.get_instance_by_id(body["instance"])
        if instance:
            return instance
    raise LookupError(f"no instance {body['instance']}")


def _kill(body: dict[str, Any]) -> Any:
    _end(_instance(body))
    return {"killed": body["instance"]}


def _end(instance: Any) -> None:
    from moto.autoscaling import autoscaling_backends
    from moto.elbv2 import elbv2_backends

    backend = instance.ec2_backend
    backend.terminate_instances([instance.id])
    for other in (autoscaling_backends, elbv2_backends):
        other[backend.account_id][backend.region_name].notify_terminate_instances([instance.id])


def _interrupt_spot(body: dict[str, Any]) -> Any:
    """Two minutes after the warning it is gone, whatever holds it (aws-facts 19)."""
    instance = _instance(body)
    instances.warn_of_interruption(instance)
    wait = world.delay("spot-reclaim")
    world.after(wait, lambda: _end(instance))
    return {"interrupted": instance.id, "seconds": wait}


def _recommend_rebalance(body: dict[str, Any]) -> Any:
    """A group that rebalances replaces it; the others are only told."""
    from moto.autoscaling import autoscaling_backends

    instance = _instance(body)
    instances.recommend_rebalance(instance)
    backend = instance.ec2_backend
    for group in autoscaling_backends[backend.account_id][backend.region_name].autoscaling_groups.values():
        for state in group.instance_states:
            if state.instance_id == instance.id:
                spot.rebalance(group, state)
    return {"recommended": instance.id}


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


def _unhealthy_versions(body: dict[str, Any]) -> Any:
    if body:
        template, versions = body["launch_template"], {int(number) for number in body["versions"]}
        elb.unhealthy_versions -= {known for known in elb.unhealthy_versions if known[0] == template}
        elb.unhealthy_versions |= {(template, number) for number in versions}
    return [{"launch_template": template, "version": number} for template, number in sorted(elb.unhealthy_versions)]


def _delays(body: dict[str, Any]) -> Any:
    world.configure(body.pop("time-scale", None), body)
    return {"time-scale": world.time_scale(), **world.SECONDS}


ROUTES: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("GET", "applications"): applications.shown,
    ("POST", "applications"): applications.break_or_mend,
    ("GET", "load-balancers"): balancers.shown,
    ("POST", "kill-instance"): _kill,
    ("POST", "interrupt-spot"): _interrupt_spot,
    ("POST", "recommend-rebalance"): _recommend_rebalance,
    ("GET", "loads"): loads.configure,
    ("POST", "loads"): loads.configure,
    ("POST", "scaling-policy"): policies.run,
    ("POST", "target-health"): _health,
    ("GET", "delays"): _delays,
    ("POST", "delays"): _delays,
    ("GET", "unhealthy-versions"): _unhealthy_versions,
    ("POST", "unhealthy-versions"): _unhealthy_versions,
    ("GET", "quotas"): quotas.configure,
    ("POST", "quotas"): quotas.configure,
}

#: Those that ministack has its part in.
ASKED: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("GET", "calls"): _calls,
    ("GET", "calls/all"): _all_calls,
    ("POST", "calls/reset"): _reset_calls,
    ("GET", "journal"): _journal,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _fault,
    ("POST", "faults/reset"): _clear_faults,
    ("POST", "events"): lambda body: ministack.ask("POST", "events", body),
    ("GET", "subscriptions"): lambda _: ministack.ask("GET", "subscriptions"),
    ("POST", "confirm-subscription"): lambda body: ministack.ask("POST", "confirm-subscription", body),
}
