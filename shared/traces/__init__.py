"""Programs held to each other: what each traced of itself, and where they are first further apart than rounding."""
