"""What AWS does and moto does not, patched onto moto at launch. README.md lists every patch."""

from . import (
    applications,
    balancers,
    calls,
    commands,
    console,
    ec2,
    ec2_rules,
    elb,
    endpoints,
    events,
    group_metrics,
    groups,
    hooks,
    iam,
    images,
    instances,
    interfaces,
    listeners,
    loads,
    ministack,
    policies,
    quotas,
    refresh,
    schedules,
    spot,
    suspensions,
    traffic,
    world,
)

#: Those that patch moto; the others have nothing but rules, which importing them registers.
PATCHES = (
    *(world, traffic, calls, ministack, events, iam, images, interfaces, ec2, endpoints, instances, applications, console, commands),
    *(elb, listeners, balancers, loads, hooks, groups, spot, suspensions, policies, schedules, refresh, quotas),
)
RULES = (ec2_rules, group_metrics)


def apply() -> None:
    """Patches moto in this process; call once, before the server starts."""
    for part in PATCHES:
        part.apply()
