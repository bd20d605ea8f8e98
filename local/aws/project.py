"""The current template and code, read again when a file or a parameter has changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.aws import template
from local.aws.functions import Functions
from local.aws.intrinsics import read_yaml
from local.aws.loader import Loader, Watch
from local.aws.template import Template, TemplateError
from local.clock import Clock
from local.logs import Console


class Project:
    """Calls each `apply` with a new template before its first use, to create the tables and set the environment."""

    def __init__(self, root: Path, parameters: Mapping[str, str], loader: Loader, console: Console) -> None:
        self._path = root / "template.yaml"
        self._parameters = parameters
        self._loader = loader
        self._console = console
        self._watch = Watch(root)
        self._appliers: list[Callable[[Template], None]] = []
        self._current: Template | TemplateError = template.read(self._path, parameters)

    def use(self, apply: Callable[[Template], None]) -> None:
        apply(self.template())
        self._appliers.append(apply)

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Change parameters of the template, as a deployment does; raises TemplateError, and nothing changes then."""
        if unknown := parameters.keys() - read_yaml(self._path).get("Parameters", {}).keys():
            raise TemplateError(f"{self._path.name} has no parameter {min(unknown)}")
        changed = {**self._parameters, **parameters}
        deployed = template.read(self._path, changed)
        for apply in self._appliers:
            apply(deployed)
        self._parameters, self._current = changed, deployed
        self._loader.forget()

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
                for apply in self._appliers:
                    apply(self._current)
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
