"""The command line: `eigenface COMMAND`. A command's module is imported when the command is called, not before."""

from __future__ import annotations

import difflib
import os
import sys
from importlib import import_module
from typing import Any

import click

from eigenface import __version__
from eigenface.errors import EigenfaceError

COMMANDS = {
    "predict": "Find faces in pictures and say what a task or model makes of each.",
    "detect": "Find faces in pictures: boxes and scores.",
    "crop": "Cut the faces out of pictures into files.",
    "blur": "Make the faces in pictures unrecognisable.",
    "video": "Follow the faces of a film: an annotated film and its timeline.",
    "watch": "Follow the faces of a camera: events, alerts.",
    "train": "Train a model on a folder of labelled faces.",
    "evaluate": "Judge a model on labelled pictures.",
    "tasks": "List the tasks and models that come with the package.",
    "compare": "Say whether two photos show the same person.",
    "enroll": "Add a person to a gallery.",
    "people": "Say who is enrolled in a gallery.",
    "forget": "Remove a person from a gallery.",
    "find": "Find the pictures of a folder that show the person of a photo.",
    "info": "Say what a model is, what it learned from and how often it is wrong.",
    "serve": "Serve the page and the REST API on this machine.",
    "completion": "Print shell completion for bash, zsh or fish.",
}
"""Commands and what `eigenface --help` says of each."""

REFUSED, STOPPED = 2, 130


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"eigenface.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(COMMANDS)}."
            raise click.UsageError(f"there is no command {args[0]!r}. {hint}") from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="eigenface")
def group() -> None:
    """Find faces in pictures and classify them, with classical machine learning only.

    Results go to stdout, everything else to stderr. Exit status: 0 all answered, 1 some pictures refused, 2 the
    request itself was wrong.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit status; users' mistakes end in one line."""
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # before numpy is imported: one small product is ten times slower with more
    try:
        done: Any = group.main(args=arguments, prog_name="eigenface", standalone_mode=False)
        sys.stdout.flush()
    except EigenfaceError as error:
        _leave(f"eigenface: {error}", REFUSED)
    except click.ClickException as error:
        _leave(f"eigenface: {_one_line(error)}", REFUSED)
    except (KeyboardInterrupt, click.Abort):
        _leave("eigenface: stopped.", STOPPED)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(done if isinstance(done, int) else 0)


def _one_line(error: click.ClickException) -> str:
    text = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    if context is not None:
        text += f" See {context.command_path} --help."
    return text


def _leave(line: str, status: int) -> None:
    click.echo(line, err=True)
    sys.exit(status)
