"""A tagger as bytes: arrays and JSON, which run nothing when they are read."""

import io
import zipfile
import zlib
from typing import Final

import numpy as np
from pydantic import ValidationError

from contextworker.core.errors import PermanentError
from contextworker.gardener.tagger.decoding import Floats, steps_of
from contextworker.gardener.tagger.model import Learnt

LIMIT: Final = 256 * 1024 * 1024
"""Bytes of an artefact, and of what it unpacks to."""

_MEMBERS: Final = {"learnt.npy", "weights.npy", "steps.npy"}


def pack(learnt: Learnt, weights: Floats, steps: Floats) -> bytes:
    """Return the artefact: a .npz of `learnt` (JSON in UTF-8), `weights` and `steps`."""
    buffer = io.BytesIO()
    text = np.frombuffer(learnt.model_dump_json().encode(), dtype=np.uint8)
    np.savez_compressed(buffer, learnt=text, weights=weights, steps=steps)
    return buffer.getvalue()


def unpack(artefact: bytes) -> tuple[Learnt, Floats, Floats]:
    """Read an artefact.

    Raises:
        PermanentError: The bytes are none, or none that can be used.
    """
    try:
        return _unpacked(artefact)
    except ValidationError as error:
        wrong = ".".join(map(str, error.errors()[0]["loc"]))
        raise PermanentError(f"this is no model of a tagger: {wrong} is wrong") from error
    except (ValueError, OSError, EOFError, KeyError, MemoryError) as error:
        raise PermanentError(f"this is no model of a tagger: {error}") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError, SyntaxError) as error:
        raise PermanentError("this is no model of a tagger: it cannot be unpacked") from error


def _unpacked(artefact: bytes) -> tuple[Learnt, Floats, Floats]:
    if len(artefact) > LIMIT:
        raise ValueError(f"it has more than {LIMIT} bytes")
    with zipfile.ZipFile(io.BytesIO(artefact)) as archive:
        members = archive.infolist()
        if {member.filename for member in members} != _MEMBERS or len(members) != len(_MEMBERS):
            raise ValueError(f"it does not hold {', '.join(sorted(_MEMBERS))}")
        if sum(member.file_size for member in members) > LIMIT:
            raise ValueError(f"it unpacks to more than {LIMIT} bytes")
    with np.load(io.BytesIO(artefact), allow_pickle=False) as arrays:
        text, weights, steps = arrays["learnt"], arrays["weights"], arrays["steps"]
    if text.dtype != np.uint8 or weights.dtype != np.float32 or steps.dtype != np.float32:
        raise ValueError("an array is of another type")
    learnt = Learnt.model_validate_json(text.tobytes())
    attributes = len(learnt.attributes)
    shapes = (len(learnt.features), 3 * attributes), (attributes, 3, 3)
    if (weights.shape, steps.shape) != shapes:
        raise ValueError("its arrays do not fit each other")
    if not (np.isfinite(weights).all() and np.isfinite(steps).all()):
        raise ValueError("a weight is no number")
    return learnt, weights, steps_of(steps.tolist())
