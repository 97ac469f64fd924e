"""A port that is taken is named before anything is started; the control socket is private."""

import os
import socket
from pathlib import Path

import pytest

from usher.stack.errors import StackError
from usher.stack.ports import refuse_ports_in_use
from usher.stack.settings import StackSettings
from usher.stack.spec import ProcessSpec
from usher.stack.stack import Stack
from usher.stack.unixsocket import make_private, socket_path

PORT = 27301 + 10 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SPECS = [ProcessSpec("redis", ("/no/such/program",), ports=("redis_port", "starter_port"))]


def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(data_dir=tmp_path, redis_port=PORT, starter_port=PORT + 1)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_a_port_in_use_is_named_with_its_holder_its_purpose_and_its_setting(
    tmp_path: Path, address: str
) -> None:
    v6 = ":" in address
    family = socket.AF_INET6 if v6 else socket.AF_INET
    with (
        socket.create_server((address, PORT), family=family, dualstack_ipv6=v6),
        pytest.raises(StackError) as refused,
    ):
        Stack(settings(tmp_path), SPECS).up(lambda _: None)
    message = str(refused.value)
    assert message.startswith(f"port {PORT} (")
    assert message.endswith("is in use, and Redis needs it: set USHER_REDIS_PORT to another port")


def test_a_port_on_which_a_connection_has_just_ended_is_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", PORT)) as server:
        client = socket.create_connection(("127.0.0.1", PORT))
        served, _ = server.accept()
        served.close()  # the server's side ends first: its port lingers in TIME_WAIT
        client.close()
    refuse_ports_in_use(settings(tmp_path), SPECS)


def test_the_socket_is_never_put_where_another_user_may_look(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(StackError, match="private folder"):
        make_private(tmp_path / "open")


def test_the_socket_of_a_long_data_folder_has_a_short_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/var/" + "long/" * 30)
    assert len(str(socket_path(Path("/home/" + "deep/" * 50)))) < 90
