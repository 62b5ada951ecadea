"""The page on data says what is true: every kind, every rule, every known set; its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eigenface.datasets import load_dataset
from eigenface.datasets.about import ABOUT
from eigenface.datasets.annotation import RULES
from eigenface.datasets.classmap import AS_THEY_STAND, MASKS
from eigenface.datasets.loading import KINDS
from eigenface.datasets.sklearn_faces import SETS

PAGE = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The table below the row that begins with `heading`."""
    lines = PAGE[PAGE.index(f"| {heading} |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_kind_set_and_rule_stands_on_the_page() -> None:
    assert {row[0].strip(" `") for row in rows("kind")} == set(KINDS)
    for name, said in ABOUT.items():
        assert f"* `{name}`: {said}\n" in PAGE
    for name in SETS:
        assert f"`sklearn:{name}`" in PAGE
    table = {row[0].strip(" `"): row for row in rows("rule")}
    assert set(table) == set(RULES)
    for name, rule in RULES.items():
        said = [float(match[0]) if (match := re.match(r"[\d.]+", cell)) else 1.0 for cell in table[name][1:3]]
        assert said == [rule.scale, rule.up], name


def test_class_map_on_the_page_is_the_usual_one() -> None:
    lines = PAGE[PAGE.index("    name,class\n") :].split("\n\n")[0].splitlines()[1:]
    assert dict(line.strip().split(",") for line in lines) == MASKS.classes
    for name, label in AS_THEY_STAND.classes.items():
        assert f"`{name}` becomes `{label}`" in PAGE


def picture(path: Path, form: str = "PNG") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((40, 40), len(str(path)) % 256, np.uint8)).save(path, form)


FILES = {
    "folders": ("female/1.png", "male/1.png"),
    "utkface": ("25_0_1_20170109.png", "30_1_1_20170110.png"),
    "lfw": ("Ann_Lee/Ann_Lee_0001.png", "Bo/Bo_0001.png"),
    "orl": ("s1/1.pgm", "s2/1.pgm"),
    "yale": ("subject01.happy", "subject02.happy"),
}
TABLES = {
    "csv": ("labels.csv", "file,label\n1.png,a\n2.png,b\n"),
    "boxes": ("boxes.csv", "file,x,y,width,height,label\n1.png,1,1,30,30,a\n2.png,1,1,30,30,b\n"),
    "corners": (
        "any.csv",
        "name,x1,x2,y1,y2,classname\n1.png,1,1,30,30,face_with_mask\n2.png,1,1,30,30,face_no_mask\n",
    ),
}


@pytest.mark.parametrize("kind", [*FILES, *TABLES, "voc", "fer2013"])
def test_every_kind_has_the_labels_and_groups_that_the_page_says(kind: str, tmp_path: Path) -> None:
    for name in FILES.get(kind, ("1.png", "2.png")):
        picture(tmp_path / name, "PPM" if name.endswith("pgm") else "PNG")
    path = tmp_path
    if kind in TABLES:
        (tmp_path / TABLES[kind][0]).write_text(TABLES[kind][1])
    if kind == "voc":
        for number, name in (("1", "a"), ("2", "b")):
            box = "<xmin>1</xmin><ymin>1</ymin><xmax>30</xmax><ymax>30</ymax>"
            text = f"<annotation><object><name>{name}</name><bndbox>{box}</bndbox></object></annotation>"
            (tmp_path / f"{number}.xml").write_text(text)
    if kind == "fer2013":
        path = tmp_path / "faces.csv"
        path.write_text(
            "\n".join(["emotion,pixels,Usage", *(f"{i},{' '.join(['7'] * 2304)},Training" for i in (0, 3))])
        )
    dataset = load_dataset(path)
    assert [sample.name for sample in load_dataset(path, kind=kind).samples] == [s.name for s in dataset.samples]
    said = next(row for row in rows("kind") if row[0].strip(" `") == kind)
    labels, groups = (
        {
            "the sub-folder": ["female", "male"],
            "its column": ["a", "b"],
            "`<name>`": ["a", "b"],
            "by the class map": ["with_mask", "without_mask"],
            "the sex": ["male", "female"],
            "the person": None,
            "the emotion": ["angry", "happy"],
        }[said[2]],
        dataset.groups,
    )
    assert labels is None or dataset.labels.tolist() == labels
    if "the picture" in said[3]:
        assert groups is not None
        assert groups.tolist() == [sample.file for sample in dataset.samples]
    elif said[3] == "the person":
        assert groups is not None
        assert groups.tolist() == dataset.labels.tolist()
    else:
        assert groups is None


def test_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "12":
        picture(tmp_path / "scenes" / f"{name}.png")
    (tmp_path / "scenes" / "boxes.csv").write_text(TABLES["boxes"][1] + "2.png,1,1,9,9,b\n")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(block, {})
    assert "1 boxes have a side of under 20 pixels" in capsys.readouterr().out
