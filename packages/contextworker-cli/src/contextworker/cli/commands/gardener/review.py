"""`contextworker gardener review …`: what the gardener doubts, for people to decide."""

from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from contextworker.cli.client.fields import parse_fields
from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.commands.gardener.asking import answer, given
from contextworker.cli.commands.gardener.options import Reviewed, Supplier
from contextworker.cli.commands.options import CallersTenant, Json
from contextworker.cli.errors import UsageError
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.hints import command
from contextworker.cli.output.review_view import decided_line, review_view
from contextworker.gardener.review.messages import Action, ReviewPage, ReviewReport

app = App(name="review", help="Results in doubt: list, accept, reject, correct.")

WORKFLOW_TYPE = "gardener_review"
_MOST_AT_ONCE = 200

Products = Annotated[
    str, Parameter(help="Ids of products, as `list` shows them.", show_default=False)
]
Task = Annotated[Reviewed, Parameter(name="--task", help="Whose result it is.")]


@app.command(name="list")
async def list_(
    *,
    task: Annotated[
        Reviewed | None, Parameter(name="--task", help="Only results of this task.")
    ] = None,
    supplier: Supplier = None,
    limit: Annotated[
        int, Parameter(help="How many products at most.", validator=Number(gte=1, lte=200))
    ] = 20,
    after: Annotated[
        str | None, Parameter(help="The `next` of the page before, to see the one after it.")
    ] = None,
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """List results in review, each with what it was read from and why it is in doubt.

    `contextworker gardener review list --task taxonomy --tenant my_project`
    """
    payload = given(task=task, supplier_code=supplier, limit=limit, after=after, tenant_id=tenant)
    page = ReviewPage.model_validate(await answer(gateway, WORKFLOW_TYPE, payload))
    if json:
        print_json(page.model_dump(mode="json"))
    elif page.items:
        out().print(review_view(page.items))
        first = page.items[0]
        whose = f" --tenant {tenant}" if tenant else ""
        rest = f"review accept {first.product_id} --task {first.task}{whose}"
        err().print(f"Decide, such as: {command(f'gardener {rest}')}", markup=False)
        if page.next:
            err().print(f"There are more: --after {page.next}", markup=False)
    else:
        whose = f" for {tenant!r}" if tenant else "; --tenant names another tenant"
        err().print(f"Nothing is in review{whose}.", markup=False)
    return 0


@app.command
async def accept(
    *products: Products,
    task: Task,
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Say that results are right: they are done, and examples for training.

    Exit code 1: at least one product was passed over, and the reason is beside it.

    `contextworker gardener review accept 0b6c1d7e-… --task taxonomy`
    """
    return await _decide(gateway, Action.ACCEPT, products, task, tenant, json=json)


@app.command
async def reject(
    *products: Products,
    task: Task,
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Say that results are wrong, without saying what is right: they are done, and empty."""
    return await _decide(gateway, Action.REJECT, products, task, tenant, json=json)


@app.command
async def correct(
    product: Annotated[str, Parameter(help="The product's id, as `list` shows it.")],
    /,
    *fields: Annotated[
        str,
        Parameter(
            help="What is right: `key=value` is a string, `key:=json` any JSON.",
            show_default=False,
        ),
    ],
    task: Task,
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Say what is right, of a result in review or of one that is done.

    A category is said by its id, its name or its path. Of other tasks, the fields that are not
    named stay as they are, and `key:=null` takes one away.

    `contextworker gardener review correct 0b6c1d7e-… --task taxonomy category=Tents`

    `contextworker gardener review correct 0b6c1d7e-… --task ner brand=MSR colour=red`

    `contextworker gardener review correct 0b6c1d7e-… --task params weight=2kg pack_count:=null`

    `contextworker gardener review correct 0b6c1d7e-… --task tech technologies=Gore-Tex`
    """
    correction = parse_fields(fields)
    if not correction:
        raise UsageError("Say what is right, such as category=Tents, brand=MSR or weight=2kg.")
    return await _decide(
        gateway, Action.CORRECT, (product,), task, tenant, json=json, correction=correction
    )


async def _decide(
    gateway: Gateway,
    action: Action,
    products: tuple[str, ...],
    task: str,
    tenant: str | None,
    *,
    json: bool,
    correction: dict[str, Any] | None = None,
) -> int:
    if not products:
        raise UsageError(f"Say which products: {command('gardener review list')} shows their ids.")
    if len(products) > _MOST_AT_ONCE:
        raise UsageError(f"{len(products)} products are too many; {_MOST_AT_ONCE} at once.")
    payload = given(
        action=action.value,
        task=task,
        product_ids=list(products),
        correction=correction,
        tenant_id=tenant,
    )
    report = ReviewReport.model_validate(await answer(gateway, WORKFLOW_TYPE, payload))
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        for product in report.products:
            console = out() if product.decided else err()
            console.print(decided_line(report, product))
    return 0 if report.decided == len(report.products) else 1
