"""Finds every stable code in the source: reasons of decisions, errors of protocol and agent, problems of the server."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import TypeAlias

from device_agent.errors import AgentError
from licensing_protocol.errors import InterlockError
from licensing_protocol.languages import Language
from licensing_server import problem

ROOT = Path(__file__).resolve().parent.parent.parent
_PROBLEMS = {name: kind for name, kind in vars(problem).items() if isinstance(kind, type)}
_NOT_FOUND = "not_found"
_WITH_SENTENCE = 2
_EXITS = {"Refused": "1", "Misused": "2", "Unreachable": "3", "ExtraMissing": "4", "Fault": "5"}
_Names: TypeAlias = dict[str, ast.expr]


@dataclass(frozen=True, slots=True, order=True)
class Code:
    """``kind`` is the class that carries it; ``sentence`` is what people read, with ``{…}`` for what varies."""

    code: str
    kind: str
    sentence: str


def reasons(tag: str = "en") -> list[Code]:
    """Return the reasons of decisions, by family, with their sentences in a language."""
    return sorted(Code(code, "", sentence) for code, sentence in Language.named(tag).sentences.items())


def error_tree() -> list[Code]:
    """Return the default code of every class of both error trees."""
    kinds = (*_family(InterlockError), *_family(AgentError))
    return sorted({Code(kind.default_code, kind.__name__, _first(kind)) for kind in kinds})


def protocol_codes() -> list[Code]:
    """Return the codes that the protocol's parsers give beyond their class's default."""
    return _merged(_calls("licensing_protocol", _keyword))


def agent_codes() -> list[Code]:
    """Return the codes that the agent gives beyond its classes' defaults."""
    return _merged(_calls("device_agent", _keyword))


def command_codes() -> list[Code]:
    """Return the codes with which the command lines themselves refuse; ``kind`` names the exit code."""
    return _merged(
        found for package in ("licensing_server/cli", "device_agent/cli") for found in _calls(package, _exit)
    )


def audit_codes() -> list[Code]:
    """Return the codes that the auditor's tools give; ``kind`` is the class, or the one that the protocol found."""
    return _merged(_calls("licensing_server/auditing", _keyword))


def problem_codes() -> list[Code]:
    """Return the codes with which the server refuses."""
    return _merged(_calls("licensing_server", _problem))


def status_of(kind: str) -> str:
    """Return the HTTP status of a problem's class."""
    return str(getattr(_PROBLEMS.get(kind), "status", ""))


def _family(kind: type[InterlockError] | type[AgentError]) -> Iterator[type[InterlockError] | type[AgentError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == kind.__module__:
            yield from _family(child)


def _first(kind: type) -> str:
    first = " ".join(cleandoc(kind.__doc__ or "").split("\n\n")[0].split())
    return re.sub(r":[a-z]+:", "", first)


def _merged(found: Iterable[Code]) -> list[Code]:
    """Return one row for each code and class, with every sentence that goes with it."""
    rows: dict[tuple[str, str], set[str]] = {}
    for code in found:
        rows.setdefault((code.code, code.kind), set()).update({code.sentence} - {""})
    return [Code(code, kind, " ".join(sorted(sentences))) for (code, kind), sentences in sorted(rows.items())]


def _calls(package: str, read: Callable[[ast.Call, _Names], Code | None]) -> Iterator[Code]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield from _within(ast.parse(path.read_text("utf-8")), {}, read)


def _within(node: ast.AST, names: _Names, read: Callable[[ast.Call, _Names], Code | None]) -> Iterator[Code]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        names = {
            target.id: found.value
            for found in ast.walk(node)
            if isinstance(found, ast.Assign)
            for target in found.targets
            if isinstance(target, ast.Name)
        }
    if isinstance(node, ast.Call) and (code := read(node, names)) is not None:
        yield code
    for child in ast.iter_child_nodes(node):
        yield from _within(child, names, read)


def _keyword(call: ast.Call, names: _Names) -> Code | None:
    code = next((keyword.value for keyword in call.keywords if keyword.arg == "code"), None)
    text = _text(code)
    return None if text is None else Code(text, _name(call.func), _sentence(call.args[0], names) if call.args else "")


def _problem(call: ast.Call, names: _Names) -> Code | None:
    name = _name(call.func)
    first = _text(call.args[0]) if call.args else None
    if first is None:
        return None
    if name == _NOT_FOUND:
        return Code(f"{first}.unknown", "NotFound", f"There is no {first.replace('_', ' ')} of this name.")
    if "." not in first or " " in first or len(call.args) < _WITH_SENTENCE:
        return None
    if name in _PROBLEMS:
        return Code(first, name, _sentence(call.args[1], names))
    # A leaf of the tree that gives its own code, as TokenReused does.
    return Code(first, "Forbidden", _sentence(call.args[1], names)) if name == "__init__" else None


def _exit(call: ast.Call, names: _Names) -> Code | None:
    exit_code = _EXITS.get(_name(call.func))
    first = _text(call.args[0]) if call.args else None
    if exit_code is None or first is None or len(call.args) < _WITH_SENTENCE:
        return None
    return Code(first, exit_code, _sentence(call.args[1], names))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _text(value: ast.expr | None) -> str | None:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _sentence(value: ast.expr, names: _Names) -> str:
    if isinstance(value, ast.Name):
        value = names.get(value.id, value)
    if isinstance(value, ast.JoinedStr):
        return "".join(_text(part) or "…" for part in value.values)
    return _text(value) or ""
