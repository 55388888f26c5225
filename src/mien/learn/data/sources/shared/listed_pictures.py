"""Lists that name pictures and give each a number as its label."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mien.learn.data.sources.shared.file_lookup import FileLookup
from mien.learn.data.sources.shared.release_files import Report
from mien.learn.data.sources.shared.text_files import whole_number


class ListedPicture(NamedTuple):
    """A usable line of a list: where it is (``FILE: line N``), the name in it, the picture on disk and its label."""

    where: str
    name: str
    picture: Path
    code: int


def listed_pictures(
    path: Path,
    entries: Iterable[tuple[int, str, str]],
    codes: range,
    place: Callable[[str, int], Path],
    report: Report,
) -> Iterator[ListedPicture]:
    """Yield the usable lines of a list; a wrong label, a duplicate name and a missing picture are reported.

    Args:
        path: the list, for reports.
        entries: line number, name and label of each of its lines.
        codes: the valid labels.
        place: returns where the picture of a name and a label should be; case and suffix may differ.
        report: called with a line for each unusable line.
    """
    lookup, seen = FileLookup(), set[str]()
    for line, name, label in entries:
        where = f"{path}: line {line}"
        try:
            code = whole_number(label, codes[0], codes[-1])
        except ValueError as error:
            report(f"{where}: {error}")
            continue
        expected = place(name, code)
        picture = lookup.find(expected)
        if name in seen:
            report(f"{where}: {name}: duplicate picture")
        elif picture is None:
            report(f"{where}: {name}: no such picture in {expected.parent}")
        else:
            seen.add(name)
            yield ListedPicture(where, name, picture, code)
