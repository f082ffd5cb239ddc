"""Which public programs the vocabulary can describe: their needs, by hand, and whether each is there."""

from gan_rosetta.shared.coverage.collections import COLLECTIONS, Collection, read_collection
from gan_rosetta.shared.coverage.needs import NEEDS, Need
from gan_rosetta.shared.coverage.table import Coverage, cover

__all__ = ["COLLECTIONS", "NEEDS", "Collection", "Coverage", "Need", "cover", "read_collection"]
