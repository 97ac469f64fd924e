"""What every test may use: the plugins that report skips and bring up the real stack."""

pytest_plugins = ["tests.support.skips", "tests.support.stack"]
