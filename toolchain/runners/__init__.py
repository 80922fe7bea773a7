"""Runners: how a process of a user's code comes to run, on this machine or on a cluster; see `base` for the contract."""
