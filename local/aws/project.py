"""The current template and code, read again when a file has changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.aws import template
from local.aws.functions import Functions
from local.aws.loader import Loader, Watch
from local.aws.template import Template, TemplateError
from local.clock import Clock
from local.logs import Console


class Project:
    """Calls `apply` with each new template before its first use, to set the environment and create the tables."""

    def __init__(self, root: Path, parameters: Mapping[str, str], loader: Loader, console: Console) -> None:
        self._path = root / "template.yaml"
        self._parameters = parameters
        self._loader = loader
        self._console = console
        self._watch = Watch(root)
        self._apply: Callable[[Template], None] = lambda _template: None
        self._current: Template | TemplateError = template.read(self._path, parameters)

    def use(self, apply: Callable[[Template], None]) -> None:
        apply(self.template())
        self._apply = apply

    def template(self) -> Template:
        """Raises TemplateError while the template on disk cannot be used."""
        if self._watch.changed():
            self._reload()
        if isinstance(self._current, TemplateError):
            raise self._current
        return self._current

    def _reload(self) -> None:
        self._console.line("  a file has changed: reloading")
        self._loader.forget()
        before = self._current
        try:
            self._current = template.read(self._path, self._parameters)
            if self._current != before:
                self._apply(self._current)
        except TemplateError as error:
            self._current = error
            self._console.line(f"  template.yaml: {error}")


@dataclass(frozen=True)
class Runtime:
    """What the API, the function URL, the streams and the controls share."""

    project: Project
    functions: Functions
    clock: Clock
    console: Console
