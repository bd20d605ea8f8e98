"""What an operator says about a stage: given on the command line or asked for, checked, and kept in its file."""

import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from local.aws.intrinsics import Resolver, TemplateError
from ops import deployed
from ops.errors import CannotRunError
from topup.domain.errors import ConfigurationError
from topup.runtime import chaos

HEAD = (
    "# The parameters of this stage that samconfig.toml does not set. `make deploy` adds to it; edit it as you like.\n"
)


def given(frontend: str | None, alert: str | None, assignments: str) -> dict[str, str]:
    """The parameters that the command line names; raises CannotRunError.

    `assignments` is a list as a shell would split it: `WebhookConcurrency=0 "AdminValue=the boss"`.
    """
    named = {"FrontendUrls": frontend, "AlertEmail": alert}
    values = {name: value for name, value in named.items() if value is not None}
    try:
        parts = shlex.split(assignments)
    except ValueError as error:
        raise CannotRunError(f"SET={assignments}: {error}") from error
    for part in parts:
        name, separator, value = part.partition("=")
        if not separator:
            raise CannotRunError(f"SET={part}: write NAME=VALUE")
        values[name] = value
    return values


def asked(names: Iterable[str], present: Mapping[str, str], template: Mapping[str, Any]) -> dict[str, str]:
    """Ask for each parameter on the terminal; an empty answer keeps the present value. Raises CannotRunError."""
    answers = {}
    for name in names:
        print(f"\n{name}: {_definition(name, template)['Description']}")
        try:
            answer = input(f"{name} [{present.get(name, '')}]: ").strip()
        except EOFError as error:
            raise CannotRunError(f"{name} is asked for, and there is no terminal: use SET={name}=…") from error
        if answer:
            answers[name] = answer
    return answers


def check(parameters: Mapping[str, str], named: Iterable[str], template: Mapping[str, Any]) -> None:
    """Raise CannotRunError unless CloudFormation would accept these parameters, and the named ones exist.

    The stack and the files may have others, of a newer or an older template: SAM passes none that this one lacks.
    """
    for name in named:
        _definition(name, template)
    try:
        Resolver({"Parameters": template["Parameters"]}, parameters, {})
    except TemplateError as error:
        hint = " (FRONTEND=https://…)" if "FrontendUrls" in str(error) else ""
        raise CannotRunError(f"{error}{hint}") from error


def refuse_faults(stage: str, parameters: Mapping[str, str]) -> None:
    """Raise CannotRunError for a drill's faults on a stage where money is real: by its name, and by its Stripe key.

    A function that has no Stripe key cannot know by itself whether money is real.
    """
    if not parameters.get("Chaos"):
        return
    prefix = parameters.get("SecretsPrefix", "")
    try:
        chaos.refuse_stage(stage, prefix)
    except ConfigurationError as error:
        raise CannotRunError(f"Chaos: {error.detail}") from error
    if "_live_" in deployed.stripe_key(prefix):
        raise CannotRunError(f"Chaos: {prefix}/STRIPE_SECRET_KEY is a live key: money is real on stage {stage}")


def _definition(name: str, template: Mapping[str, Any]) -> Mapping[str, Any]:
    if name not in template["Parameters"]:
        raise CannotRunError(f"template.yaml has no parameter {name}")
    definition: Mapping[str, Any] = template["Parameters"][name]
    return definition


def write(path: Path, parameters: Mapping[str, str]) -> None:
    """Replace the file. A JSON text is a TOML text, too."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in sorted(parameters.items())]
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD + "".join(lines), encoding="utf-8")
