"""For `make test-k8s` alone: their cluster takes a minute, and most of a machine."""

from tests.support.stack import ON_KUBERNETES

collect_ignore_glob = [] if ON_KUBERNETES else ["test_*.py"]
