"""How long the texts are that the cells of an XLS workbook share."""

import struct
from collections.abc import Sequence

_COUNTS = 8
_HEAD = struct.Struct("<HB")
_IS_WIDE, _HAS_PHONETICS, _HAS_RUNS = 0x01, 0x04, 0x08
_RUN = 4
_LONGEST = 0xFFFF


class SharedTexts:
    """The lengths in characters, by a text's number; of what cannot be told, the longest there is.

    A record takes 8,224 bytes; where a text goes on in the next one, that begins with its flags.
    """

    def __init__(self, records: Sequence[bytes]) -> None:
        self._records = records
        self._record = 0
        self._at = _COUNTS
        self.lengths: list[int] = []
        try:
            while self._is_more():
                self.lengths.append(self._text())
        except (struct.error, IndexError):
            self.lengths.append(_LONGEST)

    def __getitem__(self, number: int) -> int:
        return self.lengths[number] if number < len(self.lengths) else _LONGEST

    def _is_more(self) -> bool:
        while self._record < len(self._records) and self._at >= len(self._records[self._record]):
            self._at -= len(self._records[self._record])
            self._record += 1
        return self._record < len(self._records)

    def _text(self) -> int:
        record = self._records[self._record]
        length, flags = _HEAD.unpack_from(record, self._at)
        self._at += _HEAD.size
        behind = 0
        if flags & _HAS_RUNS:
            behind += _RUN * struct.unpack_from("<H", record, self._at)[0]
            self._at += 2
        if flags & _HAS_PHONETICS:
            behind += struct.unpack_from("<I", record, self._at)[0]
            self._at += 4
        left = length
        while left:
            width = 2 if flags & _IS_WIDE else 1
            taken = min(left, (len(self._records[self._record]) - self._at) // width)
            left -= taken
            self._at += taken * width
            if left:
                self._record += 1
                flags = self._records[self._record][0]
                self._at = 1
        self._at += behind
        return int(length)
