"""Which products of a run are replaced by a later row with the same sku."""

from array import array
from hashlib import blake2b

_BUCKETS = 256


class SkuLog:
    """Remembers every product's sku in twelve bytes, so that ten million take 120 MB.

    A sku is kept as a 64-bit hash: among ten million, the chance that any two different ones are
    taken for the same is below one in 300,000.
    """

    def __init__(self) -> None:
        self._hashes = [array("Q") for _ in range(_BUCKETS)]
        self._positions = [array("I") for _ in range(_BUCKETS)]
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, sku: str) -> None:
        """Note the next product."""
        key = int.from_bytes(blake2b(sku.encode(), digest_size=8).digest())
        bucket = key % _BUCKETS
        self._hashes[bucket].append(key)
        self._positions[bucket].append(self._count)
        self._count += 1

    def superseded(self) -> list[int]:
        """Return the positions, in order, of products that a later one replaces."""
        replaced: list[int] = []
        for keys, positions in zip(self._hashes, self._positions, strict=True):
            last: dict[int, int] = {}
            for key, position in zip(keys, positions, strict=True):
                if key in last:
                    replaced.append(last[key])
                last[key] = position
        return sorted(replaced)
