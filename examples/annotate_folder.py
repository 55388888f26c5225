"""Annotate a folder from Python: write all faces to a Parquet file and print the mean of each picture.

This needs only `pip install mien`, no PyTorch. `mien.annotate` returns an Arrow table, which pandas, polars and R read.

    python examples/annotate_folder.py [FOLDER OUT.parquet]
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import mien
from mien.tasks import AFFECT, EXPRESSION


def means(faces: pa.Table) -> pa.Table:
    """One row per picture: the number of faces, and their mean expression, valence and arousal."""
    found = faces.filter(pc.is_valid(faces["face"]))  # a picture without a face has one row without a face number
    averages = [(name, "mean") for name in (*EXPRESSION.labels, *AFFECT.labels)]
    return found.group_by("input").aggregate([("face", "count"), *averages])


def main(folder: str, out: str) -> None:
    faces = mien.annotate(folder)
    pq.write_table(faces, out)
    for row in means(faces).to_pylist():
        expression = max(EXPRESSION.labels, key=lambda name: row[f"{name}_mean"])
        print(
            f"{Path(row['input']).name}: {row['face_count']} face(s), {expression} {row[f'{expression}_mean']:.2f}, "
            f"valence {row['valence_mean']:+.2f}, arousal {row['arousal_mean']:+.2f}"
        )
    print(f"{out}: {faces.num_rows} rows")


if __name__ == "__main__":
    main(*(sys.argv[1:] or (str(Path(__file__).parent / "photos"), "faces.parquet")))
