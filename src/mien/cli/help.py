"""Help and usage errors: plain usage lines, an example at the end of each help text, errors in one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from mien.cli.terminal import fail

EXAMPLE = "\n\nExample:\n"
SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_USAGE_ERROR: Any = typer.BadParameter.__base__
"""Click's UsageError, or that of the copy of Click that newer versions of Typer include."""


@contextmanager
def _one_line(context: Any) -> Iterator[None]:
    """Report a usage error in one line, like every other error, instead of three."""
    try:
        yield
    except _USAGE_ERROR as error:
        path = (error.ctx or context).command_path
        message = " ".join(error.format_message().split()).rstrip(".")
        parameter = getattr(error, "param", None)
        if message.startswith("Missing argument") and parameter is not None:
            arguments = [_name(each) for each in context.command.params if each.param_type_name == "argument"]
            message = f"Missing argument: expected {' '.join(arguments)}"
        fail(f"{message[0].lower()}{message[1:]}; see '{path} --help'", 2)


class _Plain:
    """Help without type names: arguments and options have the same names as in the usage line."""

    def format_usage(self: Any, ctx: Any, formatter: Any) -> None:
        """``Usage: mien evaluate [OPTIONS] NETWORK... MANIFEST``."""
        names = [_name(each) for each in self.get_params(ctx) if each.param_type_name == "argument"]
        words = ["COMMAND ..."] if hasattr(self, "commands") else names
        formatter.write_usage(ctx.command_path, " ".join(["[OPTIONS]", *words]))

    def format_options(self: Any, ctx: Any, formatter: Any) -> None:
        """Sections of arguments and options."""
        parameters = self.get_params(ctx)
        arguments = [(_name(each), each.help) for each in parameters if each.param_type_name == "argument"]
        options = [_record(each) for each in parameters if each.param_type_name == "option"]
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self: Any, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (the signature is Click's)
        """The example, on a line of its own that is not wrapped."""
        if self.epilog:
            formatter.write(f"\n{self.epilog}\n")


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _record(option: Any) -> tuple[str, str]:
    """The names of an option, and its help text with its default."""
    names = ", ".join(sorted(option.opts, key=len)) + "".join(f" / {name}" for name in option.secondary_opts)
    default = option.default
    if option.required:
        note = "required"
    elif isinstance(option.show_default, str):
        note = f"default: {option.show_default}"
    elif option.secondary_opts and default is not None:
        note = f"default: {(option.opts if default else option.secondary_opts)[0]}"
    else:
        note = "" if default is None or option.is_flag else f"default: {default}"
    return names if option.is_flag else f"{names} {option.metavar}", f"{option.help}{f'  [{note}]' if note else ''}"


class Command(_Plain, TyperCommand):
    """A command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of a call."""
        with _one_line(ctx):
            return list(super().parse_args(ctx, args))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; Ctrl-C that it does not handle ends it in one line, with status 130."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            fail("interrupted", 130)


class Group(_Plain, TyperGroup):
    """A group of commands, listed under the titles that they are registered with."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Sections of options and of commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """A section for each title, in the order in which they were first used."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            summary = (command.help or "").split("\n\n")[0]
            sections.setdefault(getattr(command, "rich_help_panel", None) or "Commands", []).append((name, summary))
        width = max(len(name) for name in self.commands)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), summary) for name, summary in rows])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words before the name of a command; without any, print the help."""
        if not args:
            print(ctx.get_help())
            raise typer.Exit(2)
        with _one_line(ctx):
            return list(super().parse_args(ctx, args))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by its name."""
        with _one_line(ctx):
            return super().resolve_command(ctx, args)


def group(name: str, text: str, example: str) -> typer.Typer:
    """An application, or a group of commands."""
    return typer.Typer(
        name=name,
        cls=Group,
        help=text,
        epilog=f"{EXAMPLE.lstrip()}  {example}",
        context_settings=SETTINGS,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def register(app: typer.Typer, function: Callable[..., None], title: str | None = None) -> None:
    """Add a command, named after its function; the section ``Example`` of the docstring ends its help text."""
    text, _, example = (inspect.getdoc(function) or "").partition(EXAMPLE)
    app.command(
        function.__name__.rstrip("_"),
        cls=Command,
        help=text,
        epilog=f"{EXAMPLE.lstrip()}{example}" if example else None,
        rich_help_panel=title,
    )(function)
