"""The node's programs: which run, and with which arguments."""

from pathlib import Path

from tests.support.k8s.layout import NODE, NODE_ADDRESS, SERVICES, Layout

Command = list[str]

STORE = "etcd"
RUNTIME = "containerd"
API_SERVER = "kube-apiserver"


def first_components(layout: Layout) -> dict[str, Command]:
    """Return the commands of what the API needs, and the API itself."""
    etcd, pki = "http://127.0.0.1:2379", layout.pki
    return {
        STORE: [
            *("etcd", "--data-dir", f"{layout.state}/etcd", "--unsafe-no-fsync"),
            *("--listen-client-urls", etcd, "--advertise-client-urls", etcd),
            *("--listen-peer-urls", "http://127.0.0.1:2380"),
        ],
        RUNTIME: ["containerd", "--config", f"{layout.config}/containerd.toml"],
        API_SERVER: [
            *("kube-apiserver", "--etcd-servers", etcd, "--allow-privileged"),
            *("--service-cluster-ip-range", SERVICES),
            *("--advertise-address", NODE_ADDRESS, "--secure-port", "6443"),
            *("--tls-cert-file", f"{pki}/apiserver.crt"),
            *("--tls-private-key-file", f"{pki}/apiserver.key"),
            *("--client-ca-file", f"{pki}/ca.crt"),
            *("--kubelet-certificate-authority", f"{pki}/ca.crt"),
            *("--kubelet-client-certificate", f"{pki}/admin.crt"),
            *("--kubelet-client-key", f"{pki}/admin.key"),
            *("--kubelet-preferred-address-types", "InternalIP"),
            *("--service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
            *("--service-account-key-file", f"{pki}/accounts.pub"),
            *("--service-account-signing-key-file", f"{pki}/accounts.key"),
            *("--authorization-mode", "Node,RBAC"),
            *("--enable-admission-plugins", "NodeRestriction"),
        ],
    }


def other_components(layout: Layout) -> dict[str, Command]:
    """Return the commands of everything that asks the API."""
    pki = layout.pki
    return {
        "kube-controller-manager": [
            *("kube-controller-manager", *_as_user(layout, "controller-manager")),
            *("--service-account-private-key-file", f"{pki}/accounts.key"),
            *("--root-ca-file", f"{pki}/ca.crt", "--use-service-account-credentials"),
            *("--cluster-signing-cert-file", f"{pki}/ca.crt"),
            *("--cluster-signing-key-file", f"{pki}/ca.key"),
        ],
        "kube-scheduler": ["kube-scheduler", *_as_user(layout, "scheduler")],
        "kubelet": [
            *("kubelet", "--config", f"{layout.config}/kubelet.yaml"),
            *("--kubeconfig", str(layout.kubeconfig("kubelet"))),
            *("--hostname-override", NODE, "--node-ip", NODE_ADDRESS),
            *("--root-dir", f"{layout.state}/kubelet", "--cert-dir", f"{layout.state}/kubelet/pki"),
        ],
        "kube-proxy": ["kube-proxy", "--config", f"{layout.config}/proxy.yaml"],
        # Its firewall alone: it makes network policies hold.
        "kube-router": [
            *("kube-router", "--run-firewall=true", "--run-router=false"),
            *("--run-service-proxy=false", "--run-loadbalancer=false", "--enable-cni=false"),
            *("--kubeconfig", str(layout.kubeconfig()), "--hostname-override", NODE),
            *("--service-cluster-ip-range", SERVICES),
        ],
    }


def environment(path: str) -> dict[str, str]:
    """Return the environment of every program: nothing of the user's own."""
    system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": f"{path}:{system}", "HOME": "/root", "LANG": "C.UTF-8"}


def log_of(layout: Layout, name: str) -> Path:
    return layout.logs / f"{name}.log"


def _as_user(layout: Layout, name: str) -> Command:
    kubeconfig = str(layout.kubeconfig(name))
    options = ("--kubeconfig", "--authentication-kubeconfig", "--authorization-kubeconfig")
    users = [word for option in options for word in (option, kubeconfig)]
    return [*users, "--leader-elect=false", "--bind-address", "127.0.0.1"]
