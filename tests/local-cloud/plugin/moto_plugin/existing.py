"""What a call names has to be there."""

from typing import Any

from moto.autoscaling.exceptions import ValidationError


def existing_group(backend: Any, name: str) -> Any:
    group = backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group
