"""What is done again and again: also after it failed, and no more once it is stopped."""

import threading

from orchestrator.periodic import Periodic


def test_a_step_that_fails_is_tried_again_until_it_is_told_to_stop() -> None:
    done, enough = list[int](), threading.Event()

    def step() -> None:
        done.append(1)
        if len(done) == 3:
            enough.set()
        raise ConnectionError("it is away")

    periodic = Periodic("test", 0.001, step)
    periodic.start()
    assert enough.wait(10)
    periodic.stop()
    steps = len(done)
    assert steps >= 3
    assert "test" not in {thread.name for thread in threading.enumerate()}
