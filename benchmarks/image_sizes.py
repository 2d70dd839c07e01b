"""What each member's image adds to its base image: `benchmarks/image_sizes.py BASE`.

Prints a table for RESULTS.md of the images that the container tests have built; `.ci/containers`
runs it beside the engine that holds them.
"""

import subprocess
import sys

MB = 1_000_000


def main() -> None:
    """Print the table."""
    base = sys.argv[1]
    print(f"The base image, {base}, has {sum(layers(base)) / MB:.0f} MB of each.\n")
    print("| image | MB | of it dependencies | of it our code |")
    print("|---|---|---|---|")
    for image in docker("image", "ls", "--format={{.Repository}}:{{.Tag}}", "contextworker/*:test"):
        # The last two layers that hold anything are the code and what it depends on.
        sizes = layers(image)
        code, dependencies, *_ = [size / MB for size in sizes if size]
        member = image.removeprefix("contextworker/").removesuffix(":test")
        print(f"| {member} | {sum(sizes) / MB:.0f} | {dependencies:.0f} | {code:.1f} |")


def layers(image: str) -> list[int]:
    """Return the sizes of an image's layers in bytes, the uppermost first."""
    return [int(size) for size in docker("history", "--human=false", "--format={{.Size}}", image)]


def docker(*arguments: str) -> list[str]:
    """Ask Docker; returns the lines of its answer."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.splitlines()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: benchmarks/image_sizes.py BASE")
    main()
