"""The tuning script from a folder of crops to a saved model; stopped, killed and started again."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from eigenface.datasets import load_dataset
from eigenface.pipelines import tune
from eigenface.store import load_model

SIDE = 24


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """2 x 24 crops: the classes differ in which half is lighter."""
    made = tmp_path_factory.mktemp("halves")
    rng = np.random.default_rng(0)
    for label in ("left", "right"):
        (made / label).mkdir()
        for number in range(24):
            picture = rng.normal(100, 45, (SIDE, SIDE, 3))
            picture[:, (slice(None, SIDE // 2) if label == "left" else slice(SIDE // 2, None))] += 40
            Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(made / label / f"{number}.png")
    return made


def write_grid(path, **values):
    path.write_text(json.dumps({"faces__size": [16], "pca__n_components": [5], **values}))
    return path


def test_a_folder_becomes_a_tuned_model_with_scores_heat_map_and_parameters(folder, tmp_path, capsys):
    grid = write_grid(tmp_path / "grid.json", svc__C=[1, 10], svc__gamma=[0.01, 0.1])
    out = tmp_path / "halves.eigenface"
    assert tune.main([str(folder), "--whole", "--grid", str(grid), "--out", str(out), "--folds", "3"]) == 0
    printed, said = capsys.readouterr()
    result = json.loads(printed)
    assert (result["candidates"], result["folds"], result["reused_fits"]) == (4, 3, 0)
    assert result["best_params"]["svc__C"] in (1, 10)
    assert result["judged"][0]["accuracy"] > 0.8
    assert "4 candidates on 3 folds: 12 fits" in said
    assert "12 fits; about " in said
    assert "stop it any time with Ctrl-C, the same command goes on" in said
    assert f"best {result['best_score']:.4f} with " in said

    report = tmp_path / "halves-tune"
    assert json.loads((report / "best.json").read_text()) == result
    rows = list(csv.DictReader((report / "cv_results.csv").read_text().splitlines()))
    assert len(rows) == 4
    assert float(rows[0]["mean_test_score"]) == pytest.approx(result["best_score"], abs=1e-5)
    with Image.open(report / "grid.png") as picture:
        assert picture.format == "PNG"
        assert len(np.unique(np.asarray(picture.convert("L")))) > 20
    assert not (tmp_path / "halves.eigenface.journal").exists()

    model = load_model(out)
    assert model.classes_.tolist() == ["left", "right"]
    assert model.meta["parameters"] == result["best_params"]
    dataset = load_dataset(folder)
    crops = [dataset.read(i).pixels for i in range(len(dataset))]
    assert np.mean(model.predict(crops) == dataset.labels) > 0.9


def start(folder, grid, out):
    """The script in a process of its own, where Ctrl-C works whatever this process makes of it."""
    command = [sys.executable, "-m", "eigenface.pipelines.tune", str(folder), "--whole", "--grid", str(grid)]
    command += ["--out", str(out), "--folds", "2", "--jobs", "2", "--test-share", "0"]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def lines(journal):
    return len(journal.read_text().splitlines()) if journal.exists() else 0


def stop(process, journal, wanted, how):
    """Send a signal once the journal has `wanted` lines; returns exit code and what was said on stderr."""
    end = time.monotonic() + 30
    while lines(journal) < wanted and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    return process.returncode, said


def test_stopped_then_killed_the_search_goes_on_and_ends_as_if_nothing_had_happened(folder, tmp_path, capsys):
    gammas = np.geomspace(1e-4, 1, 48).tolist()
    grid = write_grid(tmp_path / "grid.json", svc__C=[1, 4, 16, 64, 256], svc__gamma=gammas)
    out = tmp_path / "halves.eigenface"
    journal = tmp_path / "halves.eigenface.journal"

    code, said = stop(start(folder, grid, out), journal, 10, signal.SIGINT)
    stopped = lines(journal)
    assert code == 130
    assert said.splitlines()[-1] == f"tune: stopped; what is done is kept in {journal}; the same command goes on"
    assert "Traceback" not in said
    assert 10 <= stopped < 97  # 48 paths of five values of C, on two folds

    code, said = stop(start(folder, grid, out), journal, stopped + 10, signal.SIGKILL)
    killed = lines(journal)
    assert code == -signal.SIGKILL
    assert stopped + 10 <= killed < 97
    assert not out.exists()

    again = [str(folder), "--whole", "--grid", str(grid), "--folds", "2", "--test-share", "0"]
    assert tune.main([*again, "--out", str(out), "--resume"]) == 0
    resumed = json.loads(capsys.readouterr().out)
    assert 5 * (killed - 2) <= resumed["reused_fits"] <= 5 * (killed - 1)  # the last line may have been cut short

    assert tune.main([*again, "--out", str(tmp_path / "other.eigenface"), "--jobs", "1"]) == 0
    straight = json.loads(capsys.readouterr().out)
    assert straight["reused_fits"] == 0
    assert (straight["best_params"], straight["best_score"]) == (resumed["best_params"], resumed["best_score"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "m.pkl"], "m.pkl: a model is saved as .eigenface or .joblib"),
        (["--out", "no/such/m.eigenface"], "there is no folder no/such"),
        (["--grid", "seed4", "--out", "m.eigenface"], "Named grids are seed004, small, eigenfaces"),
        (["--grid", "bad.json", "--out", "m.eigenface"], "Did you mean svc__gamma?"),
        (["--variant", "deep", "--out", "m.eigenface"], "has no variant 'deep'"),
        (["--scoring", "luck", "--out", "m.eigenface"], "there is no scoring 'luck'"),
        (["--budget", "soon", "--out", "m.eigenface"], "soon: no span of time. Write 5m, 90s, 2h or 1h30m."),
    ],
)
def test_a_wrong_request_is_one_line_and_2(folder, tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text('{"svc__gama": [1]}')
    assert tune.main([str(folder), "--whole", *arguments]) == 2
    printed, told = capsys.readouterr()
    assert printed == ""
    assert said in told
    assert told.splitlines()[-1].startswith("tune: ")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.json"]


@pytest.mark.parametrize("option", [["--folds", "1"], ["--jobs", "x"], ["--test-share", "0.9"], ["--sample", "-3"]])
def test_a_wrong_number_says_what_is_expected(folder, capsys, option):
    with pytest.raises(SystemExit) as caught:
        tune.main([str(folder), "--out", "m.eigenface", *option])
    assert caught.value.code == 2
    assert "expected" in capsys.readouterr().err


def test_another_grid_does_not_take_over_what_is_kept(folder, tmp_path, capsys):
    out = tmp_path / "m.eigenface"
    common = [str(folder), "--whole", "--out", str(out), "--folds", "2", "--test-share", "0"]
    grid = write_grid(tmp_path / "grid.json", svc__C=[1, 2])
    (tmp_path / "m.eigenface.journal").write_text('{"job": {"grid": "another"}}\n')
    assert tune.main([*common, "--grid", str(grid)]) == 2
    assert "belongs to another job; what differs: " in capsys.readouterr().err
    assert tune.main([*common, "--grid", str(grid), "--fresh"]) == 0


def test_a_changed_grid_is_refused_before_the_faces_are_cropped(folder, tmp_path, capsys, monkeypatch):
    out = tmp_path / "m.eigenface"
    command = [str(folder), "--whole", "--out", str(out), "--folds", "2", "--grid"]
    first = write_grid(tmp_path / "first.json", svc__C=[1, 2])

    def stop(found):
        raise KeyboardInterrupt

    monkeypatch.setattr(tune, "tell", stop)
    assert tune.main([*command, str(first)]) == 130  # searched, and stopped
    monkeypatch.setattr(tune, "crop_dataset", lambda *_, **__: pytest.fail("cropped"))
    assert tune.main([*command, str(write_grid(tmp_path / "other.json", svc__C=[1, 3]))]) == 2
    assert "belongs to another job; what differs: grid. Start afresh with --fresh" in capsys.readouterr().err


def test_resume_says_where_there_is_nothing_to_go_on_from(folder, tmp_path, capsys):
    grid = write_grid(tmp_path / "grid.json", svc__C=[1])
    out = tmp_path / "m.eigenface"
    common = [str(folder), "--whole", "--out", str(out), "--folds", "2", "--test-share", "0", "--grid", str(grid)]
    assert tune.main([*common, "--resume"]) == 0
    assert f"there is no {out}.journal to go on from" in capsys.readouterr().err


def test_a_sample_keeps_the_shares_of_the_classes_and_is_always_the_same(folder):
    dataset = load_dataset(folder)
    some = tune.sample(dataset, 10)
    assert sorted(some.labels.tolist()) == ["left"] * 5 + ["right"] * 5
    assert [sample.name for sample in some.samples] == [sample.name for sample in tune.sample(dataset, 10).samples]
    assert set(some.samples) < set(dataset.samples)
    assert tune.sample(dataset, 1000) is dataset


def test_a_budget_ends_in_time_and_says_what_it_has_not_tried(folder, tmp_path, capsys):
    grid = write_grid(tmp_path / "grid.json", svc__C=[1, 4, 16], svc__gamma=np.geomspace(1e-4, 1, 20).tolist())
    out = tmp_path / "m.eigenface"
    command = [str(folder), "--whole", "--folds", "2", "--test-share", "0", "--grid", str(grid), "--out", str(out)]
    results = []
    for _ in range(2):
        assert tune.main([*command, "--budget", "0.001s"]) == 0
        printed, said = capsys.readouterr()
        results.append(json.loads(printed))
        assert results[-1]["left_out"] in said
        assert load_model(out).meta["parameters"] == results[-1]["best_params"]
        assert lines(tmp_path / "m.eigenface.journal") > 1  # the same command goes on from there
    tried = [
        int(re.match(r"of 60 candidates (\d+) were tried on all faces, ", each["left_out"])[1]) for each in results
    ]
    assert 3 <= tried[0] < tried[1] < 60
    assert results[1]["reused_fits"] >= 2 * tried[0]
    assert results[1]["best_score"] >= results[0]["best_score"]
    assert tune.main([*command, "--budget", "1h"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["left_out"] == ""
    assert whole["best_score"] >= results[1]["best_score"]
    assert not (tmp_path / "m.eigenface.journal").exists()
