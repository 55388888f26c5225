"""Groups compared with those of a dictionary of tuples."""

import numpy as np
import pyarrow as pa
import pytest

from mien.learn.data.manifest.codes import codes, column_codes, own_groups, paired, video_codes


def same_groups(found: np.ndarray, keys: list[object]) -> bool:
    """Whether rows have equal numbers exactly where their keys are equal."""
    return len(set(zip(found.tolist(), keys, strict=True))) == len(set(found.tolist())) == len(set(keys))


@pytest.fixture
def table() -> pa.Table:
    generator = np.random.default_rng(0)
    draws = generator.integers(0, 4, (200, 3)).tolist()
    return pa.table(
        {
            "path": [f"{n}.jpg" for n in range(200)],
            "dataset": [None if a == 3 else f"set{a}" for a, _, _ in draws],
            "subject": [None if b == 3 else str(b) for _, b, _ in draws],
            "video": [None if c == 3 else f"v{c}" for _, _, c in draws],
            "size": [float(c) for _, _, c in draws],
        }
    )


def test_equal_cells_are_one_group(table: pa.Table) -> None:
    names = ["dataset", "subject", "size"]
    rows = list(zip(*(table[name].to_pylist() for name in names), strict=True))
    assert same_groups(codes(table, names), list(rows))
    assert same_groups(codes(table, [*names, "not there"]), list(rows))
    assert codes(table, ["not there"]).tolist() == [0] * 200
    chunked = pa.concat_tables([table.slice(0, 70), table.slice(70)])
    assert codes(chunked, names).tolist() == codes(table, names).tolist()


def test_pairs_have_no_gaps(table: pa.Table) -> None:
    found = paired(column_codes(table["subject"]), column_codes(table["video"]))
    assert set(found.tolist()) == set(range(len(set(found.tolist()))))
    assert paired(np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []


def test_rows_without_a_value_are_groups_of_their_own(table: pa.Table) -> None:
    keys = [name or number for number, name in enumerate(table["subject"].to_pylist())]
    assert same_groups(own_groups(table["subject"]), keys)


def test_a_video_belongs_to_a_subject_or_is_the_file_itself(table: pa.Table) -> None:
    rows = zip(*(table[name].to_pylist() for name in ("dataset", "subject", "video", "path")), strict=True)
    assert same_groups(video_codes(table), [(a, b, c or path) for a, b, c, path in rows])
    assert len(set(video_codes(table.select(["path"])).tolist())) == 200
