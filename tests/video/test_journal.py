"""The journal: batches before any damage are read back, and writing resumes after them."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest

from mien.video.journal import Journal, JournalError


def schema(**options: object) -> pa.Schema:
    fields = {"frame": pa.int32(), "time": pa.float64(), "face": pa.int32(), "note": pa.string()}
    return pa.schema(fields, {"options": json.dumps(options)})


def batch(index: int) -> list[dict[str, object]]:
    return [
        {"frame": index, "time": index / 30, "face": row or None, "note": None if row else "x" * index}
        for row in range(2)
    ]


def written(path: Path, batches: int = 4) -> list[int]:
    """Write a journal; return the size of the file after the schema and after each batch."""
    journal = Journal(path, schema(every=2))
    sizes = [path.stat().st_size]
    for index in range(batches):
        journal.write(batch(index))
        sizes.append(path.stat().st_size)
    journal.close()
    return sizes


def read_back(journal: Journal) -> list[dict[str, object]]:
    return [row for part in journal.batches() for row in part.to_pylist()]


def test_a_damaged_end_is_truncated_to_the_last_whole_batch(tmp_path: Path) -> None:
    path = tmp_path / "a.part"
    sizes = written(path)
    whole = path.read_bytes()
    for length in sorted(
        {*range(0, len(whole) + 1, 9), *sizes, *(size - 1 for size in sizes), *(size + 1 for size in sizes[:-1])}
    ):
        path.write_bytes(whole[:length])
        kept = max(0, sum(length >= size for size in sizes) - 1)
        with Journal(path, schema(every=2), resume=True) as journal:
            assert (journal.rows, journal.frames, journal.faces) == (2 * kept, kept, kept)
            assert journal.last == ((kept - 1, (kept - 1) / 30) if kept else None)
            for index in range(kept, 4):
                journal.write(batch(index))
        assert path.read_bytes() == whole


def test_other_bytes_at_the_end_are_truncated(tmp_path: Path) -> None:
    path = tmp_path / "a.part"
    written(path)
    whole = path.read_bytes()
    for tail in (b"\0" * 500, b"\xff" * 7, os.urandom(300)):
        path.write_bytes(whole + tail)
        with Journal(path, schema(every=2), resume=True) as journal:
            assert len(read_back(journal)) == 8
        assert path.read_bytes() == whole


def test_it_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.part", schema()) as journal:
        journal.write(batch(0))
        assert read_back(journal) == batch(0)
        journal.write(batch(1))
        assert read_back(journal) == batch(0) + batch(1)


def test_other_options_are_named(tmp_path: Path) -> None:
    written(tmp_path / "a.part")
    with pytest.raises(JournalError, match=r"with other options: every \(was 2, is 3\), fps \(was none"):
        Journal(tmp_path / "a.part", schema(every=3, fps=5), resume=True)
    with pytest.raises(JournalError, match="other columns"):
        Journal(tmp_path / "a.part", schema(every=2).remove(3), resume=True)
    with Journal(tmp_path / "a.part", schema(every=2), resume=True) as journal:
        assert journal.rows == 8


def test_a_file_that_is_not_a_journal_is_unchanged(tmp_path: Path) -> None:
    (tmp_path / "a.part").write_text("my own notes " * 100)
    with pytest.raises(JournalError, match="not a run"):
        Journal(tmp_path / "a.part", schema(), resume=True)
    assert (tmp_path / "a.part").read_text().startswith("my own notes")


def test_resuming_without_a_file_starts_over(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.part", schema(), resume=True) as journal:
        assert (journal.rows, journal.last) == (0, None)


def test_a_partly_written_batch_is_removed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.part", schema())
    journal.write(batch(0))
    file = journal._file

    class Full:
        def __init__(self) -> None:
            self.room = 20

        def write(self, data: memoryview) -> int:
            if not self.room:
                raise OSError(28, "No space left on device")
            taken, self.room = self.room, 0
            return file.write(data[:taken])

        def __getattr__(self, name: str) -> object:
            return getattr(file, name)

    journal._file = Full()  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space"):
        journal.write(batch(1))
    assert read_back(journal) == batch(0)
    journal._file = file
    journal.write(batch(1))
    assert read_back(journal) == batch(0) + batch(1)
    journal.close()
