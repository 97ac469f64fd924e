"""The errors of the stack. Their messages are for the person at the terminal."""


class StackError(Exception):
    """The stack cannot do what the command asked. The message may have several lines."""


class SetupError(Exception):
    """Set-up cannot continue. The message says why and what to do."""
