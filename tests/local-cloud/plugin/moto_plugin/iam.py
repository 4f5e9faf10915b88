"""The managed policies of AWS, parsed once: moto reads 1500 documents again for every reset and new account. And a role
that is not in a profile is an error, not a failure."""

import copy
from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend

_parsed: dict[tuple[str, str], list[Any]] = {}


def apply() -> None:
    parse, remove = IAMBackend._init_aws_policies, IAMBackend.remove_role_from_instance_profile

    def init_aws_policies(self: Any) -> list[Any]:
        key = (self.account_id, self.region_name)
        if key not in _parsed:
            _parsed[key] = parse(self)
        return [copy.copy(policy) for policy in _parsed[key]]

    def remove_role(self: Any, profile_name: str, role_name: str) -> None:
        if self.get_role(role_name) not in self.get_instance_profile(profile_name).roles:
            raise NotFoundException(f"The role {role_name} is not in the instance profile {profile_name}.")
        remove(self, profile_name, role_name)

    IAMBackend._init_aws_policies = init_aws_policies  # type: ignore[method-assign]
    IAMBackend.remove_role_from_instance_profile = remove_role  # type: ignore[method-assign]
