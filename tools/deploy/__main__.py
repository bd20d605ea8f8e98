"""`make deploy STAGE=staging FRONTEND=https://shop.example ALERT=you@shop.example`: build a stage and deploy it.

What the command line says is kept in .deploy/STAGE.toml, so that the next deployment needs only the stage. SAM joins
that file with the stage's parameters in samconfig.toml; what neither file names keeps its value in the stack.

In an unpacked release (`make release`) samconfig.toml names the template beside its code, and nothing is built.
"""

import argparse
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

from local import ROOT
from local.aws.intrinsics import read_yaml
from ops import region, stages, target
from ops.errors import CannotRunError
from tools.deploy import answers, build, release, stack

AT_ONCE = {"GradualDeployment": "false"}  # how this deployment is made; the next one is made as before


def deploy(options: Namespace, root: Path) -> int:
    """SAM's exit code; raises CannotRunError."""
    stage = stages.find(options.stage, root)
    template = read_yaml(root / "template.yaml")
    present = target.parameters_of(stage.stack)
    named = answers.given(options.frontend, options.alert, options.set)
    named |= answers.asked(options.ask, {**(present or {}), **stage.parameters, **named}, template)
    wanted = stage.parameters | named
    answers.check({**(present or {}), **wanted}, named, template)
    answers.refuse_faults(stage.name, {**(present or {}), **wanted})
    if present is not None and not options.accept:
        stack.refuse(stage.stack, stack.unasked(present, wanted, {*named, *AT_ONCE}))

    defaults = {name: str(body.get("Default", "")) for name, body in template["Parameters"].items()}
    architecture = {**defaults, **(present or {}), **wanted}["Architecture"]
    if stage.template == root / "template.yaml":
        release.check()
    elif not options.built:
        build.build(root, architecture)
    build.check(stage.template, architecture)
    kept = stages.read_answers(stage.answers)
    try:
        answers.write(stage.answers, kept | named | (AT_ONCE if options.at_once else {}))
        return sam_deploy(stage.name, root, architecture, is_preview=options.preview)
    finally:
        answers.write(stage.answers, kept if options.preview else kept | named)


def sam_deploy(stage: str, root: Path, architecture: str, *, is_preview: bool) -> int:
    """Deploy the build as samconfig.toml says; a preview makes and shows the change set, and leaves it at that."""
    how = "--no-execute-changeset" if is_preview else "--no-confirm-changeset"
    command = [str(build.SAM), "deploy", "--config-env", stage, how]
    return subprocess.run(command, cwd=root, env=build.environment(architecture), check=False).returncode


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="make deploy", description="Build a stage and deploy it.", allow_abbrev=False)
    made.add_argument("--stage", required=True, help="a stage of samconfig.toml, such as staging")
    made.add_argument("--frontend", help="origins of your pages, comma-separated (the parameter FrontendUrls)")
    made.add_argument("--alert", help="who gets the alarms by e-mail (the parameter AlertEmail)")
    made.add_argument("--set", default="", help="other parameters: 'WebhookConcurrency=0 LogLevel=DEBUG'")
    made.add_argument("--ask", nargs="*", default=[], help="parameters to ask for on the terminal")
    made.add_argument("--accept", action="store_true", help="change the stack to what the files say, everywhere")
    made.add_argument("--built", action="store_true", help="deploy the build that is there")
    made.add_argument("--at-once", action="store_true", help="give the new version all requests at once")
    made.add_argument("--preview", action="store_true", help="only show what would change")
    return made


def main(arguments: list[str], root: Path = ROOT) -> int:
    options = parser().parse_args(arguments)
    try:
        return deploy(options, root)
    except CannotRunError as error:
        print(f"cannot deploy: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 1


if __name__ == "__main__":
    region.as_the_cli_reads_it()
    sys.exit(main(sys.argv[1:]))
