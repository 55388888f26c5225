import base64
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
from mien.report.build import GAP, chosen, data, embedded, report
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


def page(found: Scan, **options: Any) -> str:
    return report(found, {"model": "tiny", "mien_version": "0"}, "t.parquet", **options)


def test_it_needs_nothing_else(scanned: Callable[..., Scan]) -> None:
    text = page(scanned(FACES))
    found = Page(text)
    assert not re.search(r"https?://", re.sub(r"https://github.com/leeoniya/uPlot", "", text))
    assert all(not {"src", "srcset"} & set(attrs) for tag, attrs in found.tags if tag != "img")
    assert [attrs["href"] for tag, attrs in found.tags if "href" in attrs] == ["data:,"]
    policy = next(attrs["content"] for _, attrs in found.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe-inline" not in policy.split("script-src")[1]


def test_names_cannot_become_code(scanned: Callable[..., Scan]) -> None:
    tasks = (*FACE, Task("x<b>", Kind.CLASSES, ("<i>a", "</script>b"), ("<s>", "</script>")))
    found = scanned(FACES, tasks, name=EVIL)
    told = {"options": json.dumps({"<b>": EVIL}), EVIL: "[1]", "mien_version": "0", "model": EVIL}
    text = report(found, told, EVIL, failures=[{"input": EVIL, "error": EVIL}], notes=[EVIL])
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
def test_json_in_a_page_is_the_same_json(text: str) -> None:
    made = embedded({"a": [text, 1.5, None]})
    assert json.loads(made) == {"a": [text, 1.5, None]}
    assert not set("<>&\u2028") & set(made)


def unpacked(whole: dict[str, Any], track: int) -> tuple[Any, Any]:
    told = whole["tracks"][track]
    times = np.frombuffer(base64.b64decode(told["times"]), "<i4") / 1000 + whole["first"]
    labels = [label for task in whole["tasks"] for label in task["labels"]]
    values = np.frombuffer(base64.b64decode(told["values"]), "<i2")
    return times, values.reshape(len(whole["kinds"]), len(labels), len(times))


def test_curves_come_through(scanned: Callable[..., Scan]) -> None:
    found = scanned([(frame, 5 + time, track) for frame, time, track in FACES], smooth=True)
    whole = data(found)
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
    whole = data(found)
    assert whole["kinds"] == ["middle", "low", "high"]
    times, values = unpacked(whole, 0)
    assert len(times) == pytest.approx(50, abs=2)
    assert (values[1] <= values[0]).all()
    assert (values[0] <= values[2]).all()


def test_peaks_failures_options_and_notes_are_told(scanned: Callable[..., Scan]) -> None:
    found = scanned(FACES)
    pictures = {found.peaks[0]: "data:image/jpeg;base64,AAAA"}
    told = {"model": "tiny", "mien_version": "9.9", "tasks": "[]", "compounds": '{"a": {"b": 1}}'}
    told["options"] = '{"every": 3, "smooth": null, "whole": true}'
    failures = [{"input": f"{index}.mp4", "error": "damaged"} for index in range(250)]
    text = report(found, told, "t.parquet", failures=failures, pictures=pictures, notes=["No thumbnails."])
    assert 'src="data:image/jpeg;base64,AAAA"' in text
    assert text.count('class="peak"') == len(found.peaks)
    for part in ("250 inputs could not be read", "... and 50 more failures", "options: every</td><td class=long>3<",
                 ">none<", ">yes<", "&quot;b&quot;: 1", "with mien 9.9", "No thumbnails."):  # fmt: skip
        assert part in text
    assert "options: tasks" not in text


def test_chosen_attributes_are_those_there_for_longest(scanned: Callable[..., Scan]) -> None:
    some = {label: [0.9 if label in ("AU04", "AU12", "AU25") else 0.1] * len(FACES) for label in FACE[1].labels}
    some["AU26"] = [0.3] * len(FACES)
    assert chosen(scanned(FACES, **some)) == ["AU04", "AU12", "AU25", "AU26"]


def test_pictures_no_face_and_another_label_space(scanned: Callable[..., Scan]) -> None:
    still = page(scanned([(0, 0.0, None)] * 9, video=False, input=[f"{index}.jpg" for index in range(9)], face=[0] * 9))
    assert "9 pictures looked at" in still
    assert 'id="plane"' in still.replace("id=plane", 'id="plane"')
    assert "id=heat" not in still
    assert "uPlot=" not in still
    nobody = page(scanned([(0, 0.0, -1), (1, 0.1, -1)]))
    assert "No face was found." in nobody
    assert "<script" not in nobody
    birds = (Task("bird", Kind.CLASSES, ("wren", "robin"), ("", "")),)
    assert "id=classes0" in page(scanned(FACES, birds))
    assert "id=heat>" not in page(scanned(FACES, birds))


def test_several_videos_are_told_apart(scanned: Callable[..., Scan]) -> None:
    faces = [(0, 0.0, 0), (1, 0.1, 0)] * 2
    found = scanned(faces, input=["d/a.mp4"] * 2 + ["d/b.mp4"] * 2)
    assert [track["title"] for track in data(found)["tracks"]] == ["a.mp4: track 0, 0:00.2", "b.mp4: track 0, 0:00.2"]
    assert "<th>video</th>" in page(found)


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_draws_it_without_a_complaint(tmp_path: Path, scanned: Callable[..., Scan]) -> None:
    (tmp_path / "r.html").write_text(page(scanned(FACES, name=EVIL, smooth=True)), encoding="utf-8")
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update"]  # fmt: skip
    assert CHROMIUM is not None
    for attempt in range(3):  # headless, on a busy machine, it now and then dumps a page that it has not laid out yet
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
    assert len(drawn) == 6  # who is seen when, three timelines, the heat map, the plane
    assert [tag for tag, _ in seen.tags].count("option") == 2
    assert [tag for tag, _ in seen.tags].count("script") == 2
