import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.report.scan import scan
from mien.report.sections import (
    CAUTION,
    MAX_ROWS,
    clock,
    failures_section,
    peaks_section,
    provenance_section,
    shares_section,
    summary,
    title,
    tracks_section,
)
from mien.table.reader import AnnotatedTable
from mien.tasks import ACTION_UNITS, EXPRESSION, FACE


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (9.96, "0:09.9"), (59.99, "0:59.9"), (60, "1:00.0"), (3661.9, "1:01:01")]
)
def test_times_are_rounded_down(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_title_and_summary(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    found = scan(
        AnnotatedTable(annotations(tmp_path / "t.parquet", [(0, 0.0, 0), (1, 0.5, -1)], name="x/my video.mp4"))
    )
    assert title(found, "t.parquet") == "my video.mp4"
    assert summary(found, {"model": "m", "mien_version": "1"}) == (
        "0:00.0 to 0:00.5; 2 sampled frames, 50.0% with a face; 1 track. Annotated by mien 1 with the network m."
    )
    two = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", [(0, 0.0, 0)] * 2, input=["a.mp4", "b.mp4"])))
    assert title(two, "d/t.parquet") == "t.parquet"
    assert summary(two, {}) == (
        "0:00.0 to 0:00.0; 2 sampled frames, 100% with a face; 2 tracks; 2 videos. "
        "Annotated by mien with an unknown network."
    )


def test_long_lists_are_truncated(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    crowd = [(0, 0.0, track) for track in range(MAX_ROWS + 7)]
    found = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", crowd)))
    text = tracks_section(found)
    assert text.count("<tr>") == 1 + MAX_ROWS
    assert "<p class=note>... and 7 more tracks.</p>" in text


def test_failures() -> None:
    assert failures_section([]) == ""
    text = failures_section([{"input": "<a>.mp4", "error": "damaged"}])
    assert "<h2>1 input could not be read completely</h2>" in text
    assert "<td class=long>&lt;a&gt;.mp4</td><td class=long>damaged</td>" in text
    assert "more" not in text


def labels(**values: list[float | None]) -> dict[str, list[float | None]]:
    """Columns of three rows, 0.1 unless given."""
    return {**{label: [0.1] * 3 for task in FACE for label in task.labels}, **values}


def test_the_row_of_a_track(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    columns = labels(fear=[0.9, 0.9, 0.0], anger=[0.0, 0.0, 0.9], AU12=[0.9, 0.1, 0.1], AU25=[0.9, 0.9, 0.1],
                     valence=[-0.5, -0.5, 0.1])  # fmt: skip
    found = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", [(0, 0, 3), (1, 1, 3), (2, 2, 3)], **columns)))
    body = tracks_section(found).split("<tbody>")[1]
    cells = [re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<td.*?>(.*?)</td>", body)]
    assert cells == ["track 3", "0:00.0", "0:02.0", "0:03.0", "3", "fear 67%", "-0.30", "+0.10", "AU25 67%, AU12 33%"]
    assert 'aria-label="fear 67%, anger 33%"' in body


def test_shares_of_faces(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    columns = labels(fear=[0.9, 0.9, 0.0], anger=[0.0, 0.0, 0.9], AU12=[0.5, 0.4, 0.1])
    faces = [(0, 0.0, None)] * 3
    path = annotations(tmp_path / "t.parquet", faces, video=False, input=["a", "b", "c"], face=[0] * 3, **columns)
    (track,) = scan(AnnotatedTable(path)).tracks
    for task, expected in ((EXPRESSION, {"fear": "66.7%", "anger": "33.3%"}), (ACTION_UNITS, {"AU12": "33.3%"})):
        text = shares_section(task, track)
        shown = dict(re.findall(r"<span>([^<]+)</span><div.*?</div><span>([^<]+)</span>", text))
        assert shown == dict.fromkeys(task.labels, "0.0%") | expected


def test_labels_that_are_never_present_are_listed(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    path = annotations(tmp_path / "t.parquet", [(0, 0.0, 0)], AU12=[0.1], AU25=[0.9])
    found = scan(AnnotatedTable(path))
    text = peaks_section(found, {})
    never = text.split("Never present: ")[1].split(".</p>")[0].split(", ")
    peaks = re.findall(r"<strong>(.*?)</strong>", text)
    assert "AU25" in peaks
    assert "AU12" in never
    assert {*peaks, *never} == {label for task in FACE for label in task.labels}
    assert not set(peaks) & set(never)


def test_metadata_of_any_kind() -> None:
    metadata = {"options": '{"fps": 2.5}', "list": "[1, 2]", "word": "plain", "number": "3", "tasks": "[]"}
    text = provenance_section(metadata, "t")
    rows = dict(re.findall(r"<tr><td>(.*?)</td><td class=long>(.*?)</td></tr>", text, re.DOTALL))
    assert rows == {
        "table": "t", "list": "<details><summary>show</summary><pre>[\n 1,\n 2\n]</pre></details>", "number": "3",
        "options: fps": "2.5", "word": "plain",
    }  # fmt: skip


def test_the_caution_claims_no_more_about_calibration_than_is_known() -> None:
    """The bundled networks are calibrated; others may be."""
    assert "not calibrated" not in CAUTION
    assert "may have been calibrated, but not on these faces" in CAUTION
    assert CAUTION in provenance_section({}, "t")
