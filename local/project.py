"""The template and the code in force: read again as soon as a file has changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local import template
from local.clock import Clock
from local.functions import Functions
from local.loader import Loader, Watch
from local.logs import Console
from local.template import Template, TemplateError


class Project:
    """`apply` is called with every template before it is used: it sets the environment and makes the tables."""

    def __init__(self, root: Path, parameters: Mapping[str, str], loader: Loader, console: Console) -> None:
        self._path = root / "template.yaml"
        self._parameters = parameters
        self._loader = loader
        self._console = console
        self._watch = Watch(root)
        self._apply: Callable[[Template], None] = lambda _template: None
        self._current: Template | TemplateError = template.read(self._path, parameters)

    def use(self, apply: Callable[[Template], None]) -> None:
        """From now on."""
        apply(self.template())
        self._apply = apply

    def template(self) -> Template:
        """Raises TemplateError for as long as the template on disk cannot be followed."""
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
    """What the API and the function URL have in common."""

    project: Project
    functions: Functions
    clock: Clock
    console: Console
