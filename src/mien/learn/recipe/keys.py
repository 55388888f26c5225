"""Dotted keys into nested plain data."""

from __future__ import annotations

from typing import Any


def replace_key(data: Any, key: str, value: Any) -> None:
    """Replace one value of nested plain data; numbers in the dotted key are positions in a list.

    Raises:
        ValueError: if the key leads into a value that has no keys.

    Example:
        >>> data = {"data": [{"size": 8}]}
        >>> replace_key(data, "data.0.size", 64)
        >>> data
        {'data': [{'size': 64}]}
    """
    *path, last = key.split(".")
    for step in path:
        data = data[_position(data, step)] if isinstance(data, list) else _child(data, step)
    if isinstance(data, list):
        data[_position(data, last)] = value
    else:
        data[last] = value


def _child(data: dict[str, Any], step: str) -> Any:
    if data.get(step) is None:
        data[step] = {}
    if not isinstance(data[step], dict | list):
        raise ValueError(f"{step} has no keys below it")
    return data[step]


def _position(data: list[Any], step: str) -> int:
    if not step.isdigit() or int(step) >= len(data):
        raise ValueError(f"{step} is not a position in a list of {len(data)}, counted from 0")
    return int(step)
