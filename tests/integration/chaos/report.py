"""The rounds as a table that people read."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from faults.schedule import Fault
from rounds import Round


@dataclass
class Report:
    """Rounds so far; the file is written anew after each."""

    path: Path
    rounds: list[Round] = field(default_factory=list)

    def add(self, one: Round) -> None:
        """Take another round in."""
        self.rounds.append(one)
        self.path.write_text(str(self))

    def __str__(self) -> str:
        return f"{self._summary()}\n\n{self._rounds()}\n\n{self._faults()}\n"

    def _summary(self) -> str:
        faults = sum(len(one.faults) for one in self.rounds)
        minutes = sum(one.took_s for one in self.rounds) / 60
        last = self.rounds[-1]
        recovered = [one.recovered_s for one in self.rounds]
        acknowledged = sum(one.acknowledged for one in self.rounds)
        violations = sum(len(one.violations) for one in self.rounds)
        return (
            f"{faults} faults in {len(self.rounds)} rounds and {minutes:.1f} minutes. "
            f"{acknowledged} starts were acknowledged, which with their children came to "
            f"{last.runs} runs. {last.products} products, {last.changes} changes and "
            f"{last.rejects} rejects were checked; {violations} violations. "
            f"From the last fault's end until all that was begun had ended: median "
            f"{median(recovered):.1f} s, at most {max(recovered):.1f} s."
        )

    def _rounds(self) -> str:
        titles = (
            "seed",
            "faults",
            "starts acknowledged",
            "calls their client gave up",
            "runs failed by a supplier's fault",
            "ended by themselves",
            "recovered after",
            "violations",
        )
        lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
        lines += [
            f"| {one.schedule.seed} | {len(one.faults)} | {one.acknowledged} | {one.again} "
            f"| {one.failed.total()} | {_counted(one.ended_by_itself)} "
            f"| {one.recovered_s:.1f} s | {len(one.violations)} |"
            for one in self.rounds
        ]
        return "\n".join(lines)

    def _faults(self) -> str:
        faults = [fault for one in self.rounds for fault in one.faults]
        left_out = [fault for one in self.rounds for fault, _ in one.left_out]
        lines = ["| fault | times | left out | targets |", "|---|---|---|---|"]
        for kind in sorted({fault.kind for fault in [*faults, *left_out]}):
            done = [fault for fault in faults if fault.kind == kind]
            missing = sum(fault.kind == kind for fault in left_out)
            lines.append(f"| {kind} | {len(done)} | {missing} | {_targets(done)} |")
        return "\n".join(lines)


def _targets(faults: list[Fault]) -> str:
    return _counted(Counter(fault.target for fault in faults))


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(names.items())) or "none"
