"""The last line of defence: takes secrets out of a record that should never have been in it."""

import re
from collections.abc import Mapping
from typing import Final

REDACTED: Final = "[redacted]"

# More than is ever written of one text. Repetitions below are bounded, too: a text may be made so
# that looking through it takes long.
_MAX_SCANNED: Final = 4 * 1024
_LEAST_CHARACTERS: Final = 12  # of a secret that is looked for: shorter ones are parts of words
_DEEPEST: Final = 12
_concealed: set[str] = set()

_WORD: Final = (
    r"(?:authorization|cookie|passw(?:or)?d|passphrase|secret|token|credential|signature"
    r"|api[-_]?key|access[-_]?key|account[-_]?key|private[-_]?key|encryption[-_]?key)"
)
_NAME: Final = rf"[\w.-]{{0,40}}{_WORD}[\w.-]{{0,40}}"
_SECRET_NAME: Final = re.compile(rf".*{_WORD}", re.IGNORECASE | re.DOTALL)
_QUOTED: Final = r"""b?"(?:[^"\\]|\\.){0,2000}"|b?'(?:[^'\\]|\\.){0,2000}'"""

# Most sentences have nothing of the kind, and are done with this one look.
_HINT: Final = re.compile(
    rf"{_WORD}|://|bearer|basic|eyJ|-----BEGIN|\b[spr]k-|\bgh[opsur]_|AKIA|\bxox[a-z]-",
    re.IGNORECASE,
)
_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), put)
    for pattern, put in (
        (r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}-----|\Z)", REDACTED),
        # The part of a URL before its host, also with a `/` or `@` that should have been escaped.
        (r"(?<=://)[^\s/?#\"'<>]{0,300}@", f"{REDACTED}@"),
        (r"(?<=://)[^\s:/@\"'<>]{0,300}:[^\s@\"'<>]{0,300}@", f"{REDACTED}@"),
        (
            rf"(?<=[?&;])((?:[\w.-]{{0,40}}(?:auth|key|sig|code)|{_NAME})=)[^&\s\"'<>#]+",
            rf"\g<1>{REDACTED}",
        ),
        (
            r"\b(bearer\s{1,9})(?=[\w.~+/=-]{0,200}[\d_=-]|\S{16})[\w.~+/=-]{4,}",
            rf"\g<1>{REDACTED}",
        ),
        (r"\b(basic\s{1,9})[\w+/-]{12,}={0,2}", rf"\g<1>{REDACTED}"),
        (r"\beyJ[\w-]{6,}\.[\w-]{4,}(?:\.[\w-]*)*", REDACTED),
        (r"\b(?:sk|pk|rk)-[\w-]{12,}", REDACTED),
        (r"\bgh[opsur]_\w{16,}|\bAKIA[A-Z0-9]{12,}|\bxox[a-z]-[\w-]{8,}", REDACTED),
        # Headers as h2, httpx and a dict's repr show them, and JSON.
        (
            rf"""(b?["']{_NAME}["']\s?[:,]\s?)(?:{_QUOTED}|[^\s,}}\])]+)""",
            rf"\g<1>{REDACTED}",
        ),
        (rf"({_WORD}[\w.-]{{0,40}}\s?=\s?)(?:{_QUOTED}|[^\s,;&)\]}}]+)", rf"\g<1>{REDACTED}"),
        (
            r"\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(:\s{0,9})[^\r\n]+",
            rf"\1\2{REDACTED}",
        ),
    )
)


def conceal(*secrets: str) -> None:
    """Take these texts out of every record from now on, wherever they stand in it."""
    _concealed.update(secret for secret in secrets if len(secret) >= _LEAST_CHARACTERS)


def redacted(text: str) -> str:
    """Return a text without what looks like a secret, or is known to be one."""
    text = text[:_MAX_SCANNED]
    for secret in _concealed:
        text = text.replace(secret, REDACTED)
    if not _HINT.search(text):
        return text
    for pattern, put in _PATTERNS:
        text = pattern.sub(put, text)
    return text


def redacted_values(value: object, *, depth: int = 0) -> object:
    """Return a value without secrets, with what else it holds; a secret's name tells it, too."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redacted(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {
            redacted(str(key)): named_value(str(key), item, depth=depth + 1)
            for key, item in value.items()
        }
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [redacted_values(item, depth=depth + 1) for item in value]
    return redacted(str(value))


def named_value(key: str, value: object, *, depth: int = 0) -> object:
    """Return what stands under a name, without secrets; nothing of it under the name of one."""
    if isinstance(value, str | bytes | Mapping | list | tuple) and _SECRET_NAME.match(key):
        return REDACTED
    return redacted_values(value, depth=depth)
