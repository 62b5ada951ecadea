"""A search that is watched in a notebook: its figure, what it is told, and what it costs."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from eigenface import EigenGridSearchCV
from eigenface.calibrate import folds_by_group
from eigenface.progress import Bar
from eigenface.report.live import LiveSearch, Round, live_figure
from eigenface.report.style import png
from eigenface.search import search as search_crops
from eigenface.search.eigen.search import StockSearchWarning
from eigenface.search.eigen.watch import NotebookFigure, in_notebook, watching
from eigenface.steps.eigen import Eigenfaces
from eigenface.steps.faces import GreyFaces

X, Y = make_classification(900, 40, n_informative=12, n_classes=3, flip_y=0.2, class_sep=1.5, random_state=0)
GRID = {"svc__C": [0.1, 1], "svc__gamma": [1e-5, 1e-3, 0.01, 0.03, 0.1, 1, 10]}


def searching(**options: Any) -> EigenGridSearchCV:
    pipeline = Pipeline([("pca", PCA(8)), ("svc", SVC(tol=1e-6))])
    return EigenGridSearchCV(pipeline, GRID, cv=3, refit=False, **options)


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> list[LiveSearch]:
    """What a notebook would show."""
    shown: list[LiveSearch] = []

    def show(self: NotebookFigure, view: LiveSearch) -> None:
        shown.append(view)
        self._shown = True

    monkeypatch.setattr("eigenface.search.eigen.watch.in_notebook", lambda: True)
    monkeypatch.setattr(NotebookFigure, "_show", show)
    return shown


# The figure


def test_the_figure_has_every_candidate_where_and_when_it_was_known() -> None:
    seconds, means = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 0.7, 0.6, np.nan])
    part = Round(0, seconds, means, np.array([True, True, False, True]), best=1)
    axes = live_figure(LiveSearch([part], 10, 12, 5.0, score=0.7)).axes[0]
    dots = [np.asarray(each.get_offsets()).tolist() for each in axes.collections]
    assert [[1.0, 0.5], [2.0, 0.7]] in dots  # all folds
    assert [[3.0, 0.6]] in dots  # some folds
    assert [[2.0, 0.7]] in dots  # the ring
    (line,) = axes.lines
    assert np.asarray(line.get_xydata()).tolist() == [[1.0, 0.5], [2.0, 0.7], [5.0, 0.7]]


def test_a_few_poor_candidates_do_not_press_the_others_together() -> None:
    means = np.array([0.1, 0.2, *np.linspace(0.9, 0.92, 30)])
    axes = live_figure(LiveSearch([Round(0, np.arange(32.0), means, np.ones(32, bool))], 1, 1, 40.0)).axes[0]
    low, high = axes.get_ylim()
    assert 0.8 < low < 0.9 < 0.92 < high < 1
    edge = [np.asarray(each.get_offsets()) for each in axes.collections if len(each.get_offsets()) == 2]
    assert any(np.allclose(dots[:, 1], low) and dots[:, 0].tolist() == [0, 1] for dots in edge)


def test_comparisons_on_fewer_faces_are_told_apart_and_time_allowed_is_marked() -> None:
    parts = [Round(faces, np.arange(3.0), np.full(3, 0.5), np.ones(3, bool)) for faces in (300, 900, 0)]
    figure = live_figure(LiveSearch(parts, 3, 3, 200.0, budget=600.0))
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert said == ["on 300 faces", "on 900 faces", "on all faces", "best so far", "time allowed"]
    assert figure.axes[0].get_xlim()[1] >= 10
    assert figure.axes[0].get_xlabel() == "minutes since the search began"


def test_what_cannot_be_compared_is_drawn_all_the_same() -> None:
    failed = Round(0, np.zeros(2), np.full(2, np.nan), np.ones(2, bool))
    for view in (
        LiveSearch([], 0, 0, 0.0),
        LiveSearch([failed], 2, 2, 1.0, state="done", running=False),
        LiveSearch([failed], 1, 2, 1.0, score=0.5, best="svc=$a_{$, " * 40, metric="a_b$" * 20),
    ):
        assert png(live_figure(view), dpi=50)[:4] == b"\x89PNG"


def test_the_figure_says_in_words_what_it_shows() -> None:
    part = [Round(300, np.ones(1), np.ones(1), np.ones(1, bool))]
    view = LiveSearch(part, 1200, 2400, 60.0, left=90.0, score=0.91234, best="C=3")
    said = (
        "best so far 0.9123 with C=3; searching: 1,200 of 2,400 fits on 300 faces; about 2 minutes left of this round"
    )
    assert view.words() == said
    assert LiveSearch([], 0, 9, 4.0, left=5.0, budget=9.0).words() == "searching: 0 of 9 fits; at most 5 seconds left"
    done = LiveSearch([], 9, 9, 4.0, score=0.5, state="done", running=False)
    assert done.words() == "best 0.5000; done: 9 of 9 fits; 4 seconds"


# The search


def test_the_last_view_tells_what_the_search_found(views: list[LiveSearch]) -> None:
    found = searching(progress="notebook", n_jobs=2).fit(X, Y)
    assert views[0].done == 0
    last = views[-1]
    assert (last.state, last.done, last.total, last.score) == ("done", 42, 42, found.best_score_)
    assert last.best == f"C={found.best_params_['svc__C']:g}, gamma={found.best_params_['svc__gamma']:g}"
    (part,) = last.rounds
    np.testing.assert_array_equal(part.means, found.cv_results_["mean_test_score"])
    assert part.best == found.best_index_
    assert part.complete.all()
    assert ((part.seconds >= 0) & (part.seconds <= last.elapsed)).all()
    assert last.metric == "accuracy"


def test_halving_and_a_budget_are_shown_round_by_round(
    views: list[LiveSearch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eigenface.search.eigen.rungs._LEAST", 60)
    found = searching(progress="notebook", halving=3, scoring="balanced_accuracy").fit(X, Y)
    last = views[-1]
    assert [part.faces for part in last.rounds] == [67, 200, 0]
    assert [int(part.complete.sum()) for part in last.rounds] == [14, 6, 2]  # 7 paths, 3 of them, 1 of them
    assert [part.best for part in last.rounds] == [None, None, found.best_index_]
    assert (last.score, last.metric) == (found.best_score_, "balanced accuracy")
    views.clear()
    found = searching(progress="notebook", budget=1e-9).fit(X, Y)
    assert (views[-1].state, views[-1].budget) == ("time was up", 1e-9)
    assert views[-1].rounds[0].best == found.best_index_


def test_what_a_journal_had_is_there_at_once(views: list[LiveSearch], tmp_path: Any) -> None:
    searching(journal=tmp_path / "journal").fit(X, Y)
    searching(journal=tmp_path / "journal", progress="notebook").fit(X, Y)
    assert views[0].done == 42
    assert views[0].rounds[0].complete.all()


def test_candidates_that_are_fitted_as_they_are_are_shown_too(views: list[LiveSearch]) -> None:
    pipeline = Pipeline([("pca", PCA(8)), ("lr", LogisticRegression())])
    with pytest.warns(StockSearchWarning):
        found = EigenGridSearchCV(pipeline, {"lr__C": [0.01, 1.0]}, cv=3, progress="notebook").fit(X, Y)
    assert [view.state for view in views[-2:]] == ["fitting the best on all rows", "done"]
    np.testing.assert_array_equal(views[-1].rounds[0].means, found.cv_results_["mean_test_score"])


@pytest.mark.filterwarnings("ignore")  # scikit-learn's, of the candidate that fails
def test_candidates_that_fail_are_counted_and_not_drawn(views: list[LiveSearch]) -> None:
    searching(progress="notebook").set_params(param_grid={"svc__C": [1.0, -1.0]}).fit(X, Y)
    assert views[-1].standing() == "done: 6 of 6 fits, 1 candidate could not be fitted"
    assert np.isfinite(views[-1].rounds[0].means).tolist() == [True, False]


def test_several_scores_without_one_to_compare_by_are_no_reason_to_stop(views: list[LiveSearch]) -> None:
    found = searching(progress="notebook", scoring=["accuracy", "f1_macro"]).fit(X, Y)
    assert "mean_test_f1_macro" in found.cv_results_
    assert (views[-1].score, views[-1].done) == (None, 42)


def test_a_search_that_is_stopped_says_so(views: list[LiveSearch], monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("eigenface.search.eigen.course.Course._record", stop)
    with pytest.raises(KeyboardInterrupt):
        searching(progress="notebook").fit(X, Y)
    assert views[-1].state == "stopped"


def test_a_figure_that_cannot_be_drawn_is_said_once_and_loses_no_search(
    views: list[LiveSearch], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    show, tried = NotebookFigure._show, list[LiveSearch]()

    def fail(self: NotebookFigure, view: LiveSearch) -> None:
        tried.append(view)
        if len(tried) > 1:
            raise RuntimeError("no\nink")
        show(self, view)

    monkeypatch.setattr(NotebookFigure, "_show", fail)
    found = searching(progress="notebook").set_params(refit=True).fit(X, Y)
    assert found.best_score_ == searching().fit(X, Y).best_score_
    assert len(tried) == 2  # not again in the end
    assert capsys.readouterr().err == "progress='notebook': no figure (RuntimeError: no ink); the search goes on\n"


def test_drawing_keeps_to_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, drawn = [0.0], list[float]()
    monkeypatch.setattr("eigenface.search.eigen.watch.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("eigenface.search.eigen.watch.time.thread_time", lambda: 0.1 * len(drawn))

    def show(self: NotebookFigure, view: LiveSearch) -> None:
        drawn.append(clock[0])
        self._shown = True

    monkeypatch.setattr(NotebookFigure, "_show", show)
    figure = NotebookFigure("accuracy", None)
    for part in range(1, 1001):
        figure.progress(part, 1000, "")
        clock[0] += 0.1
    assert drawn[0] == 0
    assert len(drawn) == pytest.approx(100 * 0.03 / 0.1, abs=2)  # a tenth of a second each, 3 of 100 seconds
    clock[0] += 60
    before = len(drawn)
    for part in range(3):  # ended together
        figure.progress(part, 1000, "")
    assert len(drawn) == before + 3


def test_outside_of_a_notebook_one_line_says_that_a_bar_tells(capsys: pytest.CaptureFixture[str]) -> None:
    assert not in_notebook()
    assert searching(progress="notebook").fit(X, Y).best_score_ == searching().fit(X, Y).best_score_
    assert capsys.readouterr().err == "progress='notebook': this is no notebook, so a bar tells instead\n"
    with watching("bar") as watch:
        assert isinstance(watch.progress, Bar)


def test_another_word_is_refused() -> None:
    with pytest.raises(ValueError, match="progress: expected a callable, 'notebook' or 'bar', got 'graph'"):
        searching(progress="graph").fit(X, Y)


def test_a_search_that_goes_elsewhere_says_that_it_tells_nothing() -> None:
    with pytest.warns(StockSearchWarning, match="does not tell how far it is"):
        EigenGridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2, progress="notebook").fit(X, Y)


def test_a_search_over_crops_takes_the_word_too(views: list[LiveSearch]) -> None:
    rng = np.random.default_rng(0)
    labels = np.array(["a", "b"] * 10)
    crops = [rng.integers(0, 255, (12, 12, 3)).astype(np.uint8) for _ in labels]
    pipeline = Pipeline([("faces", GreyFaces(8)), ("pca", Eigenfaces(3)), ("svc", SVC())])
    folds = folds_by_group(labels, None, 2)
    found = search_crops(
        pipeline, {"svc__C": [1, 3]}, crops, labels, folds=folds, progress="notebook", forecast=lambda _: None
    )
    assert views[-1].score == found.best_score


def test_nothing_is_loaded_that_is_not_shown() -> None:
    code = (
        "import sys, numpy as np; from eigenface import EigenGridSearchCV; from sklearn.svm import SVC\n"
        "X = np.arange(20.0)[:, None]; y = np.arange(20) > 9\n"
        "for told in ('bar', 'notebook'): EigenGridSearchCV(SVC(), {'C': [1]}, cv=2, progress=told).fit(X, y)\n"
        "print(sorted({'matplotlib', 'IPython'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_in_a_real_kernel_one_figure_is_drawn_again_and_stays() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    shown: list[dict[str, Any]] = []

    class Client(nbclient.NotebookClient):  # type: ignore[misc]
        def process_message(self, message: Any, *others: Any) -> Any:
            if message["msg_type"] in ("display_data", "update_display_data"):
                shown.append(message)
            return super().process_message(message, *others)

    code = """
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from eigenface import EigenGridSearchCV

X, y = load_iris(return_X_y=True)
grid = {"pca__n_components": [2, 3], "svc__C": [1, 10]}
search = EigenGridSearchCV(make_pipeline(PCA(), SVC()), grid, n_jobs=2, progress="notebook").fit(X, y)
print(f"{search.best_score_:.4f}")
"""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    Client(book, timeout=100, kernel_name="python3").execute()
    figure, printed = book.cells[0].outputs
    assert [message["msg_type"] for message in shown][:2] == ["display_data", "update_display_data"]
    assert len({message["content"]["transient"]["display_id"] for message in shown}) == 1
    words = figure["data"]["text/plain"]
    assert words.startswith(f"best {printed['text'].strip()} with ")
    assert "; done: 20 of 20 fits; " in words
    assert figure["metadata"]["image/png"]["alt"] == words
    assert base64.b64decode(figure["data"]["image/png"])[:4] == b"\x89PNG"


def test_the_example_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[1] / "docs" / "search.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(block, {})
    assert "27 candidates x 5 folds from shared work" in capsys.readouterr().out
