"""A program from outside: what it starts from and is fed, what it says it computed, and the judgement on that."""
