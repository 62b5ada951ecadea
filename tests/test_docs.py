"""The documents name what exists, and their examples run."""

from __future__ import annotations

import doctest
import pkgutil
import re
import runpy
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

import eigenface
from eigenface.catalogue import catalogue
from eigenface.cli import COMMANDS
from eigenface.datasets.drawn import draw_photo
from eigenface.errors import MissingExtraError
from eigenface.tasks import tasks
from eigenface.webapp.app import create_app

ROOT = Path(__file__).parents[1]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_page_of_commands_is_what_help_says() -> None:
    maker = runpy.run_path(str(ROOT / "docs" / "make_commands.py"))
    assert read("docs/commands.md") == maker["text"](), "run: python docs/make_commands.py"


def test_every_command_task_model_and_route_is_documented() -> None:
    words = read("README.md") + read("docs/commands.md") + read("docs/rest.md") + read("pipelines/README.md")
    for name in [*COMMANDS, *tasks(), *(entry.name for entry in catalogue())]:
        assert name in words, name
    for rule in create_app().url_map.iter_rules():
        if rule.rule.startswith(("/api/v1", "/healthz", "/openapi")):
            assert re.sub(r"<(\w+)>", r"{\1}", rule.rule) in words, rule.rule
    for script in ("crop", "tune", "train_models", "report"):
        assert f"`{script}`" in words


def test_figures_in_the_readme_are_the_models_own() -> None:
    words = read("README.md")
    for entry in catalogue():
        row = entry.judged[0]
        assert f"| {row['data']}, {row['n']} | {row['accuracy']:.3f}" in words, (entry.name, row["data"])


def test_the_readmes_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(draw_photo(2, random_state=5)[0]).save(tmp_path / "photo.jpg", quality=95)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", read("README.md"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, {})
    assert capsys.readouterr().out


def test_links_inside_the_project_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("pipelines/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def modules() -> list[str]:
    return [
        found.name for found in pkgutil.walk_packages(eigenface.__path__, "eigenface.") if "__main__" not in found.name
    ]


@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings_run(name: str) -> None:
    try:
        module = import_module(name)
    except MissingExtraError as error:
        pytest.skip(str(error))
    assert module.__doc__, f"{name} says nothing of itself"
    assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0
