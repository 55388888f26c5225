"""The Python interface over a folder: every face into a Parquet file, and the mean of each picture on the screen.

Nothing here needs PyTorch. The faces are also there as an Arrow table, ready for pandas, polars or R.

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
    """One row a picture: how many faces it has, and their mean expression, valence and arousal."""
    values = (*EXPRESSION.labels, *AFFECT.labels)
    found = faces.filter(pc.is_valid(faces["face"]))  # a picture without a face is a row without a number
    grouped = found.group_by("input").aggregate([("face", "count"), *((name, "mean") for name in values)])
    return grouped.select(["input", "face_count", *(f"{name}_mean" for name in values)])


def main(folder: str, out: str) -> None:
    faces = mien.annotate(folder)
    pq.write_table(faces, out)
    for row in means(faces).to_pylist():
        shares = {name: row[f"{name}_mean"] for name in EXPRESSION.labels}
        most = max(shares, key=shares.__getitem__)
        print(
            f"{Path(row['input']).name}: {row['face_count']} face(s), {most} {shares[most]:.2f}, "
            f"valence {row['valence_mean']:+.2f}, arousal {row['arousal_mean']:+.2f}"
        )
    print(f"{faces.num_rows} rows: {out}")


if __name__ == "__main__":
    main(*(sys.argv[1:] or (str(Path(__file__).parent / "photos"), "faces.parquet")))
