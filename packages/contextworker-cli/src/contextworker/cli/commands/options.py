"""The options that commands share."""

from typing import Annotated

from cyclopts import Parameter

Address = Annotated[
    str | None,
    Parameter(
        name="--address",
        help="host:port of the gateway. Default: WORKER_ADDRESS, else the stack that `up` runs "
        "here, else 127.0.0.1:50052.",
    ),
]
Json = Annotated[
    bool, Parameter(name="--json", negative=(), help="Print the reply as JSON, for programs.")
]
Tenant = Annotated[str, Parameter(name="--tenant", help="Whose data.")]
WorkflowId = Annotated[str, Parameter(help="As `start` printed it.")]
