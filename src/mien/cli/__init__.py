"""The command line: one file per command. Nothing else imports this package."""

from mien.cli.app import main

__all__ = ["main"]
