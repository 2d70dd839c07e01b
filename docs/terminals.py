"""Take the pictures of the command line: `uv run docs/terminals.py`, beside a stack that runs.

Follow the tutorial to its seventh step first, in the folder that this is run in and with the usual
ports: what the pictures show is what the commands print there.
"""

import os
import pty
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

IMAGES = Path(__file__).with_name("images")
WIDTH = 118
PICTURES = {
    "terminal-up.svg": "contextworker up",
    "terminal-products.svg": "contextworker brain products --tenant my_shop --search a --limit 6",
    "terminal-review.svg": "contextworker gardener review list --tenant my_shop",
}
# Rich's own, without the font that it would fetch from the network.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}"
 xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace;
 font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def printed(command: str) -> str:
    """Return what a command prints on a terminal, colours included."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    with subprocess.Popen(
        command.split(), stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ):
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not part:
                break
            parts.append(part)
    os.close(ours)
    text = b"".join(parts).decode()
    return text.replace("\r\n", "\n").replace(str(Path.cwd()), "/home/me/contextworker")


def main() -> None:
    """Take all pictures.

    Raises:
        SystemExit: A command showed an error.
    """
    for name, command in PICTURES.items():
        shown = printed(command)
        if "error:" in shown:
            sys.exit(f"{command}: {shown}")
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            console = Console(record=True, width=WIDTH, file=nowhere)
            console.print(f"$ {command}", style="bold")
            lines = [line for line in shown.splitlines() if "already running here" not in line]
            console.print(Text.from_ansi("\n".join(lines).rstrip()))
        target = IMAGES / name
        target.write_text(
            console.export_svg(title="", theme=MONOKAI, code_format=FORMAT, unique_id=target.stem)
        )
        print(target)


if __name__ == "__main__":
    main()
