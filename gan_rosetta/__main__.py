"""`python -m gan_rosetta`: the command `gan-rosetta`, of the Python that runs it."""

from gan_rosetta.shared.commands.main import main

main()
