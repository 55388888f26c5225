import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.report import decimate
from mien.report.build import GAP, build_report, chart_data, embedded, initial_attributes
from mien.report.scan import Scan, scan
from mien.table.reader import AnnotatedTable
from mien.tasks import FACE, Kind, Task

EVIL = '</script><script>alert("x")</script>" onload="alert(1)\u2028\'<img src=x onerror=alert(2)>.mp4'
FACES = [(frame, frame / 25, track) for frame in range(30) for track in range(2) if (frame // 5 + track) % 3]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page(HTMLParser):
    """Tags, and the text of the scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


@pytest.fixture
def scanned(tmp_path: Path, annotations: Callable[..., Path]) -> Callable[..., Scan]:
    def make(*given: Any, **options: Any) -> Scan:
        return scan(AnnotatedTable(annotations(tmp_path / "t.parquet", *given, **options)))

    return make


def places(text: str) -> list[str]:
    """The ids of the places for charts."""
    return [attrs["id"] or "" for tag, attrs in Page(text).tags if tag == "div" and "id" in attrs]


def page(found: Scan, **options: Any) -> str:
    return build_report(found, {"model": "tiny", "mien_version": "0"}, "t.parquet", **options)


def test_the_page_loads_nothing(scanned: Callable[..., Scan]) -> None:
    text = page(scanned(FACES))
    found = Page(text)
    assert not re.search(r"https?://", re.sub(r"https://github.com/leeoniya/uPlot", "", text))
    assert all(not {"src", "srcset"} & set(attrs) for tag, attrs in found.tags if tag != "img")
    assert [attrs["href"] for tag, attrs in found.tags if "href" in attrs] == ["data:,"]
    policy = next(attrs["content"] for _, attrs in found.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    digest = base64.b64encode(hashlib.sha256(found.scripts[1].encode()).digest()).decode()
    assert policy.split("script-src")[1].strip() == f"'sha256-{digest}'"


def test_names_cannot_become_code(scanned: Callable[..., Scan]) -> None:
    tasks = (*FACE, Task("x<b>", Kind.CLASSES, ("<i>a", "</script>b"), ("<s>", "</script>")))
    found = scanned(FACES, tasks, name=EVIL)
    metadata = {"options": json.dumps({"<b>": EVIL}), EVIL: "[1]", "mien_version": "0", "model": EVIL}
    text = build_report(found, metadata, EVIL, failures=[{"input": EVIL, "error": EVIL}], notes=[EVIL])
    seen = Page(text)
    assert [tag for tag, _ in seen.tags].count("script") == 2
    assert not [attrs for tag, attrs in seen.tags if any(name.startswith("on") for name in attrs)]
    assert "x onerror" not in re.sub(r"&lt;img src=x onerror|u003cimg src=x onerror", "", text)
    assert {tag for tag, _ in seen.tags}.isdisjoint({"i>a", "b", "s"})
    whole = json.loads(seen.scripts[0])
    assert whole["tracks"][0]["input"] == EVIL
    assert whole["tasks"][-1]["labels"] == ["<i>a", "</script>b"]
    assert html.escape(EVIL) in text


@pytest.mark.parametrize("text", ["</script>", "<!--", "\u2028", "&lt;", "é", "]]>"])
def test_json_in_a_page_is_unchanged(text: str) -> None:
    made = embedded({"a": [text, 1.5, None]})
    assert json.loads(made) == {"a": [text, 1.5, None]}
    assert not set("<>&\u2028") & set(made)


def unpacked(whole: dict[str, Any], track: int) -> tuple[Any, Any]:
    packed = whole["tracks"][track]
    times = np.frombuffer(base64.b64decode(packed["times"]), "<i4") / 1000 + whole["first"]
    labels = [label for task in whole["tasks"] for label in task["labels"]]
    values = np.frombuffer(base64.b64decode(packed["values"]), "<i2")
    return times, values.reshape(len(whole["kinds"]), len(labels), len(times))


def test_curves_are_packed_without_loss(scanned: Callable[..., Scan]) -> None:
    found = scanned([(frame, 5 + time, track) for frame, time, track in FACES], smooth=True)
    whole = chart_data(found)
    assert whole["kinds"] == ["middle", "smooth"]
    for index, track in enumerate(found.tracks):
        assert track.curves is not None
        times, values = unpacked(whole, index)
        assert times == pytest.approx(track.curves.times, abs=6e-4)
        gaps = np.isnan(track.curves.values[:, 0, 0])
        assert gaps.any()
        assert (values[0][:, gaps] == GAP).all()
        assert pytest.approx(track.curves.values[~gaps, 0], abs=6e-5) == values[0][:, ~gaps].T / 10_000
        assert pytest.approx(track.curves.values[~gaps, 3], abs=6e-5) == values[1][:, ~gaps].T / 10_000


def test_long_tables_stay_small(scanned: Callable[..., Scan], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decimate, "POINTS", 50)
    found = scanned([(frame, frame / 25, 0) for frame in range(1500)])
    whole = chart_data(found)
    assert whole["kinds"] == ["middle", "low", "high"]
    times, values = unpacked(whole, 0)
    assert len(times) == pytest.approx(50, abs=2)
    assert (values[1] <= values[0]).all()
    assert (values[0] <= values[2]).all()


def test_peaks_failures_options_and_notes_are_shown(scanned: Callable[..., Scan]) -> None:
    found = scanned(FACES)
    pictures = {found.peaks[0]: "data:image/jpeg;base64,AAAA"}
    metadata = {"model": "tiny", "mien_version": "9.9", "tasks": "[]", "compounds": '{"a": {"b": 1}}'}
    metadata["options"] = '{"every": 3, "smooth": null, "whole": true}'
    failures = [{"input": f"{index}.mp4", "error": "damaged"} for index in range(250)]
    text = build_report(found, metadata, "t.parquet", failures=failures, pictures=pictures, notes=["No thumbnails."])
    cards = re.findall(r'<button type="button" class="peak".*?</button>', text)
    assert len(cards) == len(found.peaks)
    assert [index for index, card in enumerate(cards) if "<img" in card] == [0]
    peak = found.peaks[0]
    assert f'<img src="data:image/jpeg;base64,AAAA" alt="{peak.label} {peak.value:.2f}">' in cards[0]
    assert f'data-track="{peak.track}" data-input="{peak.input}" data-time="{peak.time!r}"' in cards[0]
    assert "<section class=alert><h2>250 inputs could not be read completely</h2>" in text
    assert text.count(">damaged</td>") == 200
    assert "... and 50 more failures." in text
    assert "<section class=alert><p>No thumbnails.</p></section>" in text
    assert "Annotated by mien 9.9 with the network tiny." in text
    rows = dict(
        re.findall(r"<tr><td>(.*?)</td><td class=long>(.*?)</td></tr>", text.split("How this table was made")[1], re.S)
    )
    assert list(rows) == [
        "table",
        "compounds",
        "mien_version",
        "model",
        "options: every",
        "options: smooth",
        "options: whole",
    ]
    assert [rows[f"options: {name}"] for name in ("every", "smooth", "whole")] == ["3", "none", "yes"]
    assert "&quot;b&quot;: 1" in rows["compounds"]


def test_initial_attributes_are_present_for_the_longest_time(scanned: Callable[..., Scan]) -> None:
    some = {label: [0.9 if label in ("AU04", "AU12", "AU25") else 0.1] * len(FACES) for label in FACE[1].labels}
    some["AU26"] = [0.3] * len(FACES)
    assert initial_attributes(scanned(FACES, **some)) == ["AU04", "AU12", "AU25", "AU26"]


def test_pictures_no_faces_and_another_label_space(scanned: Callable[..., Scan]) -> None:
    still = page(scanned([(0, 0.0, None)] * 9, video=False, input=[f"{index}.jpg" for index in range(9)], face=[0] * 9))
    assert "<p class=lead>9 pictures, 100% with a face; 9 faces. Annotated by" in still
    assert places(still) == ["plane"]
    assert "uPlot=" not in still
    video = page(scanned(FACES))
    assert places(video) == ["ribbon", "classes0", "continuous", "attributes", "heat", "plane", "shares", "quadrants"]
    assert "uPlot=" in video
    nobody = page(scanned([(0, 0.0, -1), (1, 0.1, -1)]))
    assert "<section><p>No faces found.</p></section>" in nobody
    assert "<script" not in nobody
    birds = (Task("bird", Kind.CLASSES, ("wren", "robin"), ("", "")),)
    assert places(page(scanned(FACES, birds))) == ["ribbon", "classes0", "shares"]


def test_tracks_of_several_videos_are_distinguished(scanned: Callable[..., Scan]) -> None:
    faces = [(0, 0.0, 0), (1, 0.1, 0)] * 2
    found = scanned(faces, input=["d/a.mp4"] * 2 + ["d/b.mp4"] * 2)
    assert [track["title"] for track in chart_data(found)["tracks"]] == [
        "a.mp4: track 0, 0:00.2",
        "b.mp4: track 0, 0:00.2",
    ]
    assert "<thead><tr><th>video</th><th>track</th>" in page(found)
    assert "<td>a.mp4</td><td>track 0</td>" in page(found)
    assert "<td>b.mp4</td><td>track 0</td>" in page(found)


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_draws_the_page_without_errors(tmp_path: Path, scanned: Callable[..., Scan]) -> None:
    (tmp_path / "r.html").write_text(page(scanned(FACES, name=EVIL, smooth=True)), encoding="utf-8")
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update"]  # fmt: skip
    assert CHROMIUM is not None
    for attempt in range(3):  # on a busy machine, headless Chromium sometimes dumps a page before its layout
        done = subprocess.run(
            [CHROMIUM, *quiet, f"--user-data-dir={tmp_path / f'profile{attempt}'}", "--enable-logging=stderr", "--v=0",
             "--virtual-time-budget=30000", "--run-all-compositor-stages-before-draw", "--dump-dom",
             f"file://{tmp_path / 'r.html'}"],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        assert "CONSOLE" not in done.stderr
        seen = Page(done.stdout)
        drawn = [attrs for tag, attrs in seen.tags if tag == "canvas" and int(attrs.get("width") or 0) > 100]
        if drawn:
            break
    assert len(drawn) == 6  # who is visible when, three timelines, the heat map, the plane
    assert [tag for tag, _ in seen.tags].count("option") == 2
    assert [tag for tag, _ in seen.tags].count("script") == 2
