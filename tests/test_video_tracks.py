"""A tracker keeps who is who: through motion, crossings and short absences, and lets go of what is gone."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from video_scenes import RATE, Scene, Told

from eigenface.model import FaceClassifier
from eigenface.recognise import Options
from eigenface.types import Box
from eigenface.video.belief import Belief
from eigenface.video.frames import Frame
from eigenface.video.lookback import Answered, LookBack
from eigenface.video.tracks import PATIENCE, Track, Tracker, verdict_of


def followed(scene: Scene, detector: Told) -> list[tuple[float, list[Track], list[Box | None]]]:
    tracker = Tracker([], detector=detector)
    return [(time, tracker.update(pixels, time), list(boxes)) for time, pixels, boxes in scene]


def whose(tracks: list[Track], box: Box | None) -> int | None:
    """The number of the track that lies on a person."""
    if box is None:
        return None
    best = max(tracks, key=lambda track: track.box.iou(box), default=None)
    return best.number if best is not None and best.box.iou(box) > 0.5 else None


def walking(time: float) -> tuple[float, float]:
    return 60 + 100 * time, 110 + 15 * np.sin(4 * time)


def test_a_walking_face_has_one_number_and_a_box_that_goes_along() -> None:
    scene = Scene([walking], 2.4)
    detector = Told(scene)
    seen = followed(scene, detector)
    numbers = {track.number for _, tracks, _ in seen for track in tracks}
    overlaps = [tracks[0].box.iou(boxes[0]) for time, tracks, boxes in seen if time > 0.3 and boxes[0]]
    assert numbers == {1}
    assert min(overlaps) > 0.7
    assert detector.calls < len(seen) / 5  # found now and then, followed in between


def test_two_who_cross_keep_their_numbers() -> None:
    scene = Scene([lambda t: (50 + 100 * t, 110), lambda t: (310 - 100 * t, 112)], 2.6)
    seen = followed(scene, Told(scene))
    early = {i: whose(seen[RATE // 2][1], seen[RATE // 2][2][i]) for i in (0, 1)}
    late = {i: whose(seen[-1][1], seen[-1][2][i]) for i in (0, 1)}
    assert None not in early.values()
    assert early == late
    assert len({track.number for _, tracks, _ in seen for track in tracks}) == 2


def test_who_is_away_for_a_moment_comes_back_under_the_same_number() -> None:
    scene = Scene([lambda t: (180, 110) if not 0.8 < t < 2.0 else None], 3.0)
    seen = followed(scene, Told(scene))
    gone = [tracks for time, tracks, _ in seen if 1.2 < time < 2.0]
    assert not any(gone)
    assert {track.number for _, tracks, _ in seen for track in tracks} == {1}
    assert seen[-1][1]


def test_another_person_at_the_same_place_is_another_number() -> None:
    scene = Scene(
        [lambda t: (180, 110) if t < 1 else None, lambda t: (180, 110) if t > 1.6 else None], 2.6, shades=(1, 0.6)
    )
    seen = followed(scene, Told(scene))
    assert {track.number for track in seen[20][1]} == {1}
    assert {track.number for track in seen[-1][1]} == {2}


def test_a_face_that_is_found_once_only_is_not_shown() -> None:
    scene = Scene([lambda t: (180, 110)], 1.5)
    detector = Told(scene)
    detector.blind = lambda: detector.calls != 3
    assert not any(tracks for _, tracks, _ in followed(scene, detector))


@pytest.mark.parametrize(
    ("score", "asked", "shown"), [(0.65, None, False), (0.8, None, True), (0.65, 0.6, True), (0.5, 0.6, False)]
)
def test_a_face_is_shown_when_two_looks_leave_little_doubt(score: float, asked: float | None, shown: bool) -> None:
    scene = Scene([lambda t: (180, 110)], 1.5)
    tracker = Tracker([], Options(min_score=asked), detector=Told(scene, score=score))
    seen = [tracker.update(pixels, time) for time, pixels, _ in scene]
    assert any(seen) == shown


def test_weak_looks_do_not_make_a_face_of_what_was_found_once() -> None:
    scene = Scene([lambda t: (180, 110)], 1.5)
    detector = Told(scene)

    def once() -> bool:
        detector.score = 0.85 if detector.calls == 2 else 0.4
        return False

    detector.blind = once
    assert not any(tracks for _, tracks, _ in followed(scene, detector))


def test_a_track_that_is_never_found_again_ends() -> None:
    scene = Scene([lambda t: (180, 110)], 3.0)
    detector = Told(scene)
    detector.blind = lambda: detector.calls > 4
    seen = followed(scene, detector)
    assert seen[RATE][1]
    assert not [tracks for time, tracks, _ in seen if tracks and time > 1 + PATIENCE]


def test_a_weak_box_continues_a_track_but_begins_none() -> None:
    scene = Scene([lambda t: (180, 110)], 3.0)
    weak = Told(scene, score=0.4)
    assert not any(tracks for _, tracks, _ in followed(scene, weak))
    detector = Told(scene)

    def fading() -> bool:
        detector.score = 0.95 if detector.calls < 4 else 0.4
        return False

    detector.blind = fading
    assert len(followed(scene, detector)[-1][1]) == 1


def test_a_cut_to_an_empty_room_takes_the_box_away_at_once() -> None:
    scene = Scene([lambda t: (180, 110)], 1.0)
    tracker = Tracker([], detector=Told(scene))
    for time, pixels, _ in scene:
        tracks = tracker.update(pixels, time)
    assert tracks
    empty = Scene([], 1.0)
    scene.now = []
    noise = np.random.default_rng(0).integers(0, 256, (240, 360, 3), np.uint8)
    assert not tracker.update(noise, time + 0.04)
    for later, pixels, _ in empty:
        assert not tracker.update(pixels, time + 0.1 + later)


def test_a_face_is_shown_from_the_frame_that_it_came_in() -> None:
    scene = Scene([lambda t: (60 + 80 * t, 110) if t > 0.5 else None], 1.6)
    detector = Told(scene)
    tracker, waiting = Tracker([], detector=detector), LookBack()
    out: list[Answered] = []
    truth = {}
    for number, (time, pixels, boxes) in enumerate(scene):
        truth[number] = boxes[0]
        out += waiting.add(Frame(number, time, pixels), tracker.update(pixels, time))
    out += waiting.rest()
    assert [answered.frame.number for answered in out] == list(range(len(truth)))
    for answered in out:
        box = truth[answered.frame.number]
        assert bool(answered.tracks) == (box is not None)
        assert box is None or answered.tracks[0].box.iou(box) > 0.6


@pytest.mark.parametrize("rate", [10, 30])
def test_a_belief_changes_once_when_the_world_changes_and_within_a_second(rate: int) -> None:
    rng, belief, labels = np.random.default_rng(3), Belief(2), []
    for look in range(6 * rate):
        time = look / rate
        p = np.clip((0.85 if time < 3 else 0.15) + rng.normal(0, 0.2), 0.01, 0.99)
        belief.see(np.array([p, 1 - p]), time)
        labels.append((time, belief.label))
    changes = [b[0] for a, b in itertools.pairwise(labels) if a[1] != b[1]]
    assert len(changes) == 1
    assert 3 <= changes[0] <= 4


def test_one_strange_look_changes_nothing() -> None:
    belief = Belief(3)
    for look in range(10):
        belief.see(np.array([0.9, 0.05, 0.05]), look * 0.2)
    belief.see(np.array([0.0, 1.0, 0.0]), 2.0)
    assert belief.label == 0
    assert belief.probabilities.sum() == pytest.approx(1)


def labels_in_hindsight(model: FaceClassifier, says: Callable[[float], float], seconds: float) -> list[str]:
    """What a film's frames, 25 a second, come to be called; `says`: the probability of "female" at a time."""
    waiting, belief, out = LookBack([model]), Belief(2), list[Answered]()
    pixels, box = np.zeros((48, 64, 3), np.uint8), Box(10, 10, 20, 20)
    for number in range(round(25 * seconds)):
        time, evidence = number / 25, {}
        if number % 5 == 0:
            belief.see(np.array([says(time), 1 - says(time)]), time)
            evidence = {model.name: belief.evidence}
        said = {model.name: verdict_of(model, belief.label, belief.probabilities, box)}
        out += waiting.add(Frame(number, time, pixels), [Track(1, box, 0.9, said, evidence)])
    out += waiting.rest()
    assert [one.frame.number for one in out] == list(range(round(25 * seconds)))
    return [str(one.tracks[0].face.label) for one in out]


def test_who_is_unsure_at_first_is_called_what_they_come_to_be(model: FaceClassifier) -> None:
    assert set(labels_in_hindsight(model, lambda time: 0.6 if time < 1.5 else 0.05, 5)) == {"male"}
    assert set(labels_in_hindsight(model, lambda time: 0.6, 5)) == {"female"}


def test_in_hindsight_a_label_changes_where_the_world_did(model: FaceClassifier) -> None:
    labels = labels_in_hindsight(model, lambda time: 0.95 if time < 2 else 0.05, 5)
    changes = [number for number, (a, b) in enumerate(itertools.pairwise(labels), 1) if a != b]
    assert len(changes) == 1
    assert 45 <= changes[0] <= 55


def test_in_hindsight_one_strange_look_changes_nothing(model: FaceClassifier) -> None:
    assert set(labels_in_hindsight(model, lambda time: 0.0 if abs(time - 2) < 0.1 else 0.9, 4)) == {"female"}
