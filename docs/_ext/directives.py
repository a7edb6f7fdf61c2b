"""The directives of this site: tables and pages that come from the code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs._ext import audit_commands, codes, commands, routes, settings


class Generated(SphinxDirective):
    """Parses Markdown that :meth:`markdown` returns as if it stood on the page."""

    def markdown(self) -> str:
        """Return what stands here."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse it, sections included."""
        source, _ = self.get_source_info()
        text = StringList(self.markdown().splitlines(), source)
        container = nodes.Element()
        container.document = self.state.document
        self.state.nested_parse(text, self.content_offset, container, match_titles=True)
        return container.children


class CommandLine(Generated):
    """``{command-line} module:application program``."""

    required_arguments = 2

    def markdown(self) -> str:
        """Return the reference of one program."""
        return commands.to_markdown(*self.arguments)


class AuditCommands(Generated):
    """``{audit-commands}``."""

    def markdown(self) -> str:
        """Return the reference of the auditor's commands."""
        return audit_commands.to_markdown()


class HttpRoutes(Generated):
    """``{http-routes}``."""

    def markdown(self) -> str:
        """Return all routes."""
        return routes.to_markdown()


class ServerSettings(Generated):
    """``{server-settings}``."""

    def markdown(self) -> str:
        """Return all settings."""
        return settings.to_markdown()


class Codes(Generated):
    """``{codes} reasons | reasons-de | reasons-fr | errors | protocol | problems | agent | commands | audit``."""

    required_arguments = 1

    def markdown(self) -> str:
        """Return one table."""
        return _TABLES[self.arguments[0]]()


def _reasons(tag: str) -> str:
    rows = ((found.code, found.sentence) for found in codes.reasons(tag))
    return _table(("code", "what the operator reads"), rows)


def _errors() -> str:
    rows = ((found.code, f"`{found.kind}`", found.sentence) for found in codes.error_tree())
    return _table(("default code", "class", "meaning"), rows)


def _protocol() -> str:
    rows = ((found.code, f"`{found.kind}`", found.sentence) for found in codes.protocol_codes())
    return _table(("code", "class", "sentence"), rows)


def _problems() -> str:
    rows = ((found.code, codes.status_of(found.kind), found.sentence) for found in codes.problem_codes())
    return _table(("code", "status", "sentence"), rows)


def _agent() -> str:
    rows = ((found.code, f"`{found.kind}`", found.sentence) for found in codes.agent_codes())
    return _table(("code", "class", "sentence"), rows)


def _commands() -> str:
    rows = ((found.code, found.kind, found.sentence) for found in codes.command_codes())
    return _table(("code", "exit code", "sentence"), rows)


def _audit() -> str:
    rows = ((found.code, f"`{found.kind}`", found.sentence) for found in codes.audit_codes())
    return _table(("code", "class", "sentence"), rows)


_TABLES: dict[str, Callable[[], str]] = {
    "reasons": lambda: _reasons("en"),
    "reasons-de": lambda: _reasons("de"),
    "reasons-fr": lambda: _reasons("fr"),
    "errors": _errors,
    "protocol": _protocol,
    "problems": _problems,
    "agent": _agent,
    "commands": _commands,
    "audit": _audit,
}


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for code, *rest in rows:
        cells = (cell.replace("``", "`").replace("|", "\\|") for cell in rest)
        lines.append(f"| `{code}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("command-line", CommandLine)
    app.add_directive("audit-commands", AuditCommands)
    app.add_directive("http-routes", HttpRoutes)
    app.add_directive("server-settings", ServerSettings)
    app.add_directive("codes", Codes)
    return {"version": "1", "parallel_read_safe": True}
