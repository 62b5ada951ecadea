"""The report as page, text and files: with everything, with next to nothing, and with nothing from outside."""

from __future__ import annotations

import base64
import itertools
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from eigenface.errors import DataError
from eigenface.report.build import write_report
from eigenface.report.content import ReportContent
from eigenface.report.eigenspace import Eigenfaces
from eigenface.report.gallery import plates
from eigenface.report.metrics import score
from eigenface.report.models import ModelRow
from eigenface.report.page import draw_plates, render_page
from eigenface.report.tables import class_table, confusion_table, score_table
from eigenface.report.text import report_text, scores_text, table_text, width_of

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """What a reader's browser would find: elements, nesting, text, attributes."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.words, self.crossed = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def scores_of(classes, n=200, strength=2.0, **options):
    rng = np.random.default_rng(len(classes))
    truth = rng.integers(0, len(classes), n)
    logits = rng.normal(size=(n, len(classes)))
    logits[np.arange(n), truth] += strength
    given = np.exp(logits)
    given /= given.sum(axis=1, keepdims=True)
    return score(np.array(classes)[truth], given, classes, n_boot=50, **options)


@pytest.fixture(scope="module")
def full():
    rng = np.random.default_rng(0)
    classes = ["female", "male"]
    scores = scores_of(
        classes, groups=np.arange(200) // 2, baseline="majority", by={"age": rng.choice([10, 40, 70], 200)}
    )
    components = np.linalg.qr(rng.normal(size=(16 * 12, 5)))[0].T
    space = Eigenfaces(
        rng.random(192), components, np.array([0.5, 0.3, 0.1, 0.05, 0.02]), (16, 12), rng.random((2, 192))
    )
    from eigenface.report.tuning import LearningCurve

    return ReportContent(
        title="Gender on drawn faces",
        task="gender",
        classes=classes,
        data={"source": "drawn <here>", "pictures": np.int64(200), "split": "by person"},
        scores=scores,
        sizes=rng.integers(40, 200, (50, 2)),
        smallest=60,
        crops=[rng.integers(0, 255, (20, 20, 3), dtype=np.uint8) for _ in range(4)],
        crop_labels=["female", "female", "male", "male"],
        eigenfaces=space,
        learning=LearningCurve(np.array([10, 100]), rng.random((2, 3)), rng.random((2, 3))),
        cv_results={"param_C": [1, 10], "mean_test_score": np.array([0.7, 0.8])},
        models=[ModelRow("forest", scores_of(classes, strength=1), 1.5, 0.2), ModelRow("SVC", scores, 3.25, 0.8, 1.25)],
        notes=["Children are judged worse.", "Second note."],
    )


@pytest.fixture(scope="module")
def written(full, tmp_path_factory):
    return write_report(tmp_path_factory.mktemp("reports") / "new" / "gender", full)


@pytest.fixture(scope="module")
def page(written):
    return Page(written["html"].read_text(encoding="utf-8"))


def test_all_files_are_written_and_nothing_else(full, written):
    folder = written["html"].parent
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    names = [plate.name for plate in plates(full)]
    assert found == sorted(["report.html", "report.json", "report.txt", *(f"figures/{name}.png" for name in names)])
    assert len(names) == 15
    assert all(written[f"figures/{name}"].read_bytes()[:4] == b"\x89PNG" for name in names)


def test_page_is_well_formed_and_loads_nothing(page, written):
    assert not page.crossed
    assert not page.open
    html = written["html"].read_text(encoding="utf-8")
    assert not page.all("script")
    assert not page.all("link")
    assert not re.search(r"https?:|@import|url\(|\son\w+=", html)
    assert all(attrs["href"].startswith("#") for attrs in page.all("a"))
    assert len(page.all("html")) == len(page.all("title")) == len(page.all("h1")) == len(page.all("main")) == 1
    assert page.all("html")[0]["lang"] == "en"
    assert any(attrs.get("name") == "viewport" for attrs in page.all("meta"))


def test_figures_are_inside_the_page_with_words_for_those_who_cannot_see(page, written):
    images = page.all("img")
    assert len(images) == 15
    for attrs in images:
        assert len(attrs["alt"]) > 25
        assert attrs["alt"].endswith(".")
        kind, data = attrs["src"].split(",", 1)
        assert kind == "data:image/png;base64"
        assert int(attrs["height"]) > 50
        assert base64.b64decode(data)[:4] == b"\x89PNG"
    assert len({attrs["alt"] for attrs in images}) == 15


def test_links_lead_to_parts_and_every_table_has_caption_and_heads(page):
    marks = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(marks) == len(set(marks))
    targets = [attrs["href"][1:] for attrs in page.all("a")]
    assert targets == ["summary", "before", "after", "models-compared", "notes"]
    assert set(targets) <= set(marks)
    assert len(page.all("caption")) == len(page.all("table")) >= 7
    assert all("scope" in attrs for attrs in page.all("th"))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_page_states_the_figures(page, full):
    scores = full.scores
    assert f"{scores.accuracy.value * 100:.1f} %" in page.text
    assert scores.accuracy.interval in page.text
    assert scores.gains["accuracy"].interval in page.text
    assert "50 resamples of 100 groups" in page.text
    assert "age: 40" in page.text
    assert "drawn <here>" in page.text  # escaped in the source
    assert "Children are judged worse." in page.text


def test_json_holds_the_figures_strictly(written, full):
    def refuse(text):
        raise AssertionError(text)

    found = json.loads(written["json"].read_text(encoding="utf-8"), parse_constant=refuse)
    assert found["scores"]["accuracy"]["value"] == full.scores.accuracy.value
    assert found["baseline"]["name"] == "the most common class"
    assert found["data"]["pictures"] == 200
    assert [row["name"] for row in found["models"]] == ["forest", "SVC"]
    assert found["eigenfaces"]["needed"] == {"0.8": 2, "0.9": 3, "0.95": 4}
    assert found["grid_search"]["best"] == [[0.7, 0.8]]
    assert found["sizes"]["n"] == 50
    folder = written["json"].parent
    assert all((folder / name).is_file() for name in found["figures"])


def test_text_is_aligned_and_narrow(written, full):
    text = written["text"].read_text(encoding="utf-8")
    lines = text.split("\n")
    assert max(map(width_of, lines)) <= 100
    assert "\x1b" not in text
    for title in ("SCORES", "CLASSES", "CONFUSION MATRIX", "FOR WHOM IT IS WRONG", "MODELS COMPARED", "NOTES"):
        assert title in lines
    start = lines.index("MODELS COMPARED")
    block = [line for line in lines[start + 3 : start + 8] if line and not line.startswith("-")]
    assert [line.split()[0] for line in block] == ["model", "SVC", "forest"]
    assert len({len(line) for line in block}) == 1


def test_report_of_title_and_classes_alone(tmp_path):
    content = ReportContent(title="Bare", classes=["a", "b"])
    written = write_report(tmp_path, content)
    page = Page(written["html"].read_text(encoding="utf-8"))
    assert not page.all("img")
    assert not page.all("table")
    assert not page.all("section")
    assert not page.crossed
    assert "Bare" in page.text
    assert json.loads(written["json"].read_text())["figures"] == []
    assert written["text"].read_text().startswith("Bare\n====\n")


def test_names_cannot_break_out_of_page_or_terminal(tmp_path):
    nasty = "<script>alert(1)</script>\x1b[31m"
    content = ReportContent(
        title=nasty, classes=[nasty, "b"], data={nasty: nasty}, notes=[nasty], counts={nasty: 3, "b": 4}
    )
    page = Page(render_page(content))
    assert not page.all("script")
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in render_page(content)
    assert "\x1b" not in report_text(content)
    assert "\x1b" not in scores_text(scores_of([nasty, "b"]))


def test_many_classes_fold_the_matrix_away_on_the_page_and_list_errors_in_text():
    classes = [f"Person_{i:02d}" for i in range(40)]
    content = ReportContent(title="People", classes=classes, scores=scores_of(classes, 300))
    page = Page(render_page(content, {plate.name: bytes(16) + b"\0\0\2\0" * 2 for plate in plates(content)}))
    assert len(page.all("details")) == 2
    text = report_text(content)
    assert "COMMONEST ERRORS" in text
    assert "CONFUSION MATRIX" not in text
    assert "and 20 more" in text
    assert max(map(width_of, text.split("\n"))) <= 100


def test_confusion_table_has_totals():
    table = confusion_table(score(["a", "a", "b"], [[1, 0], [0, 1], [0, 1]], ["a", "b"], n_boot=0))
    assert table.head == ("true", "a", "b", "total")
    assert table.rows == (("a", "1", "1", "2"), ("b", "0", "1", "1"), ("total", "1", "2", "3"))


def test_what_is_undefined_is_a_dash():
    scores = score(["a"], [[1, 0]], ["a", "b"])
    assert ("b", "-", "-", "-", "0") in class_table(scores).rows
    assert ("ROC AUC", "-", "-") in score_table(scores).rows


def test_wide_words_are_cut_and_wide_characters_counted():
    from eigenface.report.tables import Table

    table = Table("T", "C.", ("name", "n"), (("x" * 300, "1"), ("\u9854" * 80, "22")))
    lines = table_text(table, 60).split("\n")
    assert max(map(width_of, lines)) == 60
    assert lines[2].endswith("~   1")
    assert lines[3].endswith("22")
    assert table_text(Table("T", "C.", ("n", *"abcdefghij"), (("n", *["1" * 12] * 10),)), 60) is None


def test_second_report_replaces_the_first_and_a_failed_one_leaves_it(tmp_path, monkeypatch):
    first = ReportContent(title="First", classes=["a"], counts={"a": 1})
    second = ReportContent(title="Second", classes=["a"], counts={"a": 2})
    write_report(tmp_path, first)
    with monkeypatch.context() as patch:
        patch.setattr("eigenface.report.build.render_page", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_report(tmp_path, second)
    assert "First" in (tmp_path / "report.txt").read_text()
    write_report(tmp_path, second)
    assert "Second" in (tmp_path / "report.html").read_text()
    assert json.loads((tmp_path / "report.json").read_text())["counts"] == {"a": 2}
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


def test_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written") as caught:
        write_report(tmp_path / "file", ReportContent(title="T", classes=["a"]))
    assert caught.value.code == "not_writable"


def test_content_checks_itself():
    with pytest.raises(DataError, match="title"):
        ReportContent(title=" ", classes=["a"])
    with pytest.raises(DataError, match="0 classes"):
        ReportContent(title="T", classes=[])
    with pytest.raises(DataError, match="1 crops and 0 labels"):
        ReportContent(title="T", classes=["a"], crops=[np.zeros((2, 2, 3), np.uint8)])


def test_same_content_same_files(full):
    few = ReportContent(title="T", classes=full.classes, counts={"a": 1, "b": 2}, learning=full.learning)
    pictures = draw_plates(few)
    assert draw_plates(few) == pictures
    assert render_page(few, pictures) == render_page(few, pictures)
