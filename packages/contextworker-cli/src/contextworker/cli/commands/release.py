"""`contextworker release`: one member's next version, prepared and tagged here."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from contextworker.cli.output.console import err, out
from contextworker.cli.release.bounds import dependants
from contextworker.cli.release.git import clone_around
from contextworker.cli.release.plan import Bump, make_plan
from contextworker.cli.release.prepare import prepare
from contextworker.cli.release.workspace import find_workspace


def release(
    member: Annotated[str, Parameter(help="Such as `harvest`, `gateway` or `core`.")],
    bump: Annotated[
        Bump, Parameter(help="Which part of the version rises; `first` releases it as it stands.")
    ],
    *,
    widen: Annotated[
        bool,
        Parameter(negative=(), help="Let dependants whose upper bound ends below it allow it."),
    ] = False,
    dry_run: Annotated[
        bool, Parameter(negative=(), help="Show what it would be, and change nothing.")
    ] = False,
) -> None:
    """Raise a member's version, write its changelog, commit and tag; push nothing.

    What changes is prepared beside the working tree, so that a failure leaves no trace.
    """
    workspace = find_workspace(Path.cwd().resolve())
    clone = clone_around(workspace.root)
    branch = clone.branch()
    plan = make_plan(workspace, clone, member, bump, may_widen=widen)
    if plan.member.is_module:
        err().print("Preparing it; a module's tests run first, to record its histories …")
    with prepare(plan, clone, bump) as prepared:
        out().print(Text(f"{plan.member.name} {plan.version}, tag {plan.tag}\n", style="bold"))
        out().print(Text(f"{plan.text}\n"))
        for bound in plan.bounds:
            out().print(Text(f"{bound.dependant.name}: {bound.requirement} → {bound.wider}"))
        names = ", ".join(each.name for each in dependants(workspace, plan.member))
        out().print(Text(f"Used by: {names or 'no other member'}"))
        out().print(Text("\n".join(prepared.changes())))
        if dry_run:
            err().print("Nothing has been changed.")
            return
        commit = prepared.finish()
    out().print(Text(f"\n{commit} on {branch} is tagged {plan.tag}. To publish it:\n"))
    out().print(Text(f"  {clone.push_command(branch, plan.tag)}"), soft_wrap=True)
