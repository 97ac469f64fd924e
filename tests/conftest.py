"""What every test may use: reports of skips, what takes long built, stacks, a browser."""

pytest_plugins = [
    "tests.support.skips",
    "tests.support.prepare",
    "tests.support.stack",
    "tests.support.composed",
    "tests.support.browser",
]
