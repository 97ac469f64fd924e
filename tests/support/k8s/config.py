"""The configuration files of the node's programs, and the volumes that its pods may claim."""

import json
from pathlib import Path

import yaml

from tests.support.k8s.layout import CONTAINERD, NAMES_ADDRESS, NODE, PODS, VOLUMES, Layout

PAUSE = "registry.k8s.io/pause:3.10"


def write_config(layout: Layout) -> None:
    """Write all of them into `layout.config`."""
    layout.config.mkdir()
    for number in range(VOLUMES):
        volume = layout.volumes / str(number)
        volume.mkdir(parents=True)
        volume.chmod(0o777)
    cni = layout.config / "cni"
    cni.mkdir()
    (cni / "10-usher.conflist").write_text(json.dumps(_cni(layout.state / "ipam")))
    (layout.config / "resolv.conf").write_text("")
    (layout.config / "containerd.toml").write_text(_containerd(layout.state, cni))
    documents = {
        "kubelet": [_kubelet(layout)],
        "proxy": [_proxy(layout)],
        "storage": _storage(layout.volumes),
    }
    for name, texts in documents.items():
        (layout.config / f"{name}.yaml").write_text(yaml.safe_dump_all(texts))


def _cni(ipam: Path) -> dict[str, object]:
    address = {"type": "host-local", "dataDir": str(ipam), "ranges": [[{"subnet": PODS}]]}
    return {
        "cniVersion": "0.4.0",
        "name": "usher",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "ipam": {**address, "routes": [{"dst": "0.0.0.0/0"}]}},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _containerd(state: Path, cni: Path) -> str:
    """`restrict_oom_score_adj`: without CAP_SYS_RESOURCE, each sandbox would fail otherwise."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = "{state}/containerd"
state = "/run/containerd"
[grpc]
  address = "{CONTAINERD}"
[{cri}]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  max_container_log_line_size = 262144
[{cri}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{cni}"
[{cri}.containerd]
  snapshotter = "overlayfs"
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[{cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false
"""


def _kubelet(layout: Layout) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD}",
        "cgroupDriver": "cgroupfs",
        "failSwapOn": False,
        "clusterDomain": "cluster.local",
        "clusterDNS": [NAMES_ADDRESS],
        "resolvConf": str(layout.config / "resolv.conf"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(layout.pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(layout.pki / "kubelet.key"),
        # A machine that is nearly full still runs the tests.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
        },
        # Images are imported, and nothing would pull them again.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "port": 10250,
        "podLogsDir": str(layout.logs / "pods"),
        # At the default of a minute, volumes and restarts take far longer.
        "syncFrequency": "2s",
        # A container that a test kills again and again starts again at once.
        "featureGates": {"KubeletCrashLoopBackOffMax": True},
        "crashLoopBackOff": {"maxContainerRestartPeriod": "1s"},
    }


def _proxy(layout: Layout) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(layout.kubeconfig("proxy"))},
        "clusterCIDR": PODS,
        "hostnameOverride": NODE,
        # They are the machine's, and only the machine's own network may set them.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def _storage(volumes: Path) -> list[dict[str, object]]:
    """A default class that makes no volumes, and volumes for it."""
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    storage_class: dict[str, object] = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "local", "annotations": default},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    return [storage_class, *(_volume(volumes, number) for number in range(VOLUMES))]


def _volume(folder: Path, number: int) -> dict[str, object]:
    on_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"local-{number}"},
        "spec": {
            "storageClassName": "local",
            "capacity": {"storage": "16Gi"},
            "accessModes": ["ReadWriteOnce"],
            "local": {"path": str(folder / str(number))},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on_node]}]}},
        },
    }
