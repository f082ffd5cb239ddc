"""Planted faults: the mistakes people make when they port a model between frameworks, to test the checker with."""

from gan_rosetta.shared.faults.catalogue import FAULTS, find_fault
from gan_rosetta.shared.faults.fault import Fault, Location, Plant
from gan_rosetta.shared.faults.planted import PlantedTrainer

__all__ = ["FAULTS", "Fault", "Location", "Plant", "PlantedTrainer", "find_fault"]
