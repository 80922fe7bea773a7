"""Runs on a cluster of Ray: training as jobs, services as applications of Ray Serve, called over its REST API.

`client`, `runner`, `serving` and `software` work for the portal and do not import ray; `replica` and `contained` run on the cluster.
"""
