"""How the extension module is linked."""

import pathlib
import struct

import entrakey._entrakey

PT_DYNAMIC, DT_FLAGS_1, DF_1_NODELETE = 2, 0x6FFFFFFB, 0x8


def dynamic_entries(image):
    """Tag and value of each entry of a 64-bit little-endian ELF file's dynamic section."""
    assert image[:6] == b"\x7fELF\x02\x01"
    (headers,) = struct.unpack_from("<Q", image, 0x20)
    size, count = struct.unpack_from("<HH", image, 0x36)
    for start in range(headers, headers + size * count, size):
        kind, offset, length = struct.unpack_from("<I4xQ16xQ", image, start)
        if kind == PT_DYNAMIC:
            yield from struct.iter_unpack("<QQ", image[offset : offset + length])


def test_the_module_is_never_unmapped():
    image = pathlib.Path(entrakey._entrakey.__file__).read_bytes()
    flags = dict(dynamic_entries(image)).get(DT_FLAGS_1, 0)
    assert flags & DF_1_NODELETE, hex(flags)
