"""What a person should know about a file that was read all the same: nonsense passed over, things left out.

    tell(f"{path}: 3 curves were left out; landmarks alone are read.")

A notice goes to the log of its name at the level of a warning. The command line prints it once on standard error, and
napari shows it; a program that uses the library gets it from `logging`.
"""

from __future__ import annotations

import logging

__all__ = ["LOGGER", "tell"]

LOGGER = logging.getLogger("farnet.notices")


def tell(text: str) -> None:
    """Say something that does not end the work."""
    LOGGER.warning("%s", text)
