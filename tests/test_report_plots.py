"""Figures: every word lies on the canvas, none on another, and what is drawn is what was given."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from eigenface.errors import DataError
from eigenface.report.confusion import confusion_figure, fold_matrix, largest_errors
from eigenface.report.curves import precision_recall_figure, roc_figure
from eigenface.report.eigenspace import Eigenfaces, eigenface_gallery, elbow, reconstructions, scree
from eigenface.report.metrics import score
from eigenface.report.models import ModelRow, models_figure
from eigenface.report.mosaic import shrink, tile
from eigenface.report.pictures import class_balance, class_samples, colour_maps, picture_sizes, side_statistics
from eigenface.report.style import WIDTH, png, short
from eigenface.report.trust import calibration_figure, coverage_figure
from eigenface.report.tuning import LearningCurve, grid_figure, grid_table, learning_figure


def drawn_texts(figure, monkeypatch):
    """Every text that is drawn, with its box in pixels at 600 px width."""
    seen = []
    draw = Text.draw

    def record(self, renderer, *args, **kwargs):
        if self.get_visible() and self.get_text().strip():
            seen.append(self)
        return draw(self, renderer, *args, **kwargs)

    canvas = FigureCanvasAgg(figure)
    with monkeypatch.context() as patch:
        patch.setattr(Text, "draw", record)
        canvas.draw()
    renderer = canvas.get_renderer()
    return [(text.get_text(), text.get_window_extent(renderer), text.get_fontsize()) for text in dict.fromkeys(seen)]


def check_legible(figure, monkeypatch, smallest=7.0):
    """No word off the canvas, none on another, none too small; the words, for further checks."""
    assert figure.get_figwidth() == WIDTH
    texts = drawn_texts(figure, monkeypatch)
    wide, high = figure.get_figwidth() * figure.dpi, figure.get_figheight() * figure.dpi
    for words, box, size in texts:
        assert box.x0 > -0.5, words
        assert box.y0 > -0.5, words
        assert box.x1 < wide + 0.5, words
        assert box.y1 < high + 0.5, words
        assert size >= smallest, words
    for (first, a, _), (second, b, _) in combinations(texts, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(across, down) < 1.5, (first, second)
    return [words for words, _, _ in texts]


def names(k):
    return ["female", "male"] if k == 2 else [f"Person_Number_{i:02d}_of_many" for i in range(k)]


def scores_of(k, n=400, strength=2.0, **options):
    rng = np.random.default_rng(k)
    truth = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), truth] += strength
    given = np.exp(logits)
    given /= given.sum(axis=1, keepdims=True)
    return score(np.array(names(k))[truth], given, names(k), n_boot=40, **options)


@pytest.fixture(scope="module")
def scored():
    return {k: scores_of(k, baseline="majority") for k in (2, 7, 40)}


@pytest.fixture(scope="module")
def faces():
    """Drawn faces: a skin-coloured oval with two eyes, of different sizes and light."""
    rng = np.random.default_rng(0)
    found = []
    for i in range(24):
        rows, cols = 40 + 3 * i, 30 + 4 * (i % 7)
        y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : cols * 1j]
        picture = np.full((rows, cols, 3), 60, np.uint8)
        picture[x**2 + y**2 < 0.9] = (200 - 3 * i, 160, 130)
        picture[(abs(abs(x) - 0.35) < 0.12) & (abs(y + 0.2) < 0.1)] = rng.integers(0, 60, 3)
        found.append(picture)
    return found


@pytest.fixture(scope="module")
def space():
    rng = np.random.default_rng(0)
    grid = np.linspace(0, 3, 24 * 20)
    rows = rng.normal(size=(80, 6)) @ np.stack([np.sin((i + 1) * grid) / (i + 1) for i in range(6)])
    rows += 0.05 * rng.normal(size=rows.shape) + 0.5
    mean = rows.mean(axis=0)
    _, spread, components = np.linalg.svd(rows - mean, full_matrices=False)
    explained = spread**2 / (spread**2).sum()
    return Eigenfaces(mean, components[:60], explained[:60], (24, 20), rows[:4])


@pytest.mark.parametrize("k", [2, 7, 40])
@pytest.mark.parametrize("draw", [roc_figure, precision_recall_figure, calibration_figure, coverage_figure])
def test_curves_are_legible(draw, k, scored, monkeypatch):
    check_legible(draw(scored[k]), monkeypatch)


@pytest.mark.parametrize("strength", [0.0, 30.0])
def test_thresholds_never_cover_each_other_for_bad_and_perfect_models(strength, monkeypatch):
    scores = scores_of(2, strength=strength)
    for draw in (roc_figure, precision_recall_figure, calibration_figure, coverage_figure):
        check_legible(draw(scores), monkeypatch)


def test_curves_of_a_single_picture_are_drawn(monkeypatch):
    scores = score(["male"], [[0.2, 0.8]], names(2))
    for draw in (roc_figure, precision_recall_figure, calibration_figure, coverage_figure):
        check_legible(draw(scores), monkeypatch)


def test_roc_marks_thresholds_and_says_auc_with_interval(scored, monkeypatch):
    words = check_legible(roc_figure(scored[2]), monkeypatch)
    assert {".5", ".1"} <= set(words)
    assert f"male: AUC {scored[2].roc_auc}" in words


def test_roc_of_many_classes_names_the_worst(scored, monkeypatch):
    scores = scored[40]
    areas = {name: scores.ranking(name).areas(np.ones((scores.n, 1)))[0][0] for name in scores.classes}
    worst = min(areas, key=areas.get)
    words = check_legible(roc_figure(scores), monkeypatch)
    assert f"{short(worst)}  {areas[worst]:.3f}" in words
    assert sum(word.startswith("Person") for word in words) == 8


@pytest.mark.parametrize(
    ("k", "pictures"), [(2, 9), (3, 90_000), (5, 900), (7, 90_000), (10, 60), (15, 9000), (25, 900), (40, 90_000)]
)
def test_confusion_matrix_is_legible(k, pictures, monkeypatch):
    rng = np.random.default_rng(k)
    matrix = rng.multinomial(pictures, (np.eye(k) * 5 * k + 1).ravel() / (np.eye(k) * 5 * k + 1).sum()).reshape(k, k)
    words = check_legible(confusion_figure(matrix, names(k)), monkeypatch, smallest=5.6)
    totals = [f"{n:,}" for n in (*matrix.sum(axis=0), *matrix.sum(axis=1))]
    assert all(words.count(total) >= totals.count(total) for total in totals)
    if k <= 5:
        assert all(any(word.split("\n")[0] == f"{n:,}" for word in words) for n in matrix.ravel())


def test_more_than_40_classes_are_folded_without_losing_a_picture():
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 3, (62, 62)) + 20 * np.eye(62, dtype=int)
    folded, kept = fold_matrix(matrix, [str(i) for i in range(62)])
    assert folded.shape == (40, 40)
    assert folded.sum() == matrix.sum()
    assert kept[-1] == "other (23)"
    with pytest.raises(DataError, match="for 3 classes"):
        fold_matrix(matrix, ["a", "b", "c"])


def test_largest_errors_leave_out_what_is_right():
    assert largest_errors([[9, 0, 1], [3, 5, 2], [0, 0, 4]], "abc") == [
        ("b", "a", 3, 0.3),
        ("b", "c", 2, 0.2),
        ("a", "c", 1, 0.1),
    ]


@pytest.mark.parametrize("k", [1, 2, 9, 40])
def test_class_balance_is_legible(k, monkeypatch):
    rng = np.random.default_rng(k)
    counts = {name: int(n) for name, n in zip(names(k), rng.integers(1, 90_000, k), strict=True)}
    words = check_legible(class_balance(counts), monkeypatch)
    assert f"{sum(counts.values()):,} pictures" in words


def test_class_balance_bears_empty_classes(monkeypatch):
    check_legible(class_balance({"a": 0, "b": 0}), monkeypatch)


@pytest.mark.parametrize("sizes", [[100], [50, 50, 50], np.geomspace(24, 410, 500), [[40, 60], [90, 30]]])
def test_sizes_are_legible(sizes, monkeypatch):
    check_legible(picture_sizes(sizes, smallest=60), monkeypatch)


def test_size_statistics_by_hand():
    found = side_statistics([[10, 40], [20, 30], [60, 30], [90, 40]])
    assert (found["n"], found["mean"], found["min"], found["50 %"], found["max"]) == (4, 25, 10, 25, 40)
    assert found["sd"] == pytest.approx(np.std([10, 20, 30, 40], ddof=1))
    with pytest.raises(DataError, match="Sizes"):
        side_statistics([])


@pytest.mark.parametrize("k", [1, 2, 12, 40])
def test_samples_are_legible_and_show_every_class(k, faces, monkeypatch):
    labels = [names(max(k, 2))[i % k] for i in range(3 * k)]
    crops = [faces[i % len(faces)] for i in range(3 * k)]
    words = check_legible(class_samples(crops, labels), monkeypatch)
    assert len(words) == k


def test_samples_and_labels_must_match(faces):
    with pytest.raises(DataError, match="2 crops and 1 labels"):
        class_samples(faces[:2], ["a"])


def test_colour_maps_are_legible(faces, monkeypatch):
    words = check_legible(colour_maps(faces[3]), monkeypatch)
    assert {"colour", "grey", "red", "green", "blue", "histogram"} <= set(words)


def test_face_space_figures_are_legible(space, monkeypatch):
    assert "mean" in check_legible(eigenface_gallery(space), monkeypatch)
    assert f"elbow: {elbow(space.explained)}" in check_legible(scree(space), monkeypatch)
    assert "original" in check_legible(reconstructions(space), monkeypatch)
    words = check_legible(reconstructions(space, counts=[1, 6]), monkeypatch)
    assert any(word.startswith("6 · ") for word in words)


def test_face_space_of_one_component_is_drawn(space, monkeypatch):
    tiny = Eigenfaces(space.mean, space.components[:1], space.explained[:1], space.shape, space.faces[:1])
    for figure in (scree(tiny), eigenface_gallery(tiny), reconstructions(tiny)):
        check_legible(figure, monkeypatch)


def test_rebuilding_gets_closer_with_every_component(space):
    errors = [np.abs(space.rebuild(k) - space.faces).mean() for k in (1, 3, 6, 60)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1 * errors[0]


def test_elbow_is_where_the_curve_bends():
    assert elbow(np.array([0.3, 0.25, 0.2, *[0.01] * 20])) == 3
    assert elbow(np.array([1.0])) == 1


def test_eigenfaces_refuse_shapes_that_do_not_fit(space):
    with pytest.raises(DataError, match="Eigenfaces"):
        Eigenfaces(space.mean, space.components, space.explained, (10, 10))
    bare = Eigenfaces(space.mean, space.components, space.explained, space.shape)
    with pytest.raises(DataError, match="no faces given"):
        reconstructions(bare)


def test_learning_curve_is_legible(monkeypatch):
    rng = np.random.default_rng(0)
    curve = LearningCurve(np.array([50, 500, 5000, 20000]), 0.9 + rng.random((4, 3)) / 20, rng.random((4, 3)))
    words = check_legible(learning_figure(curve), monkeypatch)
    assert f"kept aside, last {curve.test[-1].mean():.3f}" in words
    with pytest.raises(DataError, match="Learning curve"):
        LearningCurve(np.array([1, 2]), np.ones((1, 3)), np.ones((2, 3)))


def searched(**grid):
    """`cv_results_` of a full grid whose score falls with the distance from C = 10, most of all with `gamma`."""
    keys = list(grid)
    mesh = np.meshgrid(*[np.arange(len(grid[key])) for key in keys], indexing="ij")
    found = {}
    for key, places in zip(keys, mesh, strict=True):
        values = np.empty(places.size, dtype=object)
        values[:] = [grid[key][i] for i in places.ravel()]
        found[f"param_{key}"] = np.ma.array(values)
    worth = dict.fromkeys(keys, 0.001) | {"gamma": 0.1, "C": 0.01}
    found["mean_test_score"] = 0.9 - sum(worth[key] * m.ravel() for key, m in zip(keys, mesh, strict=True))
    return found


def test_grid_shows_the_two_parameters_that_matter_most():
    found = searched(C=[1, 10, 100], kernel=["rbf", "poly"], gamma=[0.1, 0.01], one=[7])
    table = grid_table(found)
    assert {table.down, table.across} == {"gamma", "C"}
    assert table.rows == ["0.01", "0.1"]
    assert table.best[1] == pytest.approx([0.9, 0.89, 0.88])
    chosen = grid_table(found, parameters=["kernel", "C"])
    assert (chosen.down, chosen.across, chosen.rows) == ("kernel", "C", ["rbf", "poly"])
    with pytest.raises(DataError, match="known are"):
        grid_table(found, parameters=["nonsense"])
    with pytest.raises(DataError, match="no parameters"):
        grid_table({"mean_test_score": [1.0]})


def test_grid_leaves_out_failed_fits_and_absent_parameters(monkeypatch):
    found = searched(C=[1, 10], gamma=[0.1, 0.01])
    found["mean_test_score"][0] = np.nan
    found["param_gamma"][3] = np.ma.masked
    table = grid_table(found, parameters=["C", "gamma"])
    assert np.isnan(table.best).sum() == 2
    assert "–" in check_legible(grid_figure(found, parameters=["C", "gamma"]), monkeypatch)


@pytest.mark.parametrize(
    "grid",
    [
        {"C": [1, 10, 100, 1000]},
        {"C": [1]},
        {
            "svc__estimator__C": [1, 10, 20, 30, 50, 100],
            "svc__estimator__gamma": [0.1, 0.05, 0.01, 0.001, 0.002, 0.005],
        },
        {"C": list(range(1, 40)), "gamma": [0.1, 0.01]},
        {"C": list(range(1, 31)), "gamma": [float(g) for g in np.geomspace(1e-6, 1, 30)]},
        {"steps": ["a very long name of a step that nobody can read", "pca"], "none": [None, "balanced"]},
    ],
)
def test_grid_search_is_legible(grid, monkeypatch):
    check_legible(grid_figure(searched(**grid)), monkeypatch)


@pytest.mark.parametrize("count", [1, 5, 15])
def test_models_compared_are_legible_and_sorted(count, scored, monkeypatch):
    rows = [ModelRow(f"model number {i} of many more", scores_of(2, 100, 0.3 * i)) for i in range(count)]
    figure = models_figure([*rows, ModelRow("with a baseline", scored[2])])
    check_legible(figure, monkeypatch)
    values = [float(text.get_text()) for text in figure.axes[0].child_axes[0].get_yticklabels()]
    assert values == sorted(values, reverse=True)
    with pytest.raises(DataError, match="none given"):
        models_figure([])


def test_strange_class_names_are_drawn_as_they_are(monkeypatch):
    odd = ["$x^2$", "a_b{", "line\nbreak", "100 %", "<b>&amp;"]
    matrix = np.eye(5, dtype=int) * 9
    words = check_legible(confusion_figure(matrix, odd), monkeypatch)
    assert "line break" in words
    assert png(class_balance(dict.fromkeys([*odd, "\u9854"], 3)))[:4] == b"\x89PNG"


def test_png_is_the_same_for_the_same_figure(scored):
    assert png(roc_figure(scored[2]), 50) == png(roc_figure(scored[2]), 50)


def test_shrinking_averages_and_growing_interpolates():
    picture = np.arange(36, dtype=float).reshape(6, 6)
    assert shrink(picture, 3, 2) == pytest.approx(picture.reshape(3, 2, 2, 3).mean(axis=(1, 3)))
    assert shrink(picture, 4, 4).mean() == pytest.approx(picture.mean(), rel=1e-5)
    grown = shrink(picture, 12, 12)
    assert grown.shape == (12, 12)
    assert grown.mean() == pytest.approx(picture.mean())
    assert shrink(np.ones((1, 1, 3)), 5, 4) == pytest.approx(np.ones((5, 4, 3)))


def test_tiles_keep_proportions():
    square = tile(np.zeros((20, 40, 3), np.uint8), 40)
    assert square.shape == (40, 40, 3)
    assert (square[:10] == 255).all()
    assert (square[10:30] == 0).all()


def test_no_figure_touches_pyplot(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys, numpy as np\n"
        "from eigenface.report.confusion import confusion_figure\n"
        "from eigenface.report.style import png\n"
        "png(confusion_figure(np.eye(2, dtype=int), ['a', 'b']), 30)\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
