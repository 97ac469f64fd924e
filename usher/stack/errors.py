"""The errors of the stack, for whoever typed the command."""


class StackError(Exception):
    """The stack cannot do as asked. The message is for people; it may have several lines."""


class SetupError(Exception):
    """Set-up cannot go on. The message says why and what to do, to the person at the terminal."""
