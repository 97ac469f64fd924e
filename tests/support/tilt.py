"""A stand-in for Tilt: runs a Tiltfile in real Starlark, answers and notes its calls.

It shows that the file is Starlark, calls functions that Tilt has with arguments they take, and what
it asks Tilt for. It starts, builds and deploys nothing, and knows no more of Tilt than is below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import starlark

PARAMETERS: Mapping[str, Sequence[str]] = {
    "decode_yaml_stream": ("yaml",),
    "docker_build": ("ref", "context", "build_args", "dockerfile", "ignore", "only", "target"),
    "k8s_context": (),
    "k8s_resource": ("workload", "new_name", "port_forwards", "resource_deps", "objects", "links"),
    "k8s_yaml": ("yaml", "allow_duplicates"),
    "kustomize": ("pathToDir", "kustomize_bin", "flags"),
    "local_resource": ("name", "cmd", "deps", "resource_deps", "env", "dir"),
    "port_forward": ("local_port", "container_port", "name", "link_path", "host"),
}
"""Of the functions that the Tiltfile uses: their parameters, in order, as Tilt documents them."""

Call = dict[str, Any]


@dataclass
class Tilt:
    """Tilt for one Tiltfile."""

    answers: Mapping[str, Any]
    """What a function returns, by its name: a value, or a function of the call. Else None."""

    def run(self, file: Path) -> dict[str, list[Call]]:
        """Run a Tiltfile and return the arguments of its calls, by function and in order."""
        calls: dict[str, list[Call]] = {name: [] for name in PARAMETERS}
        module = starlark.Module()
        for name, parameters in PARAMETERS.items():
            module.add_callable(name, self._stand_in(name, parameters, calls[name]))
        parsed = starlark.parse(file.name, file.read_text(), starlark.Dialect.extended())
        starlark.eval(module, parsed, starlark.Globals.standard())
        return calls

    def _stand_in(self, name: str, parameters: Sequence[str], noted: list[Call]) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            assert len(given) <= len(parameters), f"{name} takes {len(parameters)} arguments"
            arguments = dict(zip(parameters, given, strict=False))
            unknown, twice = set(named) - set(parameters), set(named) & set(arguments)
            assert not unknown, f"{name} does not know {sorted(unknown)}"
            assert not twice, f"{name} is given {sorted(twice)} twice"
            arguments |= named
            noted.append(arguments)
            answer = self.answers.get(name)
            return answer(arguments) if callable(answer) else answer

        return call
