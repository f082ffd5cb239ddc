"""The command `gan-rosetta`, and `python -m gan_rosetta`: the command of the Python that runs it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; an environment that serves workers alone has not what it needs, and is told so in a line."""
    try:
        from gan_rosetta.shared.commands.main import main as run  # noqa: PLC0415 - it may be missing
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "gan_rosetta":
            raise
        print(
            f"gan-rosetta: {error.name} is not installed here, so that this environment serves workers alone; "
            f"{sys.executable} -m pip install gan-rosetta brings the command's own packages",
            file=sys.stderr,
        )
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
