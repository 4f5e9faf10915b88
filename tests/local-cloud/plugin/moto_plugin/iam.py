"""The managed policies of AWS, parsed once: moto reads 1500 documents again for every reset and new account."""

import copy
from typing import Any

from moto.iam.models import IAMBackend

_parsed: dict[tuple[str, str], list[Any]] = {}


def apply() -> None:
    parse = IAMBackend._init_aws_policies

    def init_aws_policies(self: Any) -> list[Any]:
        key = (self.account_id, self.region_name)
        if key not in _parsed:
            _parsed[key] = parse(self)
        return [copy.copy(policy) for policy in _parsed[key]]

    IAMBackend._init_aws_policies = init_aws_policies  # type: ignore[method-assign]
