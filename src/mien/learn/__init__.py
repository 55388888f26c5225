"""Training, evaluating and exporting networks; needs the extra ``mien[train]``, which annotating does not.

:class:`mien.learn.Coupling` adds the couplings to your own training loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.learn.coupling import Coupling

__all__ = ["Coupling"]


def __getattr__(name: str) -> object:
    """Import ``Coupling`` on first access, because the base install, which has no PyTorch, imports this package too."""
    if name == "Coupling":
        from mien.learn.coupling import Coupling

        return Coupling
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
