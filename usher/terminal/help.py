"""Words that several commands' help shares."""

# The mark that keeps the lines after it as they are, where help is folded otherwise.
AS_IT_IS = "\b\n"

EXIT_CODES = f"""{AS_IT_IS}\
Exit codes:
  0  done
  1  it went wrong
  2  wrong usage, or input that cannot be sent
  3  a service cannot be reached
  4  there is no such thing
  5  the service refused it"""


def examples(*lines: str) -> str:
    """An epilog with one example a line."""
    return AS_IT_IS + "\n".join(["Examples:", *(f"  {line}" for line in lines)])
