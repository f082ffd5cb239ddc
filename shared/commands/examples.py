"""An example of each command, for its help; a test sees that each can be read."""

from __future__ import annotations

# The groups of commands in the help of gan-rosetta itself.
RUN, JUDGE, MEASURE, LOOK_UP = "Train and compare", "Find what is wrong", "Measure", "Look up"

# Of the command's own words; a subcommand's after its command's.
EXAMPLES = {
    "list": "gan-rosetta list",
    "show": "gan-rosetta show sine > mine.toml",
    "train": "gan-rosetta train sine --backend torch --steps 500",
    "compare": "gan-rosetta compare linear-2d --runs torch,jax:compiled",
    "convert": "gan-rosetta convert model.pt model.weights.h5 --gan sine",
    "translate": "gan-rosetta translate sine --to torch --out sine_in_torch.py",
    "read": "gan-rosetta read my_gan.py:G,D --like sine --out my_gan.toml",
    "report": "gan-rosetta report runs/2026-01-31-120000",
    "diagnose": "gan-rosetta diagnose sine --plant torch:adam-epsilon-hat",
    "judge": "gan-rosetta judge my_port.py --gan sine",
    "align": "gan-rosetta align original.py my_port.py",
    "faults": "gan-rosetta faults linear-2d --check --backends torch",
    "generate": "gan-rosetta generate --count 20 --backends torch",
    "defaults": "gan-rosetta defaults sine",
    "matters": "gan-rosetta matters linear-2d --runs numpy,numpy:float32 --seeds 90",
    "sweep": "gan-rosetta sweep rates.toml --picture rates.png",
    "calibrate": "gan-rosetta calibrate linear-2d --seeds 2 --no-power",
    "equivalence": "gan-rosetta equivalence linear-2d --tests 8 --steps 20",
    "accuracy": "gan-rosetta accuracy --operations tanh --dtype float32",
    "coverage": "gan-rosetta coverage pytorch-gan",
    "bench": "gan-rosetta bench --gans sine --backends torch,jax",
    "bench page": "gan-rosetta bench page runs/2026-01-31-120000-bench.json",
    "bench gpu": "gan-rosetta bench gpu --out gpu.json",
    "bench gpu-page": "gan-rosetta bench gpu-page gpu.json --markdown gpu.md",
    "bench compare": "gan-rosetta bench compare",
}


def example(command: str, /) -> str:
    """Return the line with which a command's help ends."""
    return f"Example: {EXAMPLES[command]}"
