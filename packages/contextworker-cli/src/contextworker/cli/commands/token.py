"""`contextworker token …`: bearer tokens for development."""

import shlex
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from contextworker.cli.commands.options import Json
from contextworker.cli.errors import TokenError, UsageError
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.tokens.keys import SigningKey, make_key, read_key
from contextworker.cli.tokens.lifetime import parse_lifetime
from contextworker.cli.tokens.minting import mint as make_token
from contextworker.gateway.identity.settings import AUDIENCE, ISSUER, JWKS, SECRET, TokenSettings

app = App(name="token", help="Make bearer tokens for development, and keys to sign them with.")

_LONG = timedelta(days=1)


@app.command
def mint(
    *,
    tenant: Annotated[
        list[str],
        Parameter(
            name="--tenant",
            negative=(),
            help="Whom it is for; give it once for each. `*` is every tenant.",
        ),
    ],
    permission: Annotated[
        list[str],
        Parameter(
            name="--permission",
            negative=(),
            help="worker:execute, worker:read, worker:schedule, worker:admin (all three), or a "
            "scope of units; give it once for each.",
        ),
    ],
    subject: Annotated[str, Parameter(help="Who calls.")] = "development",
    expires_in: Annotated[str, Parameter(help="90s, 15m, 1h or 7d.")] = "1h",
    key: Annotated[
        Path | None, Parameter(help=f"PEM file of a private key. Default: the secret in {SECRET}.")
    ] = None,
    kid: Annotated[
        str | None, Parameter(help="The key's name in the JWKS. Default: its thumbprint.")
    ] = None,
    issuer: Annotated[str | None, Parameter(help=f"Default: {ISSUER}.")] = None,
    audience: Annotated[str | None, Parameter(help=f"Default: {AUDIENCE}.")] = None,
    json: Json = False,
) -> None:
    """Make a token and print it, alone.

    `export WORKER_TOKEN=$(contextworker token mint --tenant acme --permission worker:execute)`
    """
    settings = TokenSettings()
    lifetime = parse_lifetime(expires_in)
    issuer = settings.gateway_auth_issuer if issuer is None else issuer
    audience = settings.gateway_auth_audience if audience is None else audience
    if key and not (issuer and audience):
        raise UsageError(
            "A gateway that verifies with public keys looks at issuer and audience, too: give "
            f"--issuer and --audience as it has them, or set {ISSUER} and {AUDIENCE}."
        )
    minted = make_token(
        _signing_key(settings, key, kid),
        subject=subject,
        tenants=tenant,
        permissions=permission,
        lifetime=lifetime,
        issuer=issuer,
        audience=audience,
    )
    if lifetime > _LONG:
        err().print(
            f"It is good until {minted.expires_at:%Y-%m-%d %H:%M} UTC, and cannot be taken back "
            "before then but by changing the key that it is signed with.",
            markup=False,
        )
    if json:
        print_json(minted.dump())
    else:
        out().print(minted.token, markup=False, soft_wrap=True)


@app.command
def keygen(folder: Annotated[Path, Parameter(help="Made where it is missing.")], /) -> None:
    """Write a private key (`key.pem`) and the JWKS (`jwks.json`) that a gateway trusts it by."""
    key, jwks = make_key(folder)
    named = shlex.quote(str(key))
    for line in (
        f"{key}: signs tokens, so keep it: contextworker token mint --key {named} …",
        f"{jwks}: for the gateway, as {JWKS}; besides it, set {ISSUER} and {AUDIENCE}.",
    ):
        err().print(line, markup=False)


def _signing_key(settings: TokenSettings, path: Path | None, kid: str | None) -> SigningKey:
    if path is not None:
        found = read_key(path)
        return SigningKey(found.material, found.algorithm, kid or found.kid)
    secret = settings.gateway_auth_secret.get_secret_value()
    if not secret:
        raise TokenError(
            f"There is nothing to sign with: set {SECRET} to the gateway's secret, or give a "
            "private key with --key. `contextworker token keygen` makes one."
        )
    return SigningKey(secret, "HS256", kid)
