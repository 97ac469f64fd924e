"""The cluster's certificates, each of one authority, and the kubeconfigs that name them."""

import subprocess
from pathlib import Path

import yaml

from tests.support.k8s.layout import API, NODE, NODE_ADDRESS, SERVICE_ADDRESS, Layout

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "30")
_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
_ADDRESSES = (SERVICE_ADDRESS, NODE_ADDRESS, "127.0.0.1")
SUBJECTS = {
    "apiserver": "/CN=kube-apiserver",
    "admin": "/O=system:masters/CN=admin",
    "controller-manager": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "kubelet": f"/O=system:nodes/CN=system:node:{NODE}",
    "proxy": "/CN=system:kube-proxy",
}
_ALSO_KNOWN_AS = {
    "apiserver": [f"DNS:{name}" for name in _NAMES] + [f"IP:{one}" for one in _ADDRESSES],
    "kubelet": [f"DNS:{NODE}", f"IP:{NODE_ADDRESS}"],
}


def make_certificates(layout: Layout) -> None:
    """Write a new authority, a certificate and a kubeconfig for each of `SUBJECTS`."""
    folder = layout.pki
    folder.mkdir(parents=True)
    authority = ("-keyout", folder / "ca.key", "-out", folder / "ca.crt", "-subj", "/CN=usher")
    _openssl("req", "-x509", *_KEY, *authority)
    for name, subject in SUBJECTS.items():
        names = ",".join(_ALSO_KNOWN_AS.get(name, ()))
        _openssl(
            *("req", "-x509", "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", *_KEY),
            *("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt", "-subj", subject),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-addext", "keyUsage=digitalSignature,keyEncipherment"),
            *("-addext", "extendedKeyUsage=serverAuth,clientAuth"),
            *(("-addext", f"subjectAltName={names}") if names else ()),
        )
        layout.kubeconfig(name).write_text(yaml.safe_dump(_kubeconfig(folder, name)))
    _openssl("genrsa", "-out", folder / "accounts.key", "2048")
    _openssl("rsa", "-in", folder / "accounts.key", "-pubout", "-out", folder / "accounts.pub")


def _kubeconfig(folder: Path, name: str) -> dict[str, object]:
    keys = {
        "client-certificate": str(folder / f"{name}.crt"),
        "client-key": str(folder / f"{name}.key"),
    }
    server = {"server": API, "certificate-authority": str(folder / "ca.crt")}
    # The name is that of a Kind cluster, which Tilt takes for a local one.
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "kind-usher", "cluster": server}],
        "users": [{"name": name, "user": keys}],
        "contexts": [{"name": "kind-usher", "context": {"cluster": "kind-usher", "user": name}}],
        "current-context": "kind-usher",
    }


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60)
