"""Ask a web server, following where it sends: each hop on its own terms."""

import base64
from collections.abc import Mapping

import httpx

from contextworker.core.logs.redaction import conceal
from contextworker.harvest.errors import FeedError
from contextworker.harvest.suppliers import Source

_REDIRECTS = {301, 302, 303, 307, 308}


class Asking:
    """The requests of one source. Its headers and login go to its own host only."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        source: Source,
        *,
        environment: Mapping[str, str],
        max_redirects: int,
    ) -> None:
        self._client = client
        self._where = source.public_url
        self._max_redirects = max_redirects
        url = httpx.URL(source.url)
        self.url = url.copy_with(username=None, password=None)
        self._own = _own_headers(source, url, environment)

    async def get(self, headers: Mapping[str, str]) -> httpx.Response:
        """Return the answer that redirects lead to, its body still to come.

        Raises:
            FeedError: They lead nowhere, or where a feed may not come from.
        """
        url = self.url
        for _ in range(self._max_redirects + 1):
            own = self._own if _is_same_host(self.url, url) else {}
            request = self._client.build_request("GET", url, headers={**own, **headers})
            try:
                response = await self._client.send(request, stream=True)
            except httpx.RemoteProtocolError as error:
                if "location header" in str(error):  # httpx looks ahead, though it does not follow
                    raise not_the_web(self._where) from None
                raise
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or location is None:
                return response
            await response.aclose()
            url = self._next(url, location)
        raise FeedError(
            f"the address {self._where} redirects more than {self._max_redirects} times, perhaps "
            "in a circle; ask the supplier for the right one"
        )

    def _next(self, url: httpx.URL, location: str) -> httpx.URL:
        target = url.join(location)
        if target.scheme not in {"http", "https"} or not target.host:
            raise not_the_web(self._where)
        if url.scheme == "https" and target.scheme == "http":
            raise FeedError(
                f"the address {self._where} redirects from https to http, where anyone can change "
                "the feed; ask the supplier for an https address"
            )
        return target


def not_the_web(where: str) -> FeedError:
    """Say that an address is none of the web."""
    return FeedError(
        f"the address {where}, or one it redirects to, is no web address; correct the url"
    )


def _is_same_host(first: httpx.URL, url: httpx.URL) -> bool:
    if first.host != url.host:
        return False
    if (first.scheme, first.port) == (url.scheme, url.port):
        return True
    return (first.scheme, first.port, url.scheme, url.port) == ("http", None, "https", None)


def _own_headers(source: Source, url: httpx.URL, environment: Mapping[str, str]) -> dict[str, str]:
    own: dict[str, str] = {}
    if url.username or url.password:
        login = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
        own["authorization"] = f"Basic {login}"
        conceal(url.password, login)
    for name, header in source.headers.items():
        value = header.value or ""
        if header.env is not None:
            value = header.prefix + _secret(header.env, name, source, environment)
        own[name.lower()] = value
    return own


def _secret(variable: str, header: str, source: Source, environment: Mapping[str, str]) -> str:
    value = environment.get(variable, "").strip()
    if not value:
        raise FeedError(
            f"the header {header} for {source.public_url} comes from the variable {variable}, "
            "which is not set where the harvest worker runs; set it there"
        )
    if not (value.isascii() and value.isprintable()):
        raise FeedError(
            f"the variable {variable} holds what no header may: a line break, or a character "
            "beyond ASCII; correct it where the harvest worker runs"
        )
    conceal(value)
    return value
