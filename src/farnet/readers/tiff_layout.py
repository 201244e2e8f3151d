"""What a TIFF file says of its size, looked at before anything is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farnet.errors import RadiographError
from farnet.readers.picture import MAXIMUM_PIXELS, check_size

if TYPE_CHECKING:
    from tifffile import TiffPage

__all__ = ["check_layout"]


def check_layout(page: TiffPage, what: str) -> None:
    """Refuse a page that is no radiograph by its size, its channels or its tiles.

    Args:
        page: The page that holds the picture.
        what: What an error message calls it.

    Raises:
        RadiographError: If so.
    """
    check_size((page.imagelength, page.imagewidth), what)
    if page.imagedepth > 1:
        raise RadiographError(f"{what} is a volume of {page.imagedepth} slices; a radiograph is one picture.")
    if not 1 <= page.samplesperpixel <= 4:
        raise RadiographError(
            f"{what} has {page.samplesperpixel} channels; a radiograph has 1 (grey) to 4 (RGB and transparency). Save "
            "it as grey."
        )
    rows, columns = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    rows = rows if page.is_tiled else min(rows, page.imagelength)
    if rows < 1 or columns < 1 or rows * columns > MAXIMUM_PIXELS:
        raise RadiographError(f"{what} is damaged: its tiles or strips have {rows} x {columns} pixels.")
