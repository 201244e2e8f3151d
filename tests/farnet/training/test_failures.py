"""Failures get a kind that programs act on, and words that tell what to do."""

import errno

import pytest
import torch

from farnet.errors import DeviceError, InvalidInputError, OutputError
from farnet.training.failures import DivergedError, describe_failure, kind_of_failure


def caused(outer, inner):
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (MemoryError(), "oom", "smaller batch"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "oom", "Tried to allocate 2 GiB"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "oom", "light"),
        (caused(DeviceError("cuda has too little"), torch.OutOfMemoryError("CUDA out of memory")), "oom", "too little"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk", "Make room and resume"),
        (caused(OutputError("x could not be written"), OSError(errno.ENOSPC, "full")), "disk", "Make room"),
        (OutputError("the output folder is not empty"), "input", "not empty"),
        (InvalidInputError("no landmarks"), "input", "no landmarks"),
        (DivergedError("the loss became nan"), "diverged", "nan"),
        (KeyboardInterrupt(), "interrupted", "resume it"),
        (RuntimeError("shapes cannot be multiplied"), "bug", "RuntimeError: shapes"),
        (ZeroDivisionError(), "bug", "ZeroDivisionError"),
    ],
)
def test_kinds_and_words(error, kind, words):
    assert kind_of_failure(error) == kind
    assert words in describe_failure(error)


def test_causes_that_go_round_in_circles():
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert kind_of_failure(first) == "bug"
