"""The subcommands of `farnet`, one module each; `farnet.cli` puts them together.

A command reads its options, makes the same calls that a library user makes, and prints. What needs torch, pandas or
napari is imported when a command runs, so that help is quick.
"""
