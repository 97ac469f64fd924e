"""The alerts that we ship speak of metrics that there are."""

import re
from pathlib import Path

import yaml

from orchestrator.metrics import Metrics

ALERTS = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yaml"


def test_each_alert_is_about_metrics_that_there_are() -> None:
    metrics = Metrics()
    metrics.dead_letters.labels("topic", "reason").inc()
    metrics.task_deaths.labels("task").inc()
    known = set(re.findall(r"^(usher_\w+)[ {]", metrics.text().decode(), re.MULTILINE))
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    assert group["rules"]
    for rule in group["rules"]:
        named = set(re.findall(r"usher_\w+", rule["expr"]))
        assert named
        assert named <= known, rule["alert"]
        assert rule["annotations"]["summary"]
