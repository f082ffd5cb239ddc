"""The data of a run: counter-based random streams, the tape, the digits, and files of both."""
