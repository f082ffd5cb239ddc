"""Diagnosis: walks training with the reference beside it and names the first quantity that is off."""
