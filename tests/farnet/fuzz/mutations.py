"""Small damage to the bytes of a file: what broken disks, cut downloads, careless programs and hostile people make."""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_STRANGE = (
    *b"0 -1 1e999 -1e999 nan inf NaN null true {} [] \"\" '' 0x10 1_0 1,5 1e-400 -0 2147483648 4294967295".split(),
    *(b"99999999999999999999", b"9" * 400, b"9" * 5000, b"\xd9\xa3", b"", b" ", b"[" * 8, b"[" * 100_000),
)
_FIELDS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 65536, 100_000)
_HEAD = 600  # bytes at the beginning that most of the damage is done to: there the numbers are that decide


def mutate(data: bytes, rng: Random, others: list[bytes]) -> bytes:
    """Damage a file in one to four places.

    Args:
        data: The file.
        rng: Decides; the same state gives the same damage.
        others: Other files, of which pieces are put in.
    """
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = rng.choice(_WAYS)(bytearray(data), rng, others)
    return _mended_png(data) if rng.random() < 0.8 else data


def _place(data: bytearray, rng: Random) -> int:
    return rng.randrange(max(1, min(len(data), _HEAD) if rng.random() < 0.6 else len(data)))


def _flip(data: bytearray, rng: Random, _others: list[bytes]) -> bytes:
    if data:
        data[_place(data, rng)] ^= 1 << rng.randrange(8)
    return bytes(data)


def _byte(data: bytearray, rng: Random, _others: list[bytes]) -> bytes:
    if data:
        data[_place(data, rng)] = rng.choice((0, 0xFF, 0x80, 0x0A, 0x22, rng.randrange(256)))
    return bytes(data)


def _field(data: bytearray, rng: Random, _others: list[bytes]) -> bytes:
    place, value = _place(data, rng), rng.choice(_FIELDS)
    code = rng.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
    packed = struct.pack(code, value & (2 ** (8 * struct.calcsize(code)) - 1))
    data[place : place + len(packed)] = packed
    return bytes(data)


def _number(data: bytearray, rng: Random, others: list[bytes]) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return _field(data, rng, others)
    one = rng.choice(found)
    return bytes(data[: one.start()]) + rng.choice(_STRANGE) + bytes(data[one.end() :])


def _truncate(data: bytearray, rng: Random, _others: list[bytes]) -> bytes:
    return bytes(data[: _place(data, rng)])


def _cut(data: bytearray, rng: Random, _others: list[bytes]) -> bytes:
    place = _place(data, rng)
    del data[place : place + rng.choice((1, 2, 4, 16, 100))]
    return bytes(data)


def _twice(data: bytearray, rng: Random, _others: list[bytes]) -> bytes:
    place, length = _place(data, rng), rng.choice((1, 4, 30, 200))
    return bytes(data[: place + length] + data[place:])


def _splice(data: bytearray, rng: Random, others: list[bytes]) -> bytes:
    other = rng.choice(others)
    start = rng.randrange(max(1, len(other)))
    piece = other[start : start + rng.choice((4, 40, 400))]
    place = _place(data, rng)
    return bytes(data[:place]) + piece + bytes(data[place + rng.choice((0, len(piece))) :])


def _lines(data: bytearray, rng: Random, _others: list[bytes]) -> bytes:
    lines = bytes(data).split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    if rng.random() < 0.5:
        del lines[rng.randrange(len(lines))]
    return b"\n".join(lines)


_WAYS = (_flip, _byte, _field, _field, _number, _number, _number, _truncate, _cut, _twice, _splice, _lines)


def _mended_png(data: bytes) -> bytes:
    """With check sums that fit, so that not all damage ends at the first of them."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    mended, place = bytearray(data), 8
    while place + 12 <= len(mended):
        (length,) = struct.unpack_from(">I", mended, place)
        end = place + 8 + length
        if end + 4 > len(mended):
            break
        struct.pack_into(">I", mended, end, zlib.crc32(mended[place + 4 : end]))
        place = end + 4
    return bytes(mended)
