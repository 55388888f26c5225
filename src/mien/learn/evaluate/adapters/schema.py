"""The columns of other tools' tables, as data: a table is read by its schema, and no tool has code of its own.

The names are from the code of the tools' packages: py-feat 2.1.5, LibreFace 0.2.0, fer 25.10.3, deepface 0.0.103; for
OpenFace 2, from the documentation of its output and one of its tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mien.learn.data.sources.shared.expression_words import WORDS
from mien.table.layouts import BOX
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION

PICTURE = (
    "input", "path", "file", "filename", "image", "img_path", "image_path", "input_image_path", "picture", "video",
)  # fmt: skip
"""Columns that may name the picture; the first one found is used. Most tools write none; users add one."""


@dataclass(frozen=True)
class Schema:
    """A tool's table: one row per face.

    Args:
        name: the name of the tool.
        marks: columns by which its tables are recognised.
        labels: its columns -> our labels: probabilities, or values in our unit.
        intensities: its columns -> our labels, 0 to 5; used if no column of ``labels`` has the label.
        box: columns with x, y, width and height, or one column with all four.
        points: number of landmarks ``x_0``, ``y_0`` ...; if the table has them, the box is the one around them.
        frame, first: the column with the number of the frame, and the number of the first frame.
        found: a column that is 0 if the tool found no face.
        word: a column with the most probable expression, instead of probabilities.
        certain: the number that means a probability of 1.
        note: what a reader of its metrics needs to know.
    """

    name: str
    marks: tuple[str, ...]
    labels: Mapping[str, str]
    intensities: Mapping[str, str] = field(default_factory=dict)
    box: tuple[str, ...] = ()
    points: int = 0
    frame: str = "frame"
    first: int = 0
    found: str | None = None
    word: str | None = None
    certain: float = 1.0
    note: str = ""

    def columns(self) -> frozenset[str]:
        """All columns that are read if the table has them."""
        points = {f"{axis}_{point}" for axis in "xy" for point in range(self.points)}
        single = {self.frame, self.found or "", self.word or ""}
        return frozenset({*PICTURE, *self.labels, *self.intensities, *self.box, *points, *single})


def _units(pattern: str, padded: bool = True) -> dict[str, str]:
    """Column -> label of every action unit; the pattern holds its number."""
    return {pattern.format(label[2:] if padded else int(label[2:])): label for label in ACTION_UNITS.labels}


FER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
WORDED = {word: label for word, label in WORDS.items() if label}

# OpenFace itself has no expressions, no affect and no box: these are from mien's layout of that name.
OPENFACE = Schema(
    "openface",
    ("AU01_c", "AU12_c"),
    _units("AU{}_c") | {label: label for label in (*EXPRESSION.labels, *AFFECT.labels)},
    _units("AU{}_r"),
    box=BOX,
    points=68,
    first=1,
    found="success",
    note="openface reports AUs as present or absent, so there is no calibration; it has no AU24",
)
PY_FEAT = Schema(
    "py-feat",
    ("FaceRectX", "FaceRectY"),
    {**WORDED, **{word.capitalize(): label for word, label in WORDED.items()}, **_units("AU{}")}
    | {"valence": "valence", "arousal": "arousal"},
    box=("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"),
)
LIBREFACE = Schema(
    "libreface",
    ("facial_expression",),
    _units("au_{}", padded=False),
    _units("au_{}_intensity", padded=False),
    frame="frame_idx",
    word="facial_expression",
    note="libreface only names the most probable expression, so there is no calibration; contempt, which it may name, "
    "is always wrong; AUs without a column of presence count as present from an intensity of 2",
)
DEEPFACE = Schema(
    "deepface",
    ("dominant_emotion",),
    {f"emotion.{word}": WORDED[word] for word in FER},
    box=("region.x", "region.y", "region.w", "region.h"),
    word="dominant_emotion",
    certain=100.0,
)
FER_TABLE = Schema("fer", ("angry", "happy"), {word: WORDED[word] for word in FER}, box=("box",))
FER_JSON = Schema(
    "fer", ("emotions.angry", "emotions.happy"), {f"emotions.{word}": WORDED[word] for word in FER}, box=("box",)
)

SCHEMAS = (OPENFACE, PY_FEAT, LIBREFACE, DEEPFACE, FER_TABLE, FER_JSON)
"""All schemas, in the order in which they are tried."""


def own(labels: Sequence[str]) -> Schema:
    """The schema of mien's own tables, and of any other whose columns have the names of our labels."""
    return Schema("mien", (), {label: label for label in labels}, box=BOX)


def recognised(columns: Sequence[str], labels: Sequence[str], name: str | None = None) -> Schema:
    """The schema of a table.

    Args:
        columns: columns of the table.
        labels: labels of the manifest.
        name: name of the tool; None: the first schema whose marks the table has, otherwise :func:`own`.

    Raises:
        ValueError: if there is no schema of this name, or the table has no known columns.
    """
    schemas = (*SCHEMAS, own(labels))
    names = list(dict.fromkeys(schema.name for schema in schemas))
    if name is not None and name not in names:
        raise ValueError(f"no schema {name}; known: {', '.join(names)}")
    there = set(columns)
    for schema in schemas:
        if name in (None, schema.name) and there >= set(schema.marks) and there & {*schema.labels, schema.word}:
            return schema
    raise ValueError(f"its columns are not those of {name or ', '.join(names)}: {', '.join([*columns][:8])}")
