"""The options that commands share."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

Json = Annotated[
    bool, Parameter(name="--json", negative=(), help="Print the reply as JSON, for programs.")
]
Tenant = Annotated[str, Parameter(name="--tenant", help="Whose data.")]
CallersTenant = Annotated[
    str | None,
    Parameter(name="--tenant", help="Whose, where your token is for several tenants."),
]
WorkflowId = Annotated[str, Parameter(help="As `start` printed it.")]
Limit = Annotated[int, Parameter(help="How many at most.", validator=Number(gte=1, lte=1_000_000))]
