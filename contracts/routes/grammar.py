"""The part of CEL that routes may use, and the paths into an event that an expression reads.

The engine has no limit on the work of one evaluation. So an expression may not contain what costs
more than its data: `map` and `filter` (which the engine builds by copying), comprehensions inside
others, patterns from data, and more than `MAX_READS` reads of data, which could all be copied.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

MAX_BYTES = 1024
MAX_READS = 32
ROOTS = ("event", "data", "subject")
MACROS = frozenset(("all", "exists", "exists_one"))
_OF_TEXT = ("contains", "startsWith", "endsWith", "matches")
_CONVERSIONS = ("string", "int", "double", "timestamp", "duration")
FUNCTIONS = frozenset(("has", "size", *_OF_TEXT, *_CONVERSIONS))
_OF_OTHER_LANGUAGES = {"and": "&&", "or": "||", "not": "!", "=": "==", "&": "&&", "|": "||"}
_OF_OTHER_LANGUAGES |= {"True": "true", "False": "false", "None": "null"}
_LITERALS = frozenset(("true", "false", "null", "in"))
_TOKEN = re.compile(
    r"""(?P<string>[bB]?[rR](?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
    |[bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)|(?P<blank>\s+|//[^\n]*)|(?P<operator>[=!<>]=|&&|\|\|)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_SIMPLE = re.compile(r"""(["'])([^"'\\]*)\1""")
"""A string without prefix and escapes. Only such a string can be a step of a path."""

Path = tuple[str, ...]
Tree = dict[str, "Tree"]
"""Steps of paths; an empty one stands for all that is there."""


@dataclass(frozen=True)
class Reads:
    """What an expression reads of an event."""

    paths: frozenset[Path]
    """Paths from a root, such as `("data", "order", "id")`."""
    single: frozenset[Path]
    """Those inside a comprehension. They must be single values, or the work would be quadratic."""
    only: Path | None
    """The path, if the expression is nothing else."""

    @cached_property
    def data(self) -> bool:
        """Whether the data of the event is read."""
        return any(p[0] == "data" or p[:2] in (("event",), ("event", "data")) for p in self.paths)

    @cached_property
    def tree(self) -> Tree:
        """The paths as a tree, in which a path ends what longer ones would read of it."""
        tree: Tree = {}
        for path in sorted(self.paths, key=len, reverse=True):
            *above, last = path
            inside = tree
            for step in above:
                inside = inside.setdefault(step, {})
            inside[last] = {}
        return tree


class _Scan:
    """One pass over the tokens of an expression."""

    def __init__(self, text: str) -> None:
        found = [(m.lastgroup or "", m[0]) for m in _TOKEN.finditer(text)]
        self._tokens = [token for token in found if token[0] != "blank"]
        self._paths: set[Path] = set()
        self._single: set[Path] = set()
        self._reads = 0
        self._open: list[str | None] = []
        """For each open parenthesis, the variable of its comprehension, if it is one's."""

    def reads(self) -> Reads:
        """Return what is read; raise `ValueError` for what routes may not use."""
        at = 0
        while at < len(self._tokens):
            at = self._token(at)
        only = next(iter(self._paths)) if len(self._paths) == 1 else None
        whole = only and self._path(0) == (only, len(self._tokens))
        return Reads(frozenset(self._paths), frozenset(self._single), only if whole else None)

    def _text(self, at: int) -> str:
        return self._tokens[at][1] if 0 <= at < len(self._tokens) else ""

    def _token(self, at: int) -> int:
        kind, text = self._tokens[at]
        if text in _OF_OTHER_LANGUAGES and self._text(at - 1) != ".":
            raise ValueError(f"`{text}` is not CEL; write `{_OF_OTHER_LANGUAGES[text]}`")
        if text == "(":
            self._open.append(None)
        elif text == ")" and self._open:
            self._open.pop()
        elif kind == "name" and self._text(at + 1) == "(":
            return self._call(at)
        elif kind == "name" and self._text(at - 1) != "." and text not in _LITERALS:
            return self._variable(at)
        return at + 1

    def _call(self, at: int) -> int:
        name, is_method = self._text(at), self._text(at - 1) == "."
        if name in MACROS and is_method:
            if any(self._open):
                raise ValueError(f"`{name}` inside another comprehension; use one for each `&&`")
            if self._text(at + 2) in ROOTS:
                raise ValueError(f"`{self._text(at + 2)}` cannot be the variable of `{name}`")
            self._open.append(self._text(at + 2))
            return at + 4  # ( variable ,
        if name in ("map", "filter"):
            raise ValueError(f"`{name}` is not available; shape lists in the workflow")
        if name not in FUNCTIONS:
            raise ValueError(unknown(f"function `{name}`", name, FUNCTIONS | MACROS))
        literal = self._tokens[at + 2][0] == "string" if at + 2 < len(self._tokens) else False
        if name == "matches" and not (is_method and literal and self._text(at + 3) == ")"):
            raise ValueError("write the pattern as a string: `data.name.matches('^A')`")
        return at + 1

    def _variable(self, at: int) -> int:
        name = self._text(at)
        self._reads += 1
        if self._reads > MAX_READS:
            raise ValueError(f"reads data more than {MAX_READS} times")
        if name in self._open:
            return at + 1
        if name not in ROOTS:
            raise ValueError(unknown(f"name `{name}`", name, ROOTS))
        path, after = self._path(at)
        self._paths.add(path)
        if any(self._open):
            self._single.add(path)
        return after

    def _path(self, at: int) -> tuple[Path, int]:
        """Return the path that begins at a token, and where it ends."""
        path, at = [self._text(at)], at + 1
        while True:
            mark, kind = self._text(at), self._tokens[at + 1][0] if self._text(at + 1) else ""
            quoted = _SIMPLE.fullmatch(self._text(at + 1))
            if mark == "." and kind == "name" and self._text(at + 2) != "(":
                path, at = [*path, self._text(at + 1)], at + 2
            elif mark == "[" and quoted and self._text(at + 2) == "]":
                path, at = [*path, quoted[2]], at + 3
            else:
                return tuple(path), at


def unknown(what: str, name: str, known: "frozenset[str] | tuple[str, ...]") -> str:
    """Return a message for a name that does not exist, with the nearest that does."""
    near = get_close_matches(name, sorted(known), 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
    return f"there is no {what}; {hint}"


def read(text: str) -> Reads:
    """Return what an expression reads. Raises `ValueError` for what routes may not use."""
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"an expression has at most {MAX_BYTES:,} bytes")
    return _Scan(text).reads()
