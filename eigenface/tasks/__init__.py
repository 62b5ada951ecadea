"""Tasks by name. Every module here that holds a `TASK` is one: a new task is one new file."""

from __future__ import annotations

import functools
import pkgutil
from importlib import import_module

from eigenface.errors import RequestError
from eigenface.tasks.task import Task


@functools.cache
def tasks() -> dict[str, Task]:
    """All declared tasks by name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    declared = [module.TASK for module in modules if hasattr(module, "TASK")]
    return {task.name: task for task in sorted(declared, key=lambda task: task.name)}


def get_task(name: str) -> Task:
    """The task called `name`.

    Raises
    ------
    RequestError
        With code `unknown_task`.
    """
    known = tasks()
    if name not in known:
        raise RequestError("unknown_task", f"there is no task {name!r}", f"There are {', '.join(known)}.")
    return known[name]


def task_for(name: str, classes: tuple[str, ...] = ()) -> Task:
    """The declared task called `name`, or one for a folder of the user's own classes."""
    if name in tasks():
        return tasks()[name]
    from eigenface.tasks.own import own_task

    return own_task(name, classes)
