"""Says in plain words what went wrong between a language model's server and us."""

import ssl
from typing import Final

from openai import APIStatusError
from pydantic_ai import exceptions as ai

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import clean
from contextworker.gardener.llm.config import LlmConfig
from contextworker.gardener.llm.failures import (
    DeclinedError,
    PassingError,
    RejectedError,
    TooMuchError,
)

_SHOWN: Final = 200
_GATEWAY: Final = frozenset({502, 504, *range(520, 529)})
"""A proxy's word that it lost the answer of the server behind it."""
_NOT_SENT: Final = frozenset({"pool", "connect"})
_TOO_MANY_REQUESTS: Final = 429


class Wording:
    """Turns whatever pydantic-ai raises into what the asker goes by.

    What a server says is cut, made printable and rid of the key before anybody sees it.
    """

    def __init__(self, config: LlmConfig, key: str | None) -> None:
        self._config = config
        self._key = key

    def may_have_cost(self, error: Exception) -> bool:
        """Tell whether somebody may have to pay for what came to this."""
        if isinstance(error, ai.ModelHTTPError):
            return error.status_code in _GATEWAY
        if isinstance(error, ai.ModelConnectionError):
            return error.phase not in _NOT_SENT
        return True

    def failure(self, error: Exception, *, within_s: float) -> Exception:
        """Return what to raise.

        Args:
            error: What came instead of an answer.
            within_s: What it had.
        """
        if isinstance(error, TimeoutError | ai.ModelTimeoutError):
            return PassingError(f"no answer within {within_s:.3g} s")
        if isinstance(error, ai.ModelAPIError):
            return self._of_server(error)
        return self._of_answer(error)

    def _of_setup(self, error: ai.ModelAPIError, said: str) -> ConfigurationError:
        server = self._config.base_url
        if isinstance(error, ai.ModelAuthenticationError):
            return ConfigurationError(f"{server} refuses {self._the_key}")
        if isinstance(error, ai.ModelNotFoundError):
            return ConfigurationError(
                f"{server} knows no model {self._config.model!r}, or is no address of chat "
                f"completions{said}: check model and base_url, which mostly ends with /v1"
            )
        return ConfigurationError(
            f"the account at {server} has nothing left to spend{said}: top it up, or raise its "
            "limit"
        )

    def _of_server(self, error: ai.ModelAPIError) -> Exception:
        said = self._said(error)
        match error:
            case ai.ModelContextWindowExceededError():
                return TooMuchError("the products are longer than the model reads at once")
            case (
                ai.ModelAuthenticationError()
                | ai.ModelNotFoundError()
                | ai.ModelQuotaExceededError()
            ):
                return self._of_setup(error, said)
            case ai.ModelRequestRejectedError():
                return RejectedError(f"its server rejects the request{said}")
            case ai.ModelConnectionError():
                return self._of_connection(error)
        if isinstance(error, ai.ModelHTTPError):
            busy = error.status_code == _TOO_MANY_REQUESTS
            what = "too many requests" if busy else "its server failed"
            reason = f"{what} (HTTP {error.status_code}){said}"
            return PassingError(reason, pause_s=error.retry_after)
        return self._of_redirect(error) or PassingError("its server's answer cannot be read")

    def _of_connection(self, error: ai.ModelConnectionError) -> Exception:
        cause = _cause(error, ssl.SSLCertVerificationError)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConfigurationError(
                f"the certificate of {self._config.base_url} cannot be trusted: "
                f"{cause.verify_message}; if its authority is your own, name its file in "
                "SSL_CERT_FILE"
            )
        if error.phase in _NOT_SENT:
            return PassingError("its server cannot be reached")
        return PassingError("the connection to its server broke off")

    def _of_redirect(self, error: ai.ModelAPIError) -> Exception | None:
        cause = _cause(error, APIStatusError)
        if not isinstance(cause, APIStatusError):
            return None
        return ConfigurationError(
            f"{self._config.base_url} sends requests elsewhere (HTTP {cause.status_code}), and the "
            "products are not sent wherever a server says: write the address itself in base_url"
        )

    def _of_answer(self, error: Exception) -> Exception:
        match error:
            case ai.UserError():
                return ConfigurationError(
                    f"the model {self._config.model!r} cannot be asked with output = "
                    f"{self._config.output!r}: {self._printable(str(error))}"
                )
            case ai.OutputTokenLimitExceeded() | ai.IncompleteToolCall():
                limit = self._config.max_output_tokens
                return TooMuchError(f"its answer is longer than max_output_tokens = {limit}")
            case ai.ContentFilterError():
                return DeclinedError("it will not answer, or a filter held its answer back")
            case _:
                how = self._config.output
                return PassingError(f"its answer has not the shape asked for (output = {how!r})")

    @property
    def _the_key(self) -> str:
        name = self._config.api_key_env
        if name is None:
            return "requests without a key: name the variable that holds one in api_key_env"
        return f"the key in {name}, or does not let it use this model: set a valid key"

    def _said(self, error: ai.ModelAPIError) -> str:
        body = error.body
        if isinstance(body, dict):
            inner = body.get("error", body)
            body = inner.get("message") if isinstance(inner, dict) else inner
        # A proxy's page says nothing to a person that its status does not.
        says = isinstance(body, str) and not body.lstrip().startswith("<")
        text = self._printable(str(body)) if says else ""
        return f": {text}" if text else ""

    def _printable(self, text: str) -> str:
        # Before it is cut, lest half of the key is left.
        whole = text.replace(self._key, "[key]") if self._key else text
        return clean(whole, _SHOWN).rstrip(".:")


def _cause(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, kind):
        cause = cause.__cause__ or cause.__context__
    return cause
