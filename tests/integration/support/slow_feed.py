"""A supplier's web server that sends half of a feed and then waits: `python slow_feed.py PORT`.

It runs in a container of its own, so it needs nothing but Python. GET any path for the feed, POST
for the other half to go out from now on, GET /asked for how often the feed was asked for.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock

ROWS = 5000
FEED = "sku,name,price\n" + "".join(f"S{n},Product {n},{n}.50\n" for n in range(ROWS))


class Supplier(BaseHTTPRequestHandler):
    """Answers one request; all of them share the class."""

    go = Event()
    lock = Lock()
    asked = 0

    def do_GET(self) -> None:
        """Send the feed, or how often it was asked for."""
        if self.path == "/asked":
            self._answer(str(Supplier.asked).encode(), wait=False)
            return
        with Supplier.lock:
            Supplier.asked += 1
        self._answer(FEED.encode(), wait=True)

    def do_POST(self) -> None:
        """Let everything go out."""
        Supplier.go.set()
        self._answer(b"", wait=False)

    def _answer(self, body: bytes, *, wait: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = len(body) // 2
        try:
            self.wfile.write(body[:half])
            if wait:
                Supplier.go.wait()
            self.wfile.write(body[half:])
        except OSError:
            self.close_connection = True  # the worker was killed


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), Supplier).serve_forever()
