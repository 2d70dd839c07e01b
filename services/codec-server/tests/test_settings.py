"""What settings cannot be, told by their names and without their values."""

from pathlib import Path
from typing import Any

import pytest
from codec_calls import SECRET

from contextworker.codec_server.settings import CodecServerSettings
from contextworker.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS: is every website ('*')"),
        ({"CORS_ORIGINS": "localhost:8233"}, "'localhost:8233' is no origin; write what a browser"),
        ({"CORS_ORIGINS": "http://a/b"}, "'http://a/b' is no origin"),
        ({"CORS_ORIGINS": "http://a,*"}, "is every website ('*')"),
        ({"AUTH_SECRET": "short-secret"}, "AUTH_SECRET: is shorter than 32 bytes"),
        (
            {"AUTH_SECRET": f"-----BEGIN PUBLIC KEY-----\n{SECRET}\n-----END PUBLIC KEY-----"},
            "shared secret; public keys belong into CONTEXTWORKER_CODEC_AUTH_JWKS",
        ),
        ({"AUTH_MAX_AGE_S": "60"}, "AUTH_MAX_AGE_S must be larger than"),
        ({"AUTH_JWKS": "missing.json"}, "AUTH_JWKS: missing.json is no file"),
        ({"AUTH_JWKS": "http://example.com/jwks"}, "AUTH_JWKS: must be an https URL"),
        ({"AUTH_JWKS": "https://u:p@example.com/"}, "must be a URL without a user or password"),
        ({"AUTH_JWKS": "https://example.com/"}, "is set without CONTEXTWORKER_CODEC_AUTH_ISSUER"),
        ({"AUTH_JWKS": "https://example.com/", "AUTH_SECRET": SECRET}, "are both set"),
        ({"TLS_CERT_FILE": "cert.pem"}, "set without CONTEXTWORKER_CODEC_TLS_KEY_FILE"),
        ({"TLS_CERT_FILE": "a", "TLS_KEY_FILE": "b"}, "CODEC_TLS_CERT_FILE: a is no file"),
        ({"HOST": "0.0.0.0"}, "binds to loopback only, not to '0.0.0.0'"),
        ({"PORT": "70000"}, "CONTEXTWORKER_CODEC_PORT: "),
    ],
    ids=[
        "any origin",
        "no scheme",
        "path",
        "any among others",
        "short secret",
        "public key",
        "max age",
        "no file",
        "plain http",
        "password",
        "any issuer",
        "two kinds",
        "half of TLS",
        "no TLS files",
        "exposed",
        "port",
    ],
)
def test_a_wrong_setting_is_told(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    """By its variable, with what to do, and without a secret."""
    for name, value in variables.items():
        monkeypatch.setenv(f"CONTEXTWORKER_CODEC_{name}", value)
    with pytest.raises(ConfigurationError) as error:
        CodecServerSettings()

    assert said in str(error.value)
    assert "short-secret" not in str(error.value)


@pytest.mark.parametrize(
    "given",
    [
        {"codec_insecure": True},
        {"codec_auth_secret": SECRET},
    ],
    ids=["insecure", "authenticated"],
)
def test_it_binds_beyond_loopback_on_purpose_only(given: dict[str, Any]) -> None:
    """With tokens, or by saying that there are none."""
    assert CodecServerSettings(codec_host="0.0.0.0", **given).is_exposed


def test_its_own_setting_wins_over_the_gateways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is empty: then none holds."""
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_AUTH_SECRET", SECRET)
    assert CodecServerSettings().is_authenticated
    monkeypatch.setenv("CONTEXTWORKER_CODEC_AUTH_SECRET", "")
    assert not CodecServerSettings().is_authenticated


def test_origins_are_as_browsers_send_them() -> None:
    """Several, with what people write besides."""
    settings = CodecServerSettings(
        codec_cors_origins=" https://temporal.example.com/, http://[::1]:8233,"
    )

    assert ("https://temporal.example.com", "http://[::1]:8233") == settings.codec_cors_origins


def test_settings_show_no_secret(tmp_path: Path) -> None:
    """They are printed in logs of others."""
    settings = CodecServerSettings(codec_auth_secret=SECRET, encryption_keys="k1:abcdef")

    assert SECRET not in repr(settings)
    assert "abcdef" not in repr(settings)
