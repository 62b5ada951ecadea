"""The house has floors: imports run downwards only, and answering loads nothing that learning needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from eigenface.datasets.drawn import draw_photo
from eigenface.image import PictureSource  # noqa: F401  # the type is part of the public surface

ROOT = Path(__file__).parents[1]

FLOORS = (
    ("errors", "types", "limits", "durations", "progress"),
    ("vision", "threads", "compact", "linear", "engine", "stored"),
    ("image", "crops", "augment", "bundle", "journal", "review", "features"),
    ("facespace", "detection"),
    ("locating",),
    ("operations",),
    ("program",),
    ("model", "estimator"),
    ("recognise", "pickled", "annotate", "blur", "embedding"),
    ("people", "likeness"),
    ("register",),
    ("gallery",),
    ("store",),
    ("catalogue",),
    ("api",),
    ("video",),
)
"""Answering, from the ground up: a module imports from its own floor and from those below."""

LEARNING = frozenset({"sklearn", "scipy", "skops", "joblib", "matplotlib"})
LATE = {"estimator": {"skops"}, "pickled": {"joblib", "sklearn"}, "store": {"joblib"}}
"""What a module of the upper half may import inside a function, when somebody asks for it."""


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imports(path: Path, *, top_only: bool) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    nodes = [n for n in (tree.body if top_only else ast.walk(tree)) if id(n) not in guarded]
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def floor_of(name: str) -> int | None:
    return next((number for number, floor in enumerate(FLOORS) if name in floor), None)


@pytest.mark.parametrize("name", [name for floor in FLOORS for name in floor])
def test_answering_imports_downwards_and_nothing_that_learns(name: str) -> None:
    folder = ROOT / "eigenface" / name
    paths = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    mine = floor_of(name)
    assert mine is not None
    for path in paths:
        for module in imports(path, top_only=True):
            assert module.split(".")[0] not in LEARNING, f"{path} imports {module}"
            if module.startswith("eigenface."):
                other = floor_of(module.split(".")[1])
                assert other is not None, f"{path} imports {module}, which is not of the answering half"
                assert other <= mine, f"{path} imports {module} from a floor above"
        late = {module.split(".")[0] for module in imports(path, top_only=False)} & LEARNING
        assert late <= LATE.get(name, set()), f"{path} imports {late} inside a function"


def test_packages_are_named_in_full_and_opencv_is_imported_in_one_place() -> None:
    for path in modules("eigenface", "pipelines", "webapp", "tests"):
        for module in imports(path, top_only=False):
            assert module.split(".")[0] not in ("webapp", "pipelines"), f"{path}: import eigenface.{module} instead"
            if module.split(".")[0] == "cv2":
                assert path.name == "vision.py", f"{path} imports cv2"


def test_modules_stay_short() -> None:
    for path in modules("eigenface", "pipelines", "webapp"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 400, f"{path}: {lines} lines; split it by noun"


def loaded_after(code: str, *arguments: str) -> set[str]:
    show = "\nimport sys; sys.stderr.write('\\n'.join(sorted(m for m in sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code + show, *arguments], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stderr.splitlines()}


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_after("import eigenface")
    assert not loaded & (LEARNING | {"numpy", "cv2", "PIL", "click", "rich", "flask"})


def test_help_loads_nothing_heavy() -> None:
    code = "from eigenface.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert not loaded_after(code) & (LEARNING | {"numpy", "cv2", "PIL", "rich", "flask"})


@pytest.mark.parametrize("command", [["predict", "--json"], ["detect", "--json"], ["predict", "--annotate", "out"]])
def test_answering_loads_nothing_that_learning_needs(command: list[str], tmp_path: Path) -> None:
    from PIL import Image

    photo = tmp_path / "photo.png"
    Image.fromarray(draw_photo()[0]).save(photo)
    command = [word if word != "out" else str(tmp_path / "out") for word in command]
    code = (
        "import sys\nfrom eigenface.cli import main\ntry: main(sys.argv[1:])\nexcept SystemExit as e: assert not e.code"
    )
    assert not loaded_after(code, command[0], str(photo), *command[1:]) & (LEARNING | {"rich", "flask"})


def test_serving_loads_nothing_that_learning_needs() -> None:
    code = "from eigenface.webapp.app import create_app\nassert create_app().test_client().get('/').status_code == 200"
    assert not loaded_after(code) & LEARNING
