"""Texts for the help of several commands."""

# Click does not fold the lines after this mark.
UNFOLDED = "\b\n"

EXIT_CODES = f"""{UNFOLDED}\
Exit codes:
  0  done
  1  it failed
  2  wrong usage, or input that cannot be sent
  3  a service, its sidecar or the broker did not answer
  4  nothing has this name or id
  5  the service refused it
  6  `publish --wait`: the run failed
  7  `publish --wait`: the run was terminated
  8  `publish --wait`: the run has not ended in time"""


def examples(*lines: str) -> str:
    """Return an epilog with one example on each line."""
    return UNFOLDED + "\n".join(["Examples:", *(f"  {line}" for line in lines)])
