"""Metrics of runs: lines `iteration|loss|throughput` and use of the machine, read, thinned and drawn."""
