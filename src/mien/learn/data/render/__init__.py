"""Renders: faces of ICT-FaceKit Light with exact action units, rendered by Mitsuba 3 (the extra ``render``).

:func:`mien.learn.data.render.generate.render` writes a manifest and its crops; ``docs/renders.md`` describes them.
"""
