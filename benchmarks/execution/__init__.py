"""What benchmarks/sandbox.py measures with: the running system, and what it stands beside."""
