"""Log groups have names that AWS would take."""

import re
from typing import Any


def apply() -> None:
    from ministack.services import cloudwatch_logs as logs

    create = logs._create_log_group

    def create_log_group(data: dict[str, Any]) -> Any:
        name = data.get("logGroupName") or ""
        if name and (not re.fullmatch(r"[\w.\-/#]{1,512}", name, re.ASCII) or name.startswith("aws/")):
            return logs.error_response_json("InvalidParameterException", f"The log group name '{name}' is not valid", 400)
        return create(data)

    logs._create_log_group = create_log_group


def forget() -> int:
    """Drops the log groups that a stack's tag is on."""
    from ministack.services import cloudwatch_logs as logs

    owned = [name for name, group in logs._log_groups.items() if "windlass:stack" in group["tags"]]
    for name in owned:
        logs._delete_log_group({"logGroupName": name})
    return len(owned)
