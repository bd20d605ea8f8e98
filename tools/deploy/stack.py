"""What a deployment would change in a stack although nobody asked for it."""

from collections.abc import Iterable, Mapping

from ops.errors import CannotRunError


def unasked(present: Mapping[str, str], wanted: Mapping[str, str], named: Iterable[str]) -> list[str]:
    """The parameters that a deployment would change although nobody has named them now, one sentence each."""
    return [
        f"{name} is {present[name]!r} in the stack and {value!r} in the files"
        for name, value in sorted(wanted.items())
        if name in present and present[name] != value and name not in set(named)
    ]


def refuse(stack: str, changes: Iterable[str]) -> None:
    """Raise CannotRunError if there are changes that nobody has asked for: another checkout may have made them."""
    listed = "".join(f"\n  {change}" for change in changes)
    if listed:
        raise CannotRunError(
            f"this would also change {stack} where the command line does not say so:{listed}\n"
            "Set each as it should be with SET=NAME=VALUE, or take all values of the files with ACCEPT=1."
        )
