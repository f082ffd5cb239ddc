"""The harness of gan-rosetta: specs, seeded data, runs, comparison and reports. Imports no framework."""
