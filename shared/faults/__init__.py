"""Planted faults: the mistakes people make when they port a model between frameworks, to test the checker with."""

from shared.faults.catalogue import FAULTS, find_fault
from shared.faults.fault import Fault, Location, Plant
from shared.faults.planted import PlantedTrainer

__all__ = ["FAULTS", "Fault", "Location", "Plant", "PlantedTrainer", "find_fault"]
