"""What the notifier does again and again: also after it failed, and no more once it is stopped."""

import threading

from notifier.periodic import Periodic


def test_a_step_that_fails_is_tried_again_until_it_is_told_to_stop() -> None:
    done, enough = list[int](), threading.Event()

    def step() -> None:
        done.append(1)
        if len(done) == 3:
            enough.set()
        raise ConnectionError("it is away")

    periodic = Periodic("a step of the notifier", 0.001, step)
    periodic.start()
    assert enough.wait(10)
    periodic.stop()
    assert "a step of the notifier" not in {thread.name for thread in threading.enumerate()}
