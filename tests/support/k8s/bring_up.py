"""Brings up a cluster with Dapr's control plane and the images of this checkout."""

from tests.support.k8s.cluster import Cluster
from tests.support.k8s.control_plane import install_dapr, install_names
from tests.support.k8s.images import load, make_images
from usher.stack.program import Report


def bring_up(cluster: Cluster, report: Report) -> None:
    """Start it anew. If that fails, stop it again, and leave its logs."""
    images = make_images(cluster.programs, report)
    cluster.start(report)
    try:
        load(cluster, images)
        cluster.wait_ready()
        install_names(cluster)
        install_dapr(cluster, report)
    except BaseException:
        cluster.stop(keep_logs=True)
        raise
