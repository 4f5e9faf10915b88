"""What AWS does and moto does not, patched onto moto at launch. README.md lists every patch."""

from . import calls, ec2, ec2_rules, elb, groups, iam, images, world


def apply() -> None:
    """Patches moto in this process; call once, before the server starts."""
    for part in (world, calls, iam, images, ec2, ec2_rules, elb, groups):
        part.apply()
