"""What needs libraries of the emulators' virtual environment: editing a SAM template and reading outputs.

    template_tool.py package SOURCE TARGET FUNCTION…   CodeUri of each function becomes the folder of its name
    template_tool.py outputs STACK                     the stack's outputs as JSON
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml


class Tagged:
    """A CloudFormation short form, `!Ref x` or `!If [...]`, kept as it is."""

    def __init__(self, tag: str, value: Any) -> None:
        self.tag, self.value = tag, value


class Loader(yaml.SafeLoader):
    """Keeps short forms, and dates (`Version: 2012-10-17`) as the text they are."""


class Dumper(yaml.SafeDumper):
    """Writes short forms back."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _load_tagged(loader: Loader, suffix: str, node: yaml.Node) -> Tagged:
    build = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: lambda n: loader.construct_sequence(n, deep=True)}
    return Tagged(f"!{suffix}", build.get(type(node), lambda n: loader.construct_mapping(n, deep=True))(node))


def _dump_tagged(dumper: Dumper, data: Tagged) -> yaml.Node:
    if isinstance(data.value, list):
        return dumper.represent_sequence(data.tag, data.value)
    if isinstance(data.value, dict):
        return dumper.represent_mapping(data.tag, data.value)
    return dumper.represent_scalar(data.tag, data.value)


Loader.add_multi_constructor("!", _load_tagged)
Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.construct_yaml_str)
Dumper.add_representer(Tagged, _dump_tagged)


def package(source: str, target: str, *functions: str) -> None:
    template = yaml.load(Path(source).read_text(), Loader)
    resources = template["Resources"]
    for name in functions:
        if name not in resources:
            sys.exit(f"{source} has no resource {name}")
        resources[name]["Properties"]["CodeUri"] = f"./{name}"
        resources[name].pop("Metadata", None)
    unbuilt = [name for name, r in resources.items() if r["Type"] == "AWS::Serverless::Function" and "BuildMethod" in r.get("Metadata", {})]
    if unbuilt:
        sys.exit(f"no binary given for {', '.join(unbuilt)}: add --bootstrap {unbuilt[0]}=PATH")
    Path(target).write_text(yaml.dump(template, Dumper=Dumper, sort_keys=False))


def outputs(stack: str) -> None:
    import boto3

    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    print(json.dumps({output["OutputKey"]: output["OutputValue"] for output in found}))


if __name__ == "__main__":
    {"package": package, "outputs": outputs}[sys.argv[1]](*sys.argv[2:])
