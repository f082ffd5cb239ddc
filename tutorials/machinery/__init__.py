"""What runs the lessons, judges them, draws them and makes the site; no lesson's program imports any of it."""
