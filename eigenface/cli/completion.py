"""`eigenface completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a SHELL; bash: `eval "$(eigenface completion bash)"`."""
    from eigenface.cli import group

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(group, {}, "eigenface", "_EIGENFACE_COMPLETE").source())
