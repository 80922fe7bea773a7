"""The headers of weights files, read by range without running or loading anything: pure functions over bytes."""
