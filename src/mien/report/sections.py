"""The text and the tables of a report: summary, failures, peaks, tracks, options. Names are escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePath

from mien.report.scan import PRESENT, Peak, Scan, Track
from mien.tasks import Kind, Task

MAX_ROWS = 200
"""Most tracks, or failures, that are listed."""

HIDDEN = ("tasks", "errors", "sides")
"""Metadata that is shown elsewhere, or is the same in every table."""

CAUTION = """These numbers describe what faces show, as a network sees them, not what people feel, think or intend. Its
probabilities may have been calibrated, but not on these faces. Look at some frames before you trust a number."""


def title(scan: Scan, table: str) -> str:
    """The name of the input, or of the table if it has several inputs."""
    name = PurePath(scan.inputs[0]).name if len(scan.inputs) == 1 else PurePath(table).name
    return name or table


def summary(scan: Scan, metadata: Mapping[str, str]) -> str:
    """The size of the table, and the network that annotated it."""
    with_face = scan.frames - scan.empty
    digits = 0 if with_face in (0, scan.frames) else 1
    kind = "sampled frame" if scan.timed else "picture"
    parts = [f"{_count(scan.frames, kind)}, {100 * with_face / scan.frames:.{digits}f}% with a face"]
    if scan.timed:
        parts.insert(0, f"{clock(scan.first)} to {clock(scan.last)}")
        parts.append(_count(len(scan.tracks), "track"))
    else:
        parts.append(_count(sum(track.faces for track in scan.tracks), "face"))
    if len(scan.inputs) > 1 and scan.timed:
        parts.append(_count(len(scan.inputs), "video"))
    network = f"the network {metadata['model']}" if "model" in metadata else "an unknown network"
    version = f"mien {metadata.get('mien_version', '')}".strip()
    return f"{'; '.join(parts)}. Annotated by {version} with {network}."


def heading(name: str) -> str:
    """The name of a task or of labels as a heading, such as ``Action units``."""
    return name.replace("_", " ").capitalize()


def clock(seconds: float) -> str:
    """A time such as ``2:03.4`` or, from one hour on, ``1:02:03``."""
    minutes, rest = divmod(max(0.0, seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{int(rest):02}" if hours else f"{minutes}:{int(10 * rest) / 10:04.1f}"


def failures_section(failures: Sequence[Mapping[str, str]]) -> str:
    """The inputs that could not be read; empty if there are none."""
    if not failures:
        return ""
    rows = [[escape(each.get("input", "")), escape(each.get("error", ""))] for each in failures[:MAX_ROWS]]
    more = _more(len(failures), "failures")
    count = f"{_count(len(failures), 'input')} could not be read completely"
    return f"<section class=alert><h2>{count}</h2>{_table(['input', 'error'], rows, long=(0, 1))}{more}</section>"


def peaks_section(scan: Scan, pictures: Mapping[Peak, str]) -> str:
    """A card for each peak."""
    if not scan.peaks:
        return ""
    there = {peak.label for peak in scan.peaks}
    never = [label for task in scan.tasks for label in task.labels if label not in there]
    cards = "".join(_card(scan, peak, pictures.get(peak)) for peak in scan.peaks)
    axes = [label for task in scan.tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    low = f", and the lowest of {escape(' and '.join(axes))}" if axes else ""
    smooth = " Values are smoothed." if scan.smoothed else ""
    jump = " Click a peak to jump to it." if scan.timed else ""
    rest = f"<p class=note>Never present: {escape(', '.join(never))}.</p>" if never else ""
    return (
        "<section><h2>Peaks</h2><p class=note>The highest value of each label, among the faces for which it is the most"
        f" probable class or has a probability of at least {PRESENT:g}{low}.{smooth}{jump}</p>"
        f"<div class=peaks>{cards}</div>{rest}</section>"
    )


def tracks_section(scan: Scan) -> str:
    """A table with one row per track of a video."""
    if not scan.tracks:
        return "<section><p>No faces found.</p></section>"
    classes = next((task for task in scan.tasks if task.kind is Kind.CLASSES), None)
    axes = [label for task in scan.tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    several = len(scan.inputs) > 1
    head = [*(["video"] if several else []), "track", "start", "end", "visible for", "faces"]
    numbers = tuple(range(len(head) - 4, len(head)))
    head += [*([f"share of time by {classes.name}"] if classes else []), *(f"mean {axis}" for axis in axes)]
    numbers += tuple(range(len(head) - len(axes), len(head)))
    head.append("most frequent attributes")
    rows = []
    for track in scan.tracks[:MAX_ROWS]:
        row = [escape(PurePath(track.input).name)] if several else []
        row += [escape(track.name), clock(track.first), clock(track.last), clock(track.seconds), f"{track.faces:,}"]
        row += [_stack(classes, track)] if classes else []
        row += [f"{track.mean[axis]:+.2f}" if track.mean else "" for axis in axes]
        rows.append([*row, escape(_frequent_attributes(scan, track))])
    note = ""
    if any(track.curves is None for track in scan.tracks):
        kept = sum(track.curves is not None for track in scan.tracks)
        note = f"<p class=note>Only the {kept} tracks with the most frames have curves.</p>"
    more = _more(len(scan.tracks), "tracks")
    return f"<section><h2>Tracks</h2>{note}{_table(head, rows, numbers, (len(head) - 1,))}{more}</section>"


def shares_section(task: Task, track: Track) -> str:
    """Bars with the share of faces for which a class is the most probable, or an attribute is present."""
    if not track.share:
        return ""
    cells = []
    for index, label in enumerate(task.labels):
        share, hue = track.share[label], f"--colour:var(--c{index % 8});" if task.kind is Kind.CLASSES else ""
        bar = f'<div class=bar><i style="{hue}width:{100 * share:.2f}%"></i></div>'
        cells.append(f"<span>{escape(label)}</span>{bar}<span>{100 * share:.1f}%</span>")
    most_probable = "Share of faces for which each class is the most probable."
    present = f"Share of faces for which each has a probability of at least {PRESENT:g}."
    note = most_probable if task.kind is Kind.CLASSES else present
    head = f"<h2>{escape(heading(task.name))}</h2><p class=note>{note}</p>"
    return f"<section>{head}<div class=bars>{''.join(cells)}</div></section>"


def provenance_section(metadata: Mapping[str, str], table: str) -> str:
    """The options, the network and the versions, from the metadata of the table."""
    rows = [["table", escape(table)]]
    for key, text in sorted(metadata.items()):
        if key in HIDDEN:
            continue
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        if isinstance(value, dict) and all(not isinstance(each, (dict, list)) for each in value.values()):
            rows += [[escape(f"{key}: {name}"), escape(_plain(each))] for name, each in value.items()]
        elif isinstance(value, (dict, list)):
            whole = escape(json.dumps(value, indent=1, ensure_ascii=False))
            rows.append([escape(key), f"<details><summary>show</summary><pre>{whole}</pre></details>"])
        else:
            rows.append([escape(key), escape(_plain(value))])
    listed = _table([], rows, long=(1,))
    return f"<section><h2>How this table was made</h2>{listed}<p class=note>{escape(CAUTION)}</p></section>"


def _card(scan: Scan, peak: Peak, picture: str | None) -> str:
    where = clock(peak.time) if scan.timed else PurePath(peak.input).name
    track = f"{peak.track}, " if scan.timed else ""
    image = f'<img src="{picture}" alt="{escape(f"{peak.label} {peak.value:.2f}")}">' if picture else ""
    small = escape(track + where)
    text = f"<span><strong>{escape(peak.label)}</strong> {peak.value:.2f}<small>{small}</small></span>"
    if not scan.timed:
        return f'<div class="peak" title="{escape(peak.input)}">{image}{text}</div>'
    target = f'data-track="{escape(peak.track)}" data-input="{escape(peak.input)}" data-time="{peak.time!r}"'
    return f'<button type="button" class="peak" {target}>{image}{text}</button>'


def _stack(task: Task, track: Track) -> str:
    """A stacked bar of the classes, with the most frequent one as text."""
    if not track.share:
        return ""
    shares = [(label, track.share[label], index % 8) for index, label in enumerate(task.labels)]
    listed = ", ".join(f"{label} {100 * share:.0f}%" for label, share, _ in shares if share >= 0.005)
    pieces = "".join(f'<i style="--colour:var(--c{hue});width:{100 * share:.2f}%"></i>' for _, share, hue in shares)
    most = max(shares, key=lambda each: each[1])
    return f'<div class=stack role=img aria-label="{escape(listed)}" title="{escape(listed)}">{pieces}</div>' + escape(
        f"{most[0]} {100 * most[1]:.0f}%"
    )


def _frequent_attributes(scan: Scan, track: Track) -> str:
    labels = [label for task in scan.tasks if task.kind is Kind.ATTRIBUTES for label in task.labels]
    present = [label for label in labels if track.share.get(label, 0.0) >= 0.005]
    best = sorted(present, key=lambda label: -track.share[label])[:4]
    return ", ".join(f"{label} {100 * track.share[label]:.0f}%" for label in best)


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = (), long: Sequence[int] = ()
) -> str:
    """An HTML table; the cells are HTML, ``numbers`` and ``long`` are indices of columns."""

    def cells(tag: str, row: Sequence[str]) -> str:
        kinds = {**dict.fromkeys(numbers, "number"), **dict.fromkeys(long, "long")}
        return "".join(
            f"<{tag}{f' class={kinds[at]}' if at in kinds else ''}>{cell}</{tag}>" for at, cell in enumerate(row)
        )

    top = f"<thead><tr>{cells('th', [escape(name) for name in head])}</tr></thead>" if head else ""
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<div class=scroll tabindex=0><table>{top}<tbody>{body}</tbody></table></div>"


def _more(count: int, what: str) -> str:
    return f"<p class=note>... and {count - MAX_ROWS:,} more {what}.</p>" if count > MAX_ROWS else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _plain(value: object) -> str:
    if value is None:
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
