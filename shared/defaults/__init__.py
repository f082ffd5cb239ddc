"""What each framework's own defaults would have done to these GANs, measured on the reference."""

from gan_rosetta.shared.defaults.catalogue import DEFAULTS, FRAMEWORKS, Default
from gan_rosetta.shared.defaults.subjects import SUBJECTS, Subject

__all__ = ["DEFAULTS", "FRAMEWORKS", "SUBJECTS", "Default", "Subject"]
