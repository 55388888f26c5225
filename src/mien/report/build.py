"""The report of a table: one self-contained HTML file that loads nothing from the network.

The scripts in ``page/`` draw the charts. Everything else is plain HTML and works without them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import PurePath
from typing import Any

import numpy as np

from mien.report.decimate import HIGH, LOW, MIDDLE, SMOOTH
from mien.report.scan import Peak, Scan, Track
from mien.report.sections import (
    clock,
    failures_section,
    heading,
    peaks_section,
    provenance_section,
    shares_section,
    summary,
    title,
    tracks_section,
)
from mien.tasks import Kind, Task

SCRIPTS = ("state.js", "timeline.js", "pictures.js", "report.js")

INITIAL_ATTRIBUTES = 4
"""Number of attributes that are initially drawn as lines: those that are present for the longest time."""

GAP = -32768
"""Marks a missing value among the 16-bit numbers of the page."""


def build_report(
    scan: Scan,
    metadata: Mapping[str, str],
    table: str,
    *,
    failures: Sequence[Mapping[str, str]] = (),
    pictures: Mapping[Peak, str] | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Build the page.

    Args:
        scan: the contents of the table.
        metadata: the metadata of the table.
        table: the name of the table, as shown to the reader.
        failures: inputs that could not be read: ``input``, ``error``.
        pictures: thumbnails of the peaks, as data URIs.
        notes: lines about what is missing from the report.

    Returns:
        The HTML of the page.

    Example::

        table = AnnotatedTable("interview.parquet")
        Path("interview.html").write_text(build_report(scan(table), table.metadata, "interview.parquet"))
    """
    charts = any(track.curves is not None for track in scan.tracks) or bool(len(scan.cloud))
    scripts = [_page_file("uplot.min.js") if scan.timed else "", *map(_page_file, SCRIPTS)] if charts else []
    code = "\n".join(scripts)
    style = _page_file("uplot.min.css") + _page_file("report.css")
    hashed = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'"
    body = [
        f"<h1>{escape(title(scan, table))}</h1>",
        f"<p class=lead>{escape(summary(scan, metadata))}</p>",
        *(f"<section class=alert><p>{escape(note)}</p></section>" for note in notes),
        failures_section(failures),
        *(_video_sections(scan) if scan.timed and charts else _picture_sections(scan)),
        peaks_section(scan, pictures or {}),
        tracks_section(scan) if scan.timed or not scan.tracks else "",
        provenance_section(metadata, table),
    ]
    return "\n".join([
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">',
        f"<title>{escape(title(scan, table))}</title>",
        f"<style>{style}</style></head><body><main>",
        *filter(None, body),
        "</main>",
        f'<script type="application/json" id="data">{embedded(chart_data(scan))}</script>' if charts else "",
        f"<script>{code}</script>" if charts else "",
        "</body></html>\n",
    ])  # fmt: skip


def embedded(value: object) -> str:
    """JSON that cannot end the script element around it, even if the name of a file contains tags."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def chart_data(scan: Scan) -> dict[str, Any]:
    """The data of the charts.

    Curves are 16-bit numbers in base64, in ten thousandths, kind by kind and label by label; times are milliseconds
    after the first time.
    """
    kinds = ["middle", *(["low", "high"] if scan.bin else []), *(["smooth"] if scan.smoothed else [])]
    shared = {
        "timed": scan.timed,
        "tasks": [task.to_dict() for task in scan.tasks],
        "first": scan.first,
        "last": scan.last,
        "bin": scan.bin,
        "edge": max(scan.step, scan.bin) / 2,
        "kinds": kinds,
    }
    if not scan.timed:
        return {**shared, "cloud": _cloud_points(scan)}
    return {
        **shared,
        "initial": initial_attributes(scan),
        "quadrants": scan.quadrants,
        "tracks": [_packed_track(scan, track, kinds) for track in scan.tracks if track.curves is not None],
    }


def initial_attributes(scan: Scan) -> list[str]:
    """The attributes that are initially drawn as lines, in the order of the labels."""
    labels = [label for task in scan.tasks if task.kind is Kind.ATTRIBUTES for label in task.labels]
    weight = dict.fromkeys(labels, 0.0)
    for track in scan.tracks:
        for label in labels:
            weight[label] += track.seconds * (track.share.get(label, 0.0) + 1e-3 * track.mean.get(label, 0.0))
    best = set(sorted(labels, key=lambda label: -weight[label])[:INITIAL_ATTRIBUTES])
    return [label for label in labels if label in best]


def _packed_track(scan: Scan, track: Track, kinds: Sequence[str]) -> dict[str, Any]:
    assert track.curves is not None
    indices = [{"middle": MIDDLE, "low": LOW, "high": HIGH, "smooth": SMOOTH}[kind] for kind in kinds]
    values = np.nan_to_num(track.curves.values[:, indices].transpose(1, 2, 0) * 10_000, nan=GAP).round()
    times = np.round((track.curves.times - scan.first) * 1000)
    video = f"{PurePath(track.input).name}: " if len(scan.inputs) > 1 else ""
    return {
        "input": track.input,
        "name": track.name,
        "title": f"{video}{track.name}, {clock(track.seconds)}",
        "share": track.share,
        "mean": track.mean,
        "quadrants": track.quadrants,
        "times": _base64(times.astype("<i4")),
        "values": _base64(values.clip(GAP, 32767).astype("<i2")),
    }


def _cloud_points(scan: Scan) -> list[list[float]]:
    """The faces of pictures as x, y and the index of the most probable class."""
    labels = [label for task in scan.tasks for label in task.labels]
    axes = [label for task in scan.tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    classes = next((task.labels for task in scan.tasks if task.kind is Kind.CLASSES), ())
    if len(axes) != 2:
        return []
    known = scan.cloud[np.isfinite(scan.cloud).all(1)]
    places = known[:, [labels.index(axis) for axis in axes]].round(4)
    top = known[:, [labels.index(label) for label in classes]].argmax(1) if classes else np.ones(len(known), int)
    return [[*place, int(index)] for place, index in zip(places.tolist(), top, strict=True)]


def _video_sections(scan: Scan) -> list[str]:
    """The toolbar of a video, and placeholders for its charts."""
    classes = [task for task in scan.tasks if task.kind is Kind.CLASSES]
    axes = [label for task in scan.tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    sections = [_toolbar(scan), _presence_section(scan)]
    sections += [
        f"<section><h2>{escape(heading(task.name))}</h2><p class=note>Probability of each class.</p>"
        f"<div id=classes{index}></div></section>"
        for index, task in enumerate(classes)
    ]
    if axes:
        sections.append(f"<section><h2>{escape(heading(' and '.join(axes)))}</h2><div id=continuous></div></section>")
    path = "The path through the plane in the time range shown, from pale (early) to strong (late)."
    pair = [_plane(axes, path), _shares_of_time(scan, classes)]
    return [*sections, *_attribute_sections(scan), "<div class=two>", *filter(None, pair), "</div>"]


def _presence_section(scan: Scan) -> str:
    points = f"covers {scan.bin:.2g} s, with its median and its range" if scan.bin else "is one frame"
    smooth = "Lines show smoothed values. " if scan.smoothed else ""
    band = "Where points are too dense to draw, lines show means, and bands the range from minimum to maximum. "
    return (
        "<section><h2>Who is visible when</h2><p class=note>Each track is coloured by the most probable class at each"
        f" moment. Each point of the curves {points}. {smooth}{band if scan.frames > 400 else ''}"
        "Drag across a chart to zoom in, double-click to show everything. Numbers next to names are means over the"
        " track, or the values at the pointer.</p><div class=ribbon id=ribbon></div></section>"
    )


def _attribute_sections(scan: Scan) -> list[str]:
    """The lines and the heat map of the attributes."""
    names = " and ".join(task.name for task in scan.tasks if task.kind is Kind.ATTRIBUTES)
    if not names:
        return []
    return [
        f"<section><h2>{escape(heading(names))}</h2><p class=note>Probability that each is present. Click a name to"
        " show or hide its line.</p><div id=attributes></div></section>",
        f"<section><h2>{escape(heading('all ' + names))}</h2><p class=note>0<span class=scale></span>1"
        "<span class=gapkey></span>not visible</p><div class=heat id=heat></div>"
        "<p class='note readout' id=heatread></p></section>",
    ]


def _shares_of_time(scan: Scan, classes: Sequence[Task]) -> str:
    """Placeholders for the bars of the first classification task, and of the quadrants of the plane."""
    shares = ""
    if classes:
        shares += (
            f"<h2>{escape(heading('share of time by ' + classes[0].name))}</h2><p class=note>Share of the selected"
            " track's time in which each class is the most probable.</p><div class=bars id=shares></div>"
        )
    if scan.quadrants:
        shares += "<h2>Share of time by quadrant of the plane</h2><div class=bars id=quadrants></div>"
    return f"<section>{shares}</section>" if shares else ""


def _toolbar(scan: Scan) -> str:
    """The controls at the top: the track, the kinds of lines and the time range."""
    actions = {
        "earlier": ("earlier", "&lsaquo;"),
        "later": ("later", "&rsaquo;"),
        "zoom-in": ("zoom in", "+"),
        "zoom-out": ("zoom out", "&minus;"),
        "all": ("show everything", "All"),
    }
    long = any(track.curves is not None and len(track.curves.times) > 400 for track in scan.tracks)
    boxes = [
        *(["<label><input type=checkbox id=raw> raw values</label>"] if scan.smoothed else []),
        *(["<label><input type=checkbox id=band checked> range</label>"] if long else []),
    ]
    buttons = "".join(
        f'<button type=button id={name} aria-label="{action}" title="{action}">{sign}</button>'
        for name, (action, sign) in actions.items()
    )
    return (
        f"<div class=tools><label>Track <select id=track></select></label>{''.join(boxes)}"
        f"<span class=push><span class=range id=range></span>{buttons}</span></div>"
    )


def _picture_sections(scan: Scan) -> list[str]:
    """The plane of the faces of pictures, and the share of faces with each label."""
    if scan.timed or not scan.tracks:
        return []
    faces = scan.tracks[0]
    axes = [label for task in scan.tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    means = ", ".join(f"{axis} {faces.mean[axis]:+.2f}" for axis in axes if faces.mean)
    first = next((task for task in scan.tasks if task.kind is Kind.CLASSES), None)
    others = [task for task in scan.tasks if task.kind is not Kind.CONTINUOUS and task is not first]
    plane = _plane(axes, f"One point per face, coloured by its most probable class. Means: {escape(means)}.")
    pair = [*filter(None, [plane, shares_section(first, faces) if first else ""])]
    return ["<div class=two>", *pair, "</div>", *(shares_section(task, faces) for task in others)]


def _plane(axes: Sequence[str], note: str) -> str:
    if len(axes) != 2:
        return ""
    name = escape(heading(" and ".join(axes)))
    return f"<section><h2>{name}, plane</h2><p class=note>{note}</p><div class=plane id=plane></div></section>"


def _base64(values: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _page_file(name: str) -> str:
    return files("mien.report").joinpath("page").joinpath(name).read_text(encoding="utf-8")
