"""Sweeps: a plan of GANs, runs, seeds and fields as many independent jobs, on this machine or on a Dask cluster."""
