"""HTTP connections of the command line: to this machine directly, elsewhere by the user's proxy."""

import urllib.request
from collections.abc import Collection

import httpx

# A publish waits for the broker's acknowledgement, a status for the workflow engine.
TIMEOUT = httpx.Timeout(30.0, connect=5.0)


def new_http_client(direct: Collection[str]) -> httpx.Client:
    """An HTTP client that reaches the hosts in `direct` directly, all others as HTTP_PROXY says.

    A proxy that cannot be used is told where a request would need it, as `httpx.ProxyError`.
    """
    mounts: dict[str, httpx.BaseTransport | None] = {}
    mounts |= {f"all://{_bracketed(host)}": None for host in sorted(direct)}
    try:
        return httpx.Client(timeout=TIMEOUT, mounts=mounts)
    except (ImportError, ValueError, httpx.InvalidURL) as unusable:
        mounts |= {"all://": _WithoutProxy(unusable)}
        return httpx.Client(timeout=TIMEOUT, mounts=mounts, trust_env=False)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _WithoutProxy(httpx.HTTPTransport):
    """Stands in for proxies of the environment that httpx cannot use; NO_PROXY holds all the same.

    httpx refuses to make any client then, also one that would never ask a proxy.
    """

    def __init__(self, why: Exception) -> None:
        super().__init__()
        self._why = why

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        proxies = urllib.request.getproxies()
        if not urllib.request.proxy_bypass(request.url.host) and (
            proxy := proxies.get(request.url.scheme, proxies.get("all"))
        ):
            raise httpx.ProxyError(_advice(proxy, self._why), request=request)
        return super().handle_request(request)


def _advice(proxy: str, why: Exception) -> str:
    shown = httpx.URL(proxy).copy_with(userinfo=b"") if _readable(proxy) else proxy
    if isinstance(why, ImportError):
        return (
            f"The environment names the proxy {shown}, and SOCKS is not supported here. "
            "Install `httpx[socks]`, name an HTTP proxy in HTTPS_PROXY and HTTP_PROXY, "
            "or put the host into NO_PROXY"
        )
    return f"The environment names the proxy {shown}, which cannot be used: {why}"


def _readable(proxy: str) -> bool:
    try:
        httpx.URL(proxy)
    except httpx.InvalidURL:
        return False
    return True
