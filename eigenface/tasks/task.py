"""What a task is: a declaration. Everything that differs between gender and blood stands in one of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from eigenface.augment import Copies
from eigenface.crops import CropSpec

if TYPE_CHECKING:
    from eigenface.datasets.cropping import CroppedFaces

PipelineFactory = Callable[[], Any]
"""Makes an unfitted scikit-learn Pipeline; scikit-learn is imported when it is called, not before."""


@dataclass(frozen=True, slots=True)
class Source:
    """Pictures that a shipped model learns from.

    Parameters
    ----------
    path : str
        Below the data folder.
    whole : bool
        Its pictures are face crops already.
    skip : tuple of str
        Labels that are not learned.
    least : mapping
        Extra columns and the least number in them, such as {"age": 5}.
    labels : mapping
        The task's names for labels that are called otherwise here.
    aside : (column, value), optional
        Which pictures are kept aside to judge by, where the makers said so; a share by hash without it.
    without : (column, beginning), optional
        Pictures that are left out: those whose value in a column begins so.
    person : (column, pattern), optional
        Who is to be seen, for splits: the first group of a regular expression in a column's value; a picture that it
        does not match stands alone.
    most : int
        Pictures a label at most, taken evenly from all; 0 for all.
    crop : CropSpec, optional
        Another framing than the task's, for faces that are learned in two.
    make : callable, optional
        Makes of its faces those to learn from (False) or to judge by (True), such as synthetic ones: (faces, judging).
    title : str
        What its faces are called on the card; the file's name without it.
    test_share : float, optional
        The share kept aside where it is not the task's, 0..1.
    """

    path: str
    whole: bool = False
    skip: tuple[str, ...] = ()
    least: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    aside: tuple[str, str] | None = None
    without: tuple[str, str] | None = None
    person: tuple[str, str] | None = None
    most: int = 0
    crop: CropSpec | None = None
    make: Callable[[CroppedFaces, bool], CroppedFaces] | None = None
    title: str = ""
    test_share: float | None = None

    @property
    def name(self) -> str:
        """The title, or the file's name without its suffixes."""
        return self.title or self.path.rsplit("/", 1)[-1].split(".")[0]


@dataclass(frozen=True, slots=True)
class Task:
    """A question about a face.

    Parameters
    ----------
    name : str
        Its name on the command line, in paths and in JSON.
    question : str
        What is asked, for people.
    kind : {"closed", "open"}
        Closed: always one of `classes`. Open: people are enrolled, and a face may be unknown.
    classes : tuple of str
        Class names; empty where the data bring them.
    crop : CropSpec
        How faces are framed.
    pipelines : mapping of str to factory
        Model variants: `""` is the one that wins, `eigenfaces` the plain one.
    grids : mapping of str to factory of a parameter grid
        What `tune` searches for each variant.
    baseline : factory, optional
        A simple rule to stand beside; the most frequent class without one.
    sources : tuple of Source
        What the shipped models learn from.
    limits : tuple of str
        Sentences for the card: when not to use this, and why.
    smallest_face : int
        Side in pixels of the smallest box that is not sent to review.
    copies : tuple of Copies
        Changed copies of training faces that models learn from as well.
    often : mapping of str to float
        Classes that are so many times as frequent where the model is used as in the training faces.
    most_a_person : int
        Training faces of one person that count, so that nobody decides alone; 0 for all.
    test_share : float
        Share of each source kept aside to judge the shipped models by.
    unshipped : tuple of str
        Variants that `train` knows and the package does not carry, for their size.
    folds : int
        Folds of the calibration: fewer where there are very many faces.
    small, small_grid : factory, optional
        The pipeline, and its grid, for sets of fewer than `few` faces, which would teach the winning one too little.
    few : int
    most_searched : int
        Faces up to which `train` searches the grid without being asked to; 0 for any number.
    """

    name: str
    question: str
    pipelines: Mapping[str, PipelineFactory]
    kind: Literal["closed", "open"] = "closed"
    classes: tuple[str, ...] = ()
    crop: CropSpec = field(default_factory=CropSpec)
    grids: Mapping[str, Callable[[], dict[str, list[Any]]]] = field(default_factory=dict)
    baseline: PipelineFactory | None = None
    sources: tuple[Source, ...] = ()
    limits: tuple[str, ...] = ()
    smallest_face: int = 24
    copies: tuple[Copies, ...] = ()
    often: Mapping[str, float] = field(default_factory=dict)
    most_a_person: int = 0
    test_share: float = 0.25
    unshipped: tuple[str, ...] = ()
    folds: int = 5
    small: PipelineFactory | None = None
    small_grid: Callable[[], dict[str, list[Any]]] | None = None
    few: int = 2000
    most_searched: int = 0

    def factory(self, variant: str, faces: int) -> PipelineFactory:
        """What makes the pipeline of a variant for so many faces."""
        return self.small if self.small and self._is_small(variant, faces) else self.pipelines[variant]

    def grid(self, variant: str, faces: int) -> dict[str, list[Any]] | None:
        """What `train` searches for so many faces unless told otherwise; None where recorded parameters stand."""
        if self._is_small(variant, faces):
            return self.small_grid() if self.small_grid else None
        if variant not in self.grids or (self.most_searched and faces > self.most_searched):
            return None
        return self.grids[variant]()

    def _is_small(self, variant: str, faces: int) -> bool:
        return self.small is not None and not variant and faces < self.few

    def model_name(self, variant: str) -> str:
        """Name of the model of one variant: `gender`, `gender:eigenfaces`."""
        return f"{self.name}:{variant}" if variant else self.name
