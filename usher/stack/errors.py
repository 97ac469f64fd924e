"""The one error of the stack, for whoever typed the command."""


class StackError(Exception):
    """The stack cannot do as asked. The message is for people; it may have several lines."""
