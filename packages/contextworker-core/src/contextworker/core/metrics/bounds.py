"""How many values a label may have in one process: strangers must not fill Prometheus' memory."""

import logging
from typing import Final

_log = logging.getLogger(__name__)

OTHER: Final = "other"
"""What a value becomes once there are as many as there may be."""

UNKNOWN: Final = "unknown"
"""For what nobody has registered: a caller's words never become a label."""

MOST_VALUES: Final = 100
"""Of a label that has no setting of its own."""


class Bound:
    """Lets the first values of a label through; those that come later are `other`."""

    def __init__(self, label: str, most: int, *, setting: str = "") -> None:
        self._label = label
        self._most = most
        self._setting = setting
        self._known: dict[str, str] = {}
        self._told = False

    def of(self, value: str) -> str:
        """Return the value, or `other`."""
        known = self._known.get(value)
        if known is not None:
            return known
        if len(self._known) >= self._most:
            self._tell()
            return OTHER
        self._known[value] = value
        return value

    def _tell(self) -> None:
        if self._told:
            return
        self._told = True
        more = f"; {self._setting} allows for more" if self._setting else ""
        _log.warning(
            "metrics: there are more than %d values of the label %s; the rest is counted as %r%s",
            self._most,
            self._label,
            OTHER,
            more,
        )


class Bounds:
    """The bound of each label of a process."""

    def __init__(self, *, tenants: int, suppliers: int) -> None:
        self._bounds = {
            "tenant": Bound("tenant", tenants, setting="CONTEXTWORKER_METRICS_MAX_TENANTS"),
            "supplier": Bound("supplier", suppliers, setting="CONTEXTWORKER_METRICS_MAX_SUPPLIERS"),
        }

    def of(self, label: str) -> Bound:
        """Return a label's bound, which all instruments share."""
        if label not in self._bounds:
            self._bounds[label] = Bound(label, MOST_VALUES)
        return self._bounds[label]
