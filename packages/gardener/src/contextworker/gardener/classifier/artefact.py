"""A classifier as bytes: arrays and JSON, which run nothing when they are read."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contextworker.core.errors import PermanentError
from contextworker.gardener.classifier.calibration import Calibration
from contextworker.gardener.classifier.examples import MOST_EXAMPLES, MOST_LEVELS, MOST_PATHS
from contextworker.gardener.classifier.parts import Parts
from contextworker.gardener.classifier.targets import Targets
from contextworker.gardener.classifier.views import BUCKETS, WEIGHTS
from contextworker.gardener.classifier.vocabulary import Vocabulary
from contextworker.gardener.classifier.weights import Rounded, Weights

LIMIT: Final = 256 * 1024 * 1024
"""Bytes of an artefact, and of what it unpacks to."""

FORMAT: Final = 1

_TYPES: Final[Mapping[str, Any]] = {
    "about": np.uint8,
    "buckets": np.int32,
    "counts": np.int32,
    "frequent": np.int8,
    "frequent_scales": np.float32,
    "examples": np.int8,
    "examples_scales": np.float32,
    "starts": np.int32,
    "members": np.int32,
    "amounts": np.float16,
    "shift": np.float32,
}

Arrays = Mapping[str, NDArray[Any]]


class _Format(BaseModel):
    model_config = ConfigDict(extra="ignore")

    format: int


class _About(BaseModel):
    """What is no array."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = FORMAT
    paths: tuple[tuple[str, ...], ...] = Field(min_length=2, max_length=MOST_PATHS)
    products: int = Field(gt=0, le=MOST_EXAMPLES)
    views: dict[str, float]
    calibration: Calibration


def pack(parts: Parts) -> bytes:
    """Return the artefact, a .npz; `about` in it is JSON in UTF-8."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **_arrays(parts))
    return buffer.getvalue()


def version_of(parts: Parts) -> str:
    """Return a short hash of all that a classifier is made of."""
    digest = hashlib.sha256()
    for name, array in sorted(_arrays(parts).items()):
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:12]


def unpack(artefact: bytes) -> Parts:
    """Read an artefact.

    Raises:
        PermanentError: The bytes are none, or none that can be used.
    """
    try:
        return _parts(_unpacked(artefact))
    except ValidationError as error:
        wrong = ".".join(map(str, error.errors()[0]["loc"]))
        raise PermanentError(f"this is no model of a classifier: {wrong} is wrong") from error
    except (ValueError, OSError, EOFError, KeyError, MemoryError) as error:
        raise PermanentError(f"this is no model of a classifier: {error}") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, SyntaxError) as error:
        raise PermanentError("this is no model of a classifier: it cannot be unpacked") from error


def _arrays(parts: Parts) -> dict[str, NDArray[Any]]:
    weights, vocabulary = parts.weights, parts.vocabulary
    about = _About(
        paths=parts.targets.paths,
        products=vocabulary.products,
        views=dict(vocabulary.weights),
        calibration=parts.calibration,
    )
    return {
        "about": np.frombuffer(about.model_dump_json().encode(), dtype=np.uint8),
        "buckets": vocabulary.buckets,
        "counts": vocabulary.counts,
        "frequent": weights.frequent.values,
        "frequent_scales": weights.frequent.scales,
        "examples": weights.examples.values,
        "examples_scales": weights.examples.scales,
        "starts": weights.starts,
        "members": weights.members,
        "amounts": weights.amounts,
        "shift": weights.shift,
    }


def _unpacked(artefact: bytes) -> Arrays:
    if len(artefact) > LIMIT:
        raise ValueError(f"it has more than {LIMIT} bytes")
    with zipfile.ZipFile(io.BytesIO(artefact)) as archive:
        members = archive.infolist()
        if sorted(member.filename for member in members) != sorted(f"{it}.npy" for it in _TYPES):
            raise ValueError("it does not hold what a classifier is made of")
        if sum(member.file_size for member in members) > LIMIT:
            raise ValueError(f"it unpacks to more than {LIMIT} bytes")
    with np.load(io.BytesIO(artefact), allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in _TYPES}
    for name, array in found.items():
        if array.dtype != _TYPES[name]:
            raise ValueError(f"{name} is {array.dtype}, and not {np.dtype(_TYPES[name])}")
    return found


def _parts(arrays: Arrays) -> Parts:
    text = arrays["about"].tobytes()
    found = _Format.model_validate_json(text).format
    if found != FORMAT:
        raise PermanentError(
            f"this model of a classifier has format {found}, and this worker reads {FORMAT}: "
            "train it again, or run the worker that wrote it"
        )
    about = _About.model_validate_json(text)
    _check_about(about)
    targets = Targets(about.paths, min(len(arrays["shift"]), len(about.paths)))
    _check_arrays(arrays, targets.width)
    return Parts(
        Vocabulary(arrays["buckets"], arrays["counts"], about.products, about.views),
        Weights(
            frequent=Rounded(arrays["frequent"], arrays["frequent_scales"]),
            examples=Rounded(arrays["examples"], arrays["examples_scales"]),
            starts=arrays["starts"],
            members=arrays["members"],
            amounts=arrays["amounts"],
            shift=arrays["shift"],
        ),
        targets,
        about.calibration,
    )


def _check_about(about: _About) -> None:
    levels = max(map(len, about.paths))
    calibration = about.calibration
    if list(about.paths) != sorted(set(about.paths)) or not about.paths[0] or levels > MOST_LEVELS:
        raise ValueError("its categories are in no order")
    if len(calibration.slopes) != levels or len(calibration.shifts) != levels:
        raise ValueError("its calibration does not fit its categories")
    if not set(about.views) <= set(WEIGHTS) or min(about.views.values(), default=0) <= 0:
        raise ValueError("it looks at products in views that are not known")


def _check_arrays(arrays: Arrays, width: int) -> None:
    frequent, examples, starts = arrays["frequent"], arrays["examples"], arrays["starts"]
    buckets, members = arrays["buckets"], arrays["members"]
    rare = len(buckets) - len(frequent)
    shapes = {
        "counts": buckets.shape,
        "frequent": (len(frequent), width),
        "frequent_scales": (len(frequent),),
        "examples": (len(examples), width),
        "examples_scales": (len(examples),),
        "starts": (rare + 1,),
        "members": (len(members),),
        "amounts": (len(members),),
        "shift": (width,),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has the shape {arrays[name].shape}, and not {shape}")
    _check_range("buckets", buckets, BUCKETS)
    _check_range("members", members, len(examples))
    _check_range("counts", arrays["counts"], MOST_EXAMPLES * 16)
    if starts[0] != 0 or starts[-1] != len(members) or (np.diff(starts) < 0).any():
        raise ValueError("starts is in no order")
    for name in ("frequent_scales", "examples_scales", "amounts", "shift"):
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} holds what is no number")


def _check_range(name: str, array: NDArray[Any], end: int) -> None:
    if len(array) and not 0 <= array.min() <= array.max() < end:
        raise ValueError(f"{name} holds numbers that point nowhere")
