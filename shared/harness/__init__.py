"""The harness: finds backends, runs each in a worker process, and writes what it did to disk."""
