"""The queue and the turns of a run: claims on machines in fair order, and short steps around a process that a runner keeps."""
