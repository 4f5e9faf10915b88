"""Two descriptions side by side, field by field, against the table of intended differences.

The table fails both ways: on a difference that is not in it, and on an entry that no longer occurs.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ABSENT = "absent"
#: Characters of a value that are shown.
SHOWN = 100


@dataclass(frozen=True)
class Difference:
    path: str
    reference: str
    ours: str

    def __str__(self) -> str:
        return f"{self.path}: {_shown(self.ours)}, in the reference {_shown(self.reference)}"


@dataclass(frozen=True)
class Intended:
    """`*` in the path and in our value stands for anything."""

    path: str
    ours: str
    why: str

    def covers(self, difference: Difference) -> bool:
        return _matches(self.path, difference.path) and _matches(self.ours, difference.ours)


def intentions(table: dict[str, Any]) -> list[Intended]:
    """`path = [ours, why]`, or a table of a path's fields with one `why` for all of them."""
    made = []
    for path, entry in table.items():
        if isinstance(entry, dict):
            fields = {field: ours for field, ours in entry.items() if field != "why"}
            made += [Intended(f"{path}.{field}", ours, entry["why"]) for field, ours in fields.items()]
        else:
            made.append(Intended(path, *entry))
    return made


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every field with its path. Members of a list have no place in it: `subnets[subnet/public-a]` is there or not."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from flat(member, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        texts = [member if isinstance(member, str) else json.dumps(member, sort_keys=True) for member in value]
        for text in sorted(set(texts)):
            yield f"{path}[{text}]", "present" if texts.count(text) == 1 else f"{texts.count(text)} times"
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)


def _shown(value: str) -> str:
    line = value.strip().replace("\n", "⏎")
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def differences(reference: dict[str, Any], ours: dict[str, Any]) -> list[Difference]:
    theirs, mine = dict(flat(reference)), dict(flat(ours))
    pairs = ((path, theirs.get(path, ABSENT), mine.get(path, ABSENT)) for path in sorted(theirs | mine))
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def judge(found: list[Difference], intended: list[Intended]) -> tuple[list[Difference], list[Intended]]:
    """Differences that nobody intended, and entries that nothing is covered by."""
    unknown = [one for one in found if not any(entry.covers(one) for entry in intended)]
    stale = [entry for entry in intended if not any(entry.covers(one) for one in found)]
    return unknown, stale
