"""Run the tests against mutants, inside of pytest: everything is imported and collected once, each mutant is a fork."""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tools.mutants import covering, swapping
from tools.mutants.children import KILLED, Child, Children, FirstFailure, Say, run_items
from tools.mutants.choosing import Chooser
from tools.mutants.covering import Covering
from tools.mutants.making import Mutant
from tools.mutants.scope import LEFT_OUT

# As the tests are run: without what only matters when people read along.
OPTIONS = ("-s", "-q", "-p", "no:cacheprovider", "-p", "no:terminalreporter", "-p", "no:faulthandler")
MEASURING = 600.0  # seconds of the processor that the tests of one file may take
OURS = {"topup", "tests", "local", "ops", "functions", "conftest"}

Ended = Callable[[Mutant, str], None]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which mutants to run, in how many processes, each against tests of so many seconds, for how long."""

    mutants: list[Mutant]
    processes: int
    seconds: float
    minutes: float
    ended: Ended


class Runner:
    """A plugin of pytest that, in place of running the tests once, runs them against each mutant."""

    def __init__(self, plan: Plan, memory: covering.Memory, watch: covering.Watch) -> None:
        self.plan = plan
        self.memory = memory
        self.watch = watch
        self.killers: dict[str, list[str]] = defaultdict(list)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        return True if collection_path.name in LEFT_OUT else None

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        at_import = frozenset(self.watch.lines())
        self.watch.stop()
        files = sorted({item.path for item in session.items})
        measure(session, self.memory, files, self.plan.processes)
        chooser = Chooser(self.memory.tests(files), self.plan.seconds, self.killers)
        loaded = Loaded(session, {item.nodeid: item for item in session.items}, swapping.loaded_functions(), at_import)
        until = time.monotonic() + self.plan.minutes * 60
        children = Children(self.plan.processes)
        waiting = iter(self.plan.mutants)
        running: dict[int, Mutant] = {}
        while True:
            while len(children.running) < self.plan.processes and time.monotonic() < until:
                if (mutant := next(waiting, None)) is None:
                    break
                if tests := chooser.tests(mutant):
                    work = partial(run_mutant, loaded, mutant, [one.test for one in tests])
                    running[children.start(work, sum(one.seconds for one in tests)).pid] = mutant
                else:
                    self.plan.ended(mutant, "")
            if not children.running:
                return True
            for child in children.ended():
                self._end(running.pop(child.pid), child)

    def _end(self, mutant: Mutant, child: Child) -> None:
        if child.killer:
            killers = self.killers[covering.place_of(mutant.path, mutant.line)[0]]
            if child.killer in killers:
                killers.remove(child.killer)
            killers.insert(0, child.killer)
        self.plan.ended(mutant, child.killer)


def measure(session: pytest.Session, memory: covering.Memory, files: list[Path], processes: int) -> None:
    """Run each test file that is new or has changed once, and note what its tests run."""
    missing = memory.missing(files)
    if not missing:
        return
    print(f"noting what the tests of {len(missing)} files run …", flush=True)
    children = Children(processes)
    waiting = iter(missing)
    running: dict[int, Path] = {}
    while True:
        while len(children.running) < processes and (path := next(waiting, None)):
            items = [item for item in session.items if item.path == path]
            running[children.start(partial(_note, session, items), MEASURING).pid] = path
        if not children.running:
            return
        for child in children.ended():
            path = running.pop(child.pid)
            if child.killer:
                print(f"a test fails without any mutant: {child.killer}", flush=True)
                raise SystemExit(2)
            noted = json.loads(child.said)
            memory.add(path, _from_child(noted))
            memory.save()


def _from_child(noted: list[Any]) -> list[Covering]:
    return [
        Covering(test, seconds, {name: frozenset(lines) for name, lines in functions.items()})
        for test, seconds, functions in noted
    ]


def _note(session: pytest.Session, items: list[pytest.Item], say: Say) -> None:
    """Run these tests, and say how long each took and what it ran."""
    session.config.pluginmanager.register(FirstFailure(say))
    watch = covering.Watch()
    watch.start()
    noted = []
    for item, following in zip(items, [*items[1:], None], strict=True):
        watch.reset()
        began = time.process_time()
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        noted.append([item.nodeid, round(time.process_time() - began, 4), watch.lines()])
    say(json.dumps(noted))


@dataclass(frozen=True)
class Loaded:
    """What pytest has collected, the package's functions in this process, and those of them that ran at import."""

    session: pytest.Session
    items: dict[str, pytest.Item]
    functions: swapping.Functions
    at_import: frozenset[str]


def run_mutant(loaded: Loaded, mutant: Mutant, tests: list[str], say: Say) -> None:
    """Run the tests against a mutant; say which one failed, and end the process there."""
    if mutant.needs_import or covering.place_of(mutant.path, mutant.line)[0] in loaded.at_import:
        _run_anew(mutant, tests, say)
    elif not swapping.swap(mutant.path, mutant.source, loaded.functions):
        raise RuntimeError(f"{mutant.file}:{mutant.line} changes no function")
    else:
        run_items(loaded.session, [loaded.items[test] for test in tests], say)


def _run_anew(mutant: Mutant, tests: list[str], say: Say) -> None:
    """Import the mutated module, and all of ours, again, and run the tests: for what runs at import."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    swapping.import_mutated(mutant.path, mutant.source)
    if status := pytest.main([*OPTIONS, *tests], plugins=[FirstFailure(say)]):
        say(f"pytest ended with {status!r}")
        os._exit(KILLED)
