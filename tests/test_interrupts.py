"""Signals that ask a program to end."""

import signal

import pytest

from mien.interrupts import ENDINGS, heard_endings


@pytest.mark.parametrize("ignored", ENDINGS)
def test_ignored_signals_stay_ignored(ignored: signal.Signals) -> None:
    before = {ending: signal.signal(ending, signal.SIG_DFL) for ending in ENDINGS}
    try:
        assert heard_endings() == ENDINGS
        signal.signal(ignored, signal.SIG_IGN)
        assert heard_endings() == [ending for ending in ENDINGS if ending != ignored]
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)
