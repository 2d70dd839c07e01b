"""What each member's image adds to the base image, as a table for RESULTS.md.

`.ci/containers` runs it beside the engine in which it has built the images; elsewhere it asks the
engine that `docker` talks to.
"""

import os
import subprocess
import sys

from running_containers import IMAGES, MEMBERS

MB = 1_000_000


def main() -> None:
    """Print the table."""
    images = IMAGES[os.environ.get("CONTEXTWORKER_TEST_IMAGES", "official")]
    base = sum(layers(images.base))
    print(f"Base image {images.base}: {base / MB:.0f} MB.\n")
    print("| image | size, MB | of it dependencies | of it our code |")
    print("|---|---|---|---|")
    for member in MEMBERS:
        name = f"contextworker/{member}:test"
        code, dependencies, *_ = [size for size in layers(name) if size]
        total = sum(layers(name))
        print(f"| {member} | {total / MB:.0f} | {dependencies / MB:.0f} | {code / MB:.1f} |")


def layers(image: str) -> list[int]:
    """Return the sizes of an image's layers, the uppermost first."""
    command = ["docker", "history", "--human=false", "--no-trunc", "--format", "{{.Size}}", image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"no image {image}: .ci/containers builds it ({done.stderr.strip()})")
    return [int(size) for size in done.stdout.split()]


if __name__ == "__main__":
    main()
