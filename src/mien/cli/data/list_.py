"""``mien data list``."""

from __future__ import annotations

from mien.cli.terminal import needs_extra, print_table


def list_() -> None:
    """List the data sets that can be imported, with their tasks.

    Example:
      mien data list
    """
    with needs_extra():
        from mien.learn.data.importing.readers import find_reader, first_line, reader_names

        rows = []
        for name in reader_names():
            reader = find_reader(name)
            tasks = ", ".join(task.name for task in getattr(reader, "TASKS", ()))
            rows.append((name, tasks or "depends on folder and options", first_line(reader)))
        print_table(("name", "label space", "reads"), rows)
