"""Readers of data sets, one module each: from the official layout on disk to manifest rows.

`mien data import NAME` imports the module of that name. A reader is a module with

- a docstring: its first sentence, which `mien data list` shows; then the expected layout;
- ``TASKS``: the label space of its rows, or ``tasks(root, **options)`` if that depends on the files;
- ``METADATA``: ``source``, ``licence``, ``release``, and ``weak``, which labels are weak and why. It is JSON-ready and
  is stored in the manifest. ``grey`` says that the pictures are grey, ``keep_unfound`` that a picture without a
  detected face is aligned by the median landmarks of the others;
- ``read(root, report, **options)``: yields manifest rows (see :mod:`mien.learn.data.manifest.read`) one at a time,
  so that a set of millions of frames fits in memory. ``report`` is called with one line per unusable row or file
  (``FILE: line N: reason``), and the rest is still read. Keyword-only arguments are the options of the command.

A reader may also have

- ``WHOLE``, the side at which pictures are packed whole, without face detection, or ``whole(tasks)``, which returns it;
- ``FINDER``, for small pictures that end at the face;
- ``MARKER``, a path that identifies the inner folder of an archive;
- ``FILE = True``, if the root is a file;
- ``picture(row)``, if the pictures are not in files.

Readers must not import anything else under one of these names. Helpers are in :mod:`mien.learn.data.sources.shared`.
"""
