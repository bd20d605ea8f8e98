"""What a verification has found, in Markdown: the steps, and how true the simulator is to Stripe."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from local import sections
from ops.layout import counted
from ops.verify.classes import ID
from ops.verify.exchanges import Exchange
from ops.verify.place import Place
from ops.verify.steps import Result
from ops.verify.twin import Compared
from topup.stripe_gateway.client import API_VERSION

PAGE = "docs/fidelity.md"
FOLDER = ".cache/verify"
# What a buyer's browser and the Dashboard ask. Stripe's own command-line tool does too, but no reference describes it.
UNDOCUMENTED = ("/v1/payment_pages/", "/retry")


@dataclass(frozen=True)
class Run:
    """One verification: where, the result of each step, and each exchange with Stripe beside the simulator's."""

    place: Place
    results: Sequence[Result]
    compared: Sequence[Compared]

    @property
    def moment(self) -> str:
        return f"{self.results[0].began:%Y-%m-%d, %H:%M} UTC"

    def summary(self) -> str:
        statuses = Counter(result.status for result in self.results)
        told = ", ".join(f"{count} {status}" for status, count in statuses.items())
        return f"{counted(len(self.results), 'step')}: {told}"

    def fidelity_summary(self) -> str:
        kinds = counted(len({kind_of(one.exchange) for one in self.compared}), "kind")
        differences = sum(len(one.differences) for one in self.compared)
        found = counted(differences, "difference") if differences else "no differences"
        return f"{counted(len(self.compared), 'exchange')} of {kinds} with {self.place.stripe}: {found}"

    def whole(self) -> str:
        """The report of the run."""
        rows = [_row(result) for result in self.results]
        head = ["| step | | began (UTC) | seconds | seen |", "|---|---|---|---:|---|"]
        title = f"# Verification of {self.place.name}, {self.moment}"
        first = f"With {self.place.stripe}. {self.summary()}."
        parts = [title, first, "\n".join([*head, *rows]), "## What was asked", *self._asked()]
        return "\n\n".join([*parts, "## The simulator beside Stripe", self.fidelity()]) + "\n"

    def fidelity(self) -> str:
        """The report about the simulator."""
        first = f"{self.moment}, {self.place.name}, {self.place.stripe}, API version {API_VERSION}."
        found = sorted(self.compared, key=lambda one: kind_of(one.exchange))
        kinds = [(kind, list(same)) for kind, same in groupby(found, key=lambda one: kind_of(one.exchange))]
        rows = [f"| {kind} | {len(same)} | {sum(len(one.differences) for one in same)} |" for kind, same in kinds]
        table = "\n".join(["| request | exchanges | differences |", "|---|---:|---:|", *rows])
        named = [f"**{kind}**\n\n{differences}" for kind, same in kinds if (differences := _named(same))]
        return "\n\n".join([first, f"{self.fidelity_summary()}.", table, *named])

    def _asked(self) -> Iterator[str]:
        exchanges = [one.exchange for one in self.compared]
        for result in self.results:
            stripes = [_line(exchange) for exchange in exchanges if exchange.step == result.step.name]
            if lines := [*result.asked.splitlines(), *stripes]:
                yield f"### {result.step.name}: {result.step.does}\n\n" + "\n".join(f"- {line}" for line in lines)


def kind_of(exchange: Exchange) -> str:
    """The request without its ids, by which exchanges are counted."""
    path = ID.sub("{id}", exchange.path)
    note = " (undocumented)" if any(part in path for part in UNDOCUMENTED) else ""
    return f"`{exchange.method} {path}`{note}"


def file_of(root: Path, run: Run) -> Path:
    """Where a run is written unless the command line says otherwise."""
    return root / FOLDER / f"{run.results[0].began:%Y-%m-%dT%H%M%S}.md"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def record(page: Path, run: Run) -> None:
    """Put the run's report about the simulator into the document, in place of the last one against the same Stripe."""
    text = sections.replaced(page.read_text(encoding="utf-8"), run.place.stripe, run.fidelity())
    page.write_text(text, encoding="utf-8")


def _named(same: Sequence[Compared]) -> str:
    counts = Counter(str(difference) for one in same for difference in one.differences)
    return "\n".join(f"- {text}{f' (×{count})' if count > 1 else ''}" for text, count in sorted(counts.items()))


def _line(exchange: Exchange) -> str:
    return f"Stripe: {exchange.method} {ID.sub(_shortened, exchange.path)} → {exchange.status}"


def _shortened(found: re.Match[str]) -> str:
    return f"{found['prefix']}…"


def _row(result: Result) -> str:
    saw = result.saw.replace("|", "\\|")
    return f"| {result.step.name} | {result.status} | {result.began:%H:%M:%S} | {result.seconds:.1f} | {saw} |"
