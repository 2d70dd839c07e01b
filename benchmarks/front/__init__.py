"""What benchmarks/gateway.py measures with: a gateway before a server, loads, and the codec."""
