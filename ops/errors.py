"""Why a command cannot run. In a module of its own, so that `--help` imports nothing else."""


class CannotRunError(Exception):
    """The command cannot do its work; the message says in one line what is missing and what to do."""
