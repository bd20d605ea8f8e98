"""The memory that the template gives the functions, for which Lambda bills."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FUNCTION = "AWS::Serverless::Function"


@dataclass(frozen=True)
class Memory:
    """The functions' memory in MB: the usual one, and that of functions which have another."""

    usual: int
    of_its_own: Mapping[str, int] = field(default_factory=dict)

    def of(self, function: str) -> int:
        """What this function has."""
        return self.of_its_own.get(function, self.usual)


def memory_in(template: Mapping[str, Any]) -> Memory:
    """What the template gives the functions, by the names of their folders."""
    functions = [one["Properties"] for one in template["Resources"].values() if one["Type"] == FUNCTION]
    named = {Path(one["CodeUri"]).name: one["MemorySize"] for one in functions if "MemorySize" in one}
    return Memory(template["Globals"]["Function"]["MemorySize"], named)
