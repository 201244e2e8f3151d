"""Files of landmarks: one module per format, one registry that finds the right one.

A further format is a module with an `AnnotationFormat`, registered here or, from another package, with
`register_format`.
"""

from farnet.formats.aariz import AARIZ
from farnet.formats.coco import COCO
from farnet.formats.csv import FARNET_CSV
from farnet.formats.dicom_sr import DICOM_SR
from farnet.formats.isbi_txt import ISBI_TXT
from farnet.formats.labelme import LABELME
from farnet.formats.labels import LabelMap, read_labels
from farnet.formats.registry import (
    AnnotationFormat,
    ReadOptions,
    annotation_formats,
    formats_by_ending,
    read_annotations,
    read_each,
    recognised_formats,
    register_format,
    write_annotations,
)
from farnet.formats.schemes import find_scheme
from farnet.formats.slicer_fcsv import SLICER_FCSV
from farnet.formats.slicer_markups import SLICER_MARKUPS
from farnet.formats.tps import TPS

__all__ = [
    "AnnotationFormat",
    "LabelMap",
    "ReadOptions",
    "annotation_formats",
    "find_scheme",
    "formats_by_ending",
    "read_annotations",
    "read_each",
    "read_labels",
    "recognised_formats",
    "register_format",
    "write_annotations",
]

register_format(FARNET_CSV)
register_format(ISBI_TXT)
register_format(LABELME)  # before the others of the ending .json, which is labelme's where nothing else tells
register_format(SLICER_MARKUPS)
register_format(SLICER_FCSV)
register_format(COCO)
register_format(AARIZ)
register_format(TPS)
register_format(DICOM_SR)
