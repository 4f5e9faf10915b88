"""What AWS does and ministack does not, patched onto ministack at launch. README.md lists every patch."""

from . import alarms, calls, cloudwatch, control, logs, pipeline, sns


def apply() -> None:
    """Patches ministack in this process; call once, before the server starts."""
    for part in (pipeline, cloudwatch, alarms, sns, logs, calls, control):
        part.apply()
