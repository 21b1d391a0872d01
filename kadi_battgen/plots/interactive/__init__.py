"""The interactive parts of the report: a Python module that gathers the data, and a script of the same name that shows them.

Each part is a :class:`~kadi_battgen.plots.interactive.widget.Widget`. It works without a network, by pointer and by keyboard,
and stands beside a still figure that is shown where scripts do not run, and in print.
"""
