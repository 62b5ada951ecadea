"""Writes docs/commands.md from the command line's own help: `python docs/make_commands.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from click import Context
from click.formatting import HelpFormatter

from eigenface.cli import COMMANDS, group

_INTRODUCTION = """# Commands

Results go to stdout, everything else to stderr. Exit status: 0 all answered, 1 some pictures refused and the rest
answered, 2 the request itself was wrong (one line says what, where and what to do). This page is made from
`eigenface COMMAND --help`.
"""


def text() -> str:
    """The page."""
    parts = [_INTRODUCTION]
    top = Context(group, info_name="eigenface", terminal_width=100, max_content_width=100, **group.context_settings)
    for name in COMMANDS:
        command = group.get_command(top, name)
        assert command is not None
        context = Context(command, info_name=name, parent=top, terminal_width=100, max_content_width=100)
        formatter = HelpFormatter(width=100)
        command.format_help(context, formatter)
        parts.append(f"## {name}\n\n```text\n{formatter.getvalue().rstrip()}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("commands.md")).write_text(
        text(), encoding="utf-8"
    )
