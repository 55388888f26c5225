"""The report of a table: one HTML file that needs no other and no network.

The charts are drawn by the scripts in ``page/``; what can be text is text, so that it is there without them.
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
from mien.report.text import about, bars, clock, errors, gallery, lead, title, tracks
from mien.tasks import Kind

SCRIPTS = ("state.js", "timeline.js", "pictures.js", "report.js")

CHOSEN = 4
"""So many attributes, those that are there for the longest time, are drawn as lines at first."""

GAP = -32768
"""In the page's 16-bit numbers: no value."""


def report(
    scan: Scan,
    metadata: Mapping[str, str],
    table: str,
    *,
    failures: Sequence[Mapping[str, str]] = (),
    pictures: Mapping[Peak, str] | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The whole page.

    Args:
        scan: what the table holds.
        metadata: what the table says of itself.
        table: its name, for people.
        failures: inputs that could not be read: ``input``, ``error``.
        pictures: data URIs of peaks.
        notes: lines about what the report lacks.
    """
    charts = any(track.curves is not None for track in scan.tracks) or bool(len(scan.cloud))
    scripts = [_text("uplot.min.js") if scan.timed else "", *map(_text, SCRIPTS)] if charts else []
    code = "\n".join(scripts)
    style = _text("uplot.min.css") + _text("report.css")
    hashed = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'"
    body = [
        f"<h1>{escape(title(scan, table))}</h1>",
        f"<p class=lead>{escape(lead(scan, metadata))}</p>",
        *(f"<section class=alert><p>{escape(note)}</p></section>" for note in notes),
        errors(failures),
        *(_timed(scan) if scan.timed and charts else _still(scan)),
        gallery(scan, pictures or {}),
        tracks(scan) if scan.timed or not scan.tracks else "",
        about(metadata, table),
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
        f'<script type="application/json" id="data">{embedded(data(scan))}</script>' if charts else "",
        f"<script>{code}</script>" if charts else "",
        "</body></html>\n",
    ])  # fmt: skip


def embedded(value: object) -> str:
    """JSON that cannot end the script element that it stands in, whatever a file is called."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def data(scan: Scan) -> dict[str, Any]:
    """What the charts are drawn from.

    Curves are 16-bit numbers in base64, ten thousandths, kind by kind and label by label; times are milliseconds
    behind the first.
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
        return {**shared, "cloud": _cloud(scan)}
    return {
        **shared,
        "chosen": chosen(scan),
        "quadrants": scan.quadrants,
        "tracks": [_packed(scan, track, kinds) for track in scan.tracks if track.curves is not None],
    }


def chosen(scan: Scan) -> list[str]:
    """The attributes that are drawn at first."""
    labels = [label for task in scan.tasks if task.kind is Kind.ATTRIBUTES for label in task.labels]
    weight = dict.fromkeys(labels, 0.0)
    for track in scan.tracks:
        for label in labels:
            weight[label] += track.seconds * (track.share.get(label, 0.0) + 1e-3 * track.mean.get(label, 0.0))
    best = set(sorted(labels, key=lambda label: -weight[label])[:CHOSEN])
    return [label for label in labels if label in best]


def _packed(scan: Scan, track: Track, kinds: Sequence[str]) -> dict[str, Any]:
    assert track.curves is not None
    which = [{"middle": MIDDLE, "low": LOW, "high": HIGH, "smooth": SMOOTH}[kind] for kind in kinds]
    values = np.nan_to_num(track.curves.values[:, which].transpose(1, 2, 0) * 10_000, nan=GAP).round()
    times = np.round((track.curves.times - scan.first) * 1000)
    whose = f"{PurePath(track.input).name}: " if len(scan.inputs) > 1 else ""
    return {
        "input": track.input,
        "name": track.name,
        "title": f"{whose}{track.name}, {clock(track.seconds)}",
        "share": track.share,
        "mean": track.mean,
        "quadrants": track.quadrants,
        "times": _base64(times.astype("<i4")),
        "values": _base64(values.clip(GAP, 32767).astype("<i2")),
    }


def _cloud(scan: Scan) -> list[list[float]]:
    """Faces of pictures as x, y and the number of the most probable class."""
    labels = [label for task in scan.tasks for label in task.labels]
    axes = [label for task in scan.tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    classes = next((task.labels for task in scan.tasks if task.kind is Kind.CLASSES), ())
    if len(axes) != 2:
        return []
    known = scan.cloud[np.isfinite(scan.cloud).all(1)]
    places = known[:, [labels.index(axis) for axis in axes]].round(4)
    top = known[:, [labels.index(label) for label in classes]].argmax(1) if classes else np.ones(len(known), int)
    return [[*place, int(at)] for place, at in zip(places.tolist(), top, strict=True)]


def _timed(scan: Scan) -> list[str]:
    """The tools and the places of the charts of a video."""
    classes = [task for task in scan.tasks if task.kind is Kind.CLASSES]
    attributes = any(task.kind is Kind.ATTRIBUTES for task in scan.tasks)
    axes = [label for task in scan.tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    each = f"{scan.bin:.2g} s" if scan.bin else "a frame"
    smooth = "Lines are smoothed values. " if scan.smoothed else ""
    band = "Where points are closer than the screen shows, lines are means, bands reach from least to greatest. "
    band = band if scan.frames > 400 else ""
    parts = [
        _tools(scan),
        "<section><h2>Who is seen when</h2><p class=note>Coloured by the most probable class of each moment. A point of"
        f" the curves is {each}. {smooth}{band}Drag across a chart to zoom in, double-click to see everything. Numbers"
        " beside names are means of the track, or of the moment that you point at.</p>"
        "<div class=ribbon id=ribbon></div></section>",
    ]
    parts += [
        f"<section><h2>{escape(_spoken(task.name))}</h2><p class=note>Probability of each class.</p>"
        f"<div id=classes{index}></div></section>"
        for index, task in enumerate(classes)
    ]
    if axes:
        parts.append(f"<section><h2>{escape(_spoken(' and '.join(axes)))}</h2><div id=continuous></div></section>")
    if attributes:
        names = _spoken(" and ".join(task.name for task in scan.tasks if task.kind is Kind.ATTRIBUTES))
        parts.append(
            f"<section><h2>{escape(names)}</h2><p class=note>Probability that each is present; choose which are drawn."
            "</p><div id=attributes></div></section>"
        )
        parts.append(
            f"<section><h2>{escape(names)}, all</h2><p class=note>0<span class=scale></span>1"
            "<span class=gapkey></span>not seen</p><div class=heat id=heat></div>"
            "<p class='note readout' id=heatread></p></section>"
        )
    whole = [_plane(axes, "The way through the plane in the time that is shown: early is pale, late is strong.")]
    shares = ""
    if classes:
        shares += (
            f"<h2>Share of time, {escape(_spoken(classes[0].name).lower())}</h2><p class=note>How long each is the most"
            " probable one, of the chosen track's time.</p><div class=bars id=shares></div>"
        )
    if scan.quadrants:
        shares += "<h2>Share of time, quadrants of the plane</h2><div class=bars id=quadrants></div>"
    whole.append(f"<section>{shares}</section>" if shares else "")
    return [*parts, "<div class=two>", *filter(None, whole), "</div>"]


def _tools(scan: Scan) -> str:
    """What stays at the top: which track, which lines, which stretch of time."""
    deeds = {
        "back": ("earlier", "&lsaquo;"),
        "on": ("later", "&rsaquo;"),
        "closer": ("zoom in", "+"),
        "wider": ("zoom out", "&minus;"),
        "all": ("everything", "All"),
    }
    long = any(track.curves is not None and len(track.curves.times) > 400 for track in scan.tracks)
    boxes = [
        *(["<label><input type=checkbox id=raw> raw values</label>"] if scan.smoothed else []),
        *(["<label><input type=checkbox id=band checked> range</label>"] if long else []),
    ]
    buttons = "".join(
        f'<button type=button id={name} aria-label="{said}" title="{said}">{sign}</button>'
        for name, (said, sign) in deeds.items()
    )
    return (
        f"<div class=tools><label>Track <select id=track></select></label>{''.join(boxes)}"
        f"<span class=push><span class=range id=range></span>{buttons}</span></div>"
    )


def _still(scan: Scan) -> list[str]:
    """The plane of pictures, and how many faces show what."""
    if scan.timed or not scan.tracks:
        return []
    crowd = scan.tracks[0]
    axes = [label for task in scan.tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    means = ", ".join(f"{axis} {crowd.mean[axis]:+.2f}" for axis in axes if crowd.mean)
    first = next((task for task in scan.tasks if task.kind is Kind.CLASSES), None)
    others = [task for task in scan.tasks if task.kind is not Kind.CONTINUOUS and task is not first]
    plane = _plane(axes, f"One point a face, coloured by its most probable class. Means: {escape(means)}.")
    pair = [*filter(None, [plane, bars(first, crowd) if first else ""])]
    return ["<div class=two>", *pair, "</div>", *(bars(task, crowd) for task in others)]


def _plane(axes: Sequence[str], said: str) -> str:
    if len(axes) != 2:
        return ""
    name = escape(_spoken(" and ".join(axes)))
    return f"<section><h2>{name}, plane</h2><p class=note>{said}</p><div class=plane id=plane></div></section>"


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _base64(values: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _text(name: str) -> str:
    return files("mien.report").joinpath("page").joinpath(name).read_text(encoding="utf-8")
