"""From py-spy's collapsed stacks to functions: what was on the CPU in it, and below it."""

from bench.profile import inclusive, own, read

COLLAPSED = [
    "main (app.py:3);serve (server.py:10);encode (json.py:7) 3",
    "main (app.py:3);serve (server.py:12);encode (json.py:9) 2",
    "main (app.py:3);serve (server.py:10);serve (server.py:10) 4",
    "wait (threading.py:1) 1",
]


def test_stacks_are_the_same_whatever_the_line() -> None:
    stacks = read(COLLAPSED)
    assert stacks["main (app.py)", "serve (server.py)", "encode (json.py)"] == 5
    assert stacks.total() == 10


def test_a_function_that_calls_itself_counts_once_a_sample() -> None:
    found = inclusive(read(COLLAPSED))
    assert found["main (app.py)"] == found["serve (server.py)"] == 9
    assert found["encode (json.py)"] == 5


def test_only_the_innermost_function_was_at_it_itself() -> None:
    found = own(read(COLLAPSED))
    assert found == {"encode (json.py)": 5, "serve (server.py)": 4, "wait (threading.py)": 1}
