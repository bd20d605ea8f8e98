"""The error of a command that cannot run, in its own module so that `--help` need not import the others."""


class CannotRunError(Exception):
    """The command cannot do its work; the message says in one line what is missing and what to do."""
