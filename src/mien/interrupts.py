"""Ctrl-C and the signals that ask a program to end: the first stops it cleanly, the second immediately."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENDINGS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that ask a program to end, handled like Ctrl-C."""


def heard_endings() -> list[signal.Signals]:
    """The :data:`ENDINGS` that this process does not ignore; under ``nohup``, SIGHUP must stay ignored."""
    return [ending for ending in ENDINGS if signal.getsignal(ending) is not signal.SIG_IGN]


@contextmanager
def handled_by(handler: Any) -> Iterator[None]:
    """Handle Ctrl-C and :func:`heard_endings` with ``handler`` inside the block, then restore the earlier handlers."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, *heard_endings())}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or ending signal sets; the second one raises KeyboardInterrupt.

    Example:
        >>> with stop_requests() as stop:
        ...     while work and not stop.is_set():  # doctest: +SKIP
        ...         work.pop()()
    """
    stop = threading.Event()

    def request(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    with handled_by(request):
        yield stop
