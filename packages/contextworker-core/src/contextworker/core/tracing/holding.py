"""Holds back what happened inside an activity or a call until that has ended.

A worker that is killed never tells of the attempt it was at. Had it told of what that attempt did
so far, those spans would hang in the air: so they are told together, or not at all.
"""

import threading
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

MOST: Final = 512
"""Spans held for one activity or call; of more, the rest goes out at once."""

MOST_IN_ALL: Final = 8_192
"""Spans held for all of them, of some 3 KB each."""


class Holding(SpanProcessor):
    """Passes spans on to another processor, those inside of a local root together with it."""

    def __init__(self, behind: SpanProcessor) -> None:
        self._behind = behind
        self._lock = threading.Lock()
        self._roots: dict[int, int] = {}
        self._held: dict[int, list[ReadableSpan]] = {}
        self._count = 0

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note which local root a span is inside of."""
        self._behind.on_start(span, parent_context)
        own, parent = span.get_span_context().span_id, span.parent
        with self._lock:
            if parent is None or parent.is_remote:
                self._roots[own], self._held[own] = own, []
            elif parent.span_id in self._roots:
                self._roots[own] = self._roots[parent.span_id]

    def on_end(self, span: ReadableSpan) -> None:
        """Hold a span, or pass it on with all that was held for it."""
        assert span.context is not None
        own = span.context.span_id
        with self._lock:
            root = self._roots.pop(own, None)
            held = self._held.get(root) if root is not None else None
            has_room = self._count < MOST_IN_ALL and held is not None and len(held) < MOST
            if held is not None and root != own and has_room:
                held.append(span)
                self._count += 1
                return
            inside = self._held.pop(own, [])
            self._count -= len(inside)
        for one in (*inside, span):
            self._behind.on_end(one)

    def shutdown(self) -> None:
        """Stop; what is held belongs to what has not ended."""
        self._behind.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Pass on."""
        return self._behind.force_flush(timeout_millis)
