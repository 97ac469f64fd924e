"""Why a process does not start: its own words, once, and nothing that is not the cause."""

from pathlib import Path

import pytest

from usher.stack.cause import why
from usher.stack.components import refuse_unfit_components
from usher.stack.errors import StackError

DAPRD = """\
time="t" level=info msg="Starting Dapr Runtime" scope=dapr.runtime
time="t" level=error msg="one of several" scope=dapr.runtime
time="t" level=fatal msg="Fatal error from runtime: no such \\"store\\"" scope=dapr.runtime
"""
TRACEBACK = """\
2030-01-01 [info] at work
Traceback (most recent call last):
  File "x.py", line 1, in <module>
    raise Unfit
orchestrator.Unfit: not started:
components/pubsub.yaml: no component 'pubsub'

ERROR:    Application startup failed. Exiting.
"""
WORKFLOWS = "the workflows cannot be served:\nmine.py:3: cannot be imported: SyntaxError\n"
REDIS = """\
*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***
Reading the configuration file, at line 9
>>> 'maxmemry "3"'
Bad directive or wrong number of arguments
"""


@pytest.mark.parametrize(
    ("printed", "cause"),
    [
        (DAPRD, 'Fatal error from runtime: no such "store"'),
        (
            TRACEBACK,
            "orchestrator.Unfit: not started:\ncomponents/pubsub.yaml: no component 'pubsub'",
        ),
        (WORKFLOWS, WORKFLOWS.strip()),
        (REDIS, REDIS.strip()),
        (
            "7:M t # Could not create server TCP socket: Address in use\n",
            "Could not create server TCP socket: Address in use",
        ),
        ("", ""),
    ],
)
@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_the_cause_is_told_once_however_often_it_was_tried(
    tmp_path: Path, printed: str, cause: str, attempts: int
) -> None:
    log = tmp_path / "log"
    log.write_text("ValueError: of another day\n")
    since = log.stat().st_size
    with log.open("a") as more:
        more.write(printed * attempts)
    assert why(log, since) == cause


def test_a_component_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("kind: Component\n")
    refuse_unfit_components(tmp_path)
    (tmp_path / "pubsub.yaml").write_text("spec: [\n")
    with pytest.raises(StackError, match=r"pubsub\.yaml: no YAML.*line 2.*correct it"):
        refuse_unfit_components(tmp_path)
    with pytest.raises(StackError, match="USHER_COMPONENTS_DIR"):
        refuse_unfit_components(tmp_path / "nowhere")
