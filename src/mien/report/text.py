"""The parts of a report that are text: what was looked at, peaks, tracks, failures, options. All names are escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePath

from mien.report.scan import PRESENT, Peak, Scan, Track
from mien.tasks import Kind, Task

MOST = 200
"""Tracks and failures that are listed."""

HIDDEN = ("tasks", "errors", "sides")
"""Metadata that is shown elsewhere, or says nothing of this table."""

CAUTION = """These numbers say what faces show, as a network sees it, not what anybody feels, thinks or intends.
Whatever its probabilities were calibrated on, if on anything, it was not these faces. Look at some frames before you
trust a figure."""


def title(scan: Scan, table: str) -> str:
    """The name of the input, or of the table if there are several."""
    name = PurePath(scan.inputs[0]).name if len(scan.inputs) == 1 else PurePath(table).name
    return name or table


def lead(scan: Scan, metadata: Mapping[str, str]) -> str:
    """How much there is, and who read it."""
    full = scan.frames - scan.empty
    share = f"{100 * full / scan.frames:.0f} %" if full in (0, scan.frames) else f"{100 * full / scan.frames:.1f} %"
    what = "frames" if scan.timed else "pictures"
    parts = [f"{scan.frames:,} {what} looked at, a face in {share} of them"]
    if scan.timed:
        parts.insert(0, f"{clock(scan.first)} to {clock(scan.last)}")
        parts.append(f"{len(scan.tracks):,} track" + "s" * (len(scan.tracks) != 1))
    else:
        parts.append(f"{sum(track.faces for track in scan.tracks):,} faces")
    if len(scan.inputs) > 1 and scan.timed:
        parts.append(f"{len(scan.inputs):,} videos")
    read = f"Read by {metadata.get('model', 'an unknown network')} with mien {metadata.get('mien_version', '')}."
    return f"{'; '.join(parts)}. {read}"


def clock(seconds: float) -> str:
    """``1:02:03`` or ``2:03.4``."""
    minutes, rest = divmod(max(0.0, seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{int(rest):02}" if hours else f"{minutes}:{int(10 * rest) / 10:04.1f}"


def errors(failures: Sequence[Mapping[str, str]]) -> str:
    """What could not be read; empty if all could."""
    if not failures:
        return ""
    rows = [[escape(each.get("input", "")), escape(each.get("error", ""))] for each in failures[:MOST]]
    more = _more(len(failures), "failures")
    count = f"{len(failures):,} input{'s' * (len(failures) != 1)} could not be read to the end"
    return f"<section class=alert><h2>{count}</h2>{_table(['input', 'error'], rows, long=(0, 1))}{more}</section>"


def gallery(scan: Scan, pictures: Mapping[Peak, str]) -> str:
    """A card for each peak."""
    if not scan.peaks:
        return ""
    there = {peak.label for peak in scan.peaks}
    never = [label for task in scan.tasks for label in task.labels if label not in there]
    cards = "".join(_card(scan, peak, pictures.get(peak)) for peak in scan.peaks)
    smooth = " Values are smoothed." if scan.smoothed else ""
    jump = " A click goes there." if scan.timed else ""
    rest = f"<p class=note>Never present: {escape(', '.join(never))}.</p>" if never else ""
    return (
        "<section><h2>Peaks</h2><p class=note>Where each label is greatest, among those faces for which it is the most"
        f" probable class or reaches {PRESENT:g}.{smooth}{jump}</p><div class=peaks>{cards}</div>{rest}</section>"
    )


def tracks(scan: Scan) -> str:
    """A row for each track of a video."""
    if not scan.tracks:
        return "<section><p>No face was found.</p></section>"
    classes = next((task for task in scan.tasks if task.kind is Kind.CLASSES), None)
    axes = [label for task in scan.tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    several = len(scan.inputs) > 1
    head = [*(["video"] if several else []), "track", "from", "to", "seen", "faces"]
    numbers = tuple(range(len(head) - 4, len(head)))
    head += [*([f"share of time, {classes.name}"] if classes else []), *(f"mean {axis}" for axis in axes)]
    numbers += tuple(range(len(head) - len(axes), len(head)))
    head.append("most often present")
    rows = []
    for track in scan.tracks[:MOST]:
        row = [escape(PurePath(track.input).name)] if several else []
        row += [escape(track.name), clock(track.first), clock(track.last), clock(track.seconds), f"{track.faces:,}"]
        row += [_stack(classes, track)] if classes else []
        row += [f"{track.mean[axis]:+.2f}" if track.mean else "" for axis in axes]
        rows.append([*row, escape(_often(scan, track))])
    note = ""
    if any(track.curves is None for track in scan.tracks):
        kept = sum(track.curves is not None for track in scan.tracks)
        note = f"<p class=note>The {kept} tracks with the most frames have curves.</p>"
    more = _more(len(scan.tracks), "tracks")
    return f"<section><h2>Tracks</h2>{note}{_table(head, rows, numbers, (len(head) - 1,))}{more}</section>"


def bars(task: Task, track: Track) -> str:
    """For how many faces a class is the most probable or an attribute present."""
    if not track.share:
        return ""
    cells = []
    for index, label in enumerate(task.labels):
        share, hue = track.share[label], f"--colour:var(--c{index % 8});" if task.kind is Kind.CLASSES else ""
        bar = f'<div class=bar><i style="{hue}width:{100 * share:.2f}%"></i></div>'
        cells.append(f"<span>{escape(label)}</span>{bar}<span>{100 * share:.1f} %</span>")
    said = (
        "How many faces show each most." if task.kind is Kind.CLASSES else f"How many have each, from {PRESENT:g} on."
    )
    name = escape(task.name.replace("_", " ").capitalize())
    return f"<section><h2>{name}</h2><p class=note>{said}</p><div class=bars>{''.join(cells)}</div></section>"


def about(metadata: Mapping[str, str], table: str) -> str:
    """The options, the network and the versions, as the table has them."""
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
    return f"<section><h2>How it was made</h2>{listed}<p class=note>{escape(CAUTION)}</p></section>"


def _card(scan: Scan, peak: Peak, picture: str | None) -> str:
    where = clock(peak.time) if scan.timed else PurePath(peak.input).name
    whose = f"{peak.track}, " if scan.timed else ""
    image = f'<img src="{picture}" alt="{escape(f"{peak.label} {peak.value:.2f}")}">' if picture else ""
    small = escape(whose + where)
    text = f"<span><strong>{escape(peak.label)}</strong> {peak.value:.2f}<small>{small}</small></span>"
    if not scan.timed:
        return f'<div class="peak" title="{escape(peak.input)}">{image}{text}</div>'
    told = f'data-track="{escape(peak.track)}" data-input="{escape(peak.input)}" data-time="{peak.time!r}"'
    return f'<button type="button" class="peak" {told}>{image}{text}</button>'


def _stack(task: Task, track: Track) -> str:
    if not track.share:
        return ""
    shares = [(label, track.share[label], index % 8) for index, label in enumerate(task.labels)]
    said = ", ".join(f"{label} {100 * share:.0f} %" for label, share, _ in shares if share >= 0.005)
    pieces = "".join(f'<i style="--colour:var(--c{hue});width:{100 * share:.2f}%"></i>' for _, share, hue in shares)
    most = max(shares, key=lambda each: each[1])
    return f'<div class=stack role=img aria-label="{escape(said)}" title="{escape(said)}">{pieces}</div>' + escape(
        f"{most[0]} {100 * most[1]:.0f} %"
    )


def _often(scan: Scan, track: Track) -> str:
    labels = [label for task in scan.tasks if task.kind is Kind.ATTRIBUTES for label in task.labels]
    there = [label for label in labels if track.share.get(label, 0.0) >= 0.005]
    best = sorted(there, key=lambda label: -track.share[label])[:4]
    return ", ".join(f"{label} {100 * track.share[label]:.0f} %" for label in best)


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = (), long: Sequence[int] = ()
) -> str:
    """Cells are HTML."""

    def cells(tag: str, row: Sequence[str]) -> str:
        kinds = {**dict.fromkeys(numbers, "number"), **dict.fromkeys(long, "long")}
        return "".join(
            f"<{tag}{f' class={kinds[at]}' if at in kinds else ''}>{cell}</{tag}>" for at, cell in enumerate(row)
        )

    top = f"<thead><tr>{cells('th', [escape(name) for name in head])}</tr></thead>" if head else ""
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<div class=scroll tabindex=0><table>{top}<tbody>{body}</tbody></table></div>"


def _more(count: int, what: str) -> str:
    return f"<p class=note>... and {count - MOST:,} more {what}.</p>" if count > MOST else ""


def _plain(value: object) -> str:
    if value is None:
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
