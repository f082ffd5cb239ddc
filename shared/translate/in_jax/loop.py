"""The loop in JAX, and what the program leaves."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.data import STEP_IN_EPOCH, drawn_call, uses_classes, uses_masks
from gan_rosetta.shared.translate.in_jax.model import VERBS, has_buffers
from gan_rosetta.shared.translate.in_jax.optimizers import is_signed, slots_of
from gan_rosetta.shared.translate.in_jax.step import any_buffers, turns
from gan_rosetta.shared.translate.parts import (
    OptimizerUse,
    begun_uses,
    counts_generator,
    optimizer_uses,
    pattern,
    share_of,
    steps_before,
)
from gan_rosetta.shared.translate.writing import call, literal, number

CHECKPOINT = "checkpoint.npz"


def loop_section(gan: GanSpec, /) -> str:
    """Return the loops, and what the program leaves."""
    begun = begun_uses(gan)
    lines = [f"{_RESUMED}\n"] if begun else []
    lines += [f"{_SLOTS}\n"] if any(use.optimizer.slots for use in begun) else []
    lines += [_start(gan), _losses_kept(gan)]
    if gan.pretraining is not None:
        lines.append(_pretraining(gan))
    training = gan.training
    results = ["loss_d", "loss_g", *(["real_score"] if training.stop is not None else [])]
    place = f'int(batch["{STEP_IN_EPOCH}"])'
    given = [
        f"trains_{name[0]}={pattern(steps, 'step', place)}"
        for name, steps in (("discriminator", training.discriminator_steps), ("generator", training.generator_steps))
        if turns(gan, name)
    ]
    average = training.generator_average
    counts = counts_generator(gan)
    counted = ["    updates_of_g += not np.isnan(loss_g)"] if counts else []
    share, players = list[str](), ["g", "d"]
    if average is not None:
        players.append("average")
        share = [f"    share = {share_of(average, 'updates_of_g')}"]
    own = ["average", "jnp.asarray(share, dtype)"] if average is not None else []
    loop = [
        *([f"updates_of_g = {steps_before('generator')}"] if counts else []),
        call("batches = ", [f"read_batches(options.tape) if options.tape else {drawn_call(gan)}"], ""),
        "for step, batch in zip(range(options.steps), batches, strict=False):",
        *share,
        call(f"{', '.join(players)}, found = train_step(", ["g", "d", "to_arrays(batch)", *own, *given], indent=4),
        f"    {', '.join(results)} = (float(number) for number in found)",
        *counted,
        '    losses["discriminator"].append(loss_d)',
        '    losses["generator"].append(loss_g)',
        "    if step % 100 == 0:",
        '        print(f"step {step}: D {loss_d:.4f}, G {loss_g:.4f}")',
    ]
    if training.stop is not None:
        tolerance = number(training.stop.tolerance)
        loop += [f"    if abs(real_score - 0.5) <= {tolerance}:  # D cannot tell them apart", "        break"]
    lines += ["\n".join(loop), _end(gan)]
    return "\n\n".join(lines)


_RESUMED = '''\
def resumed(name: str, kept: optax.OptState, slots: dict[str, str]) -> optax.OptState:
    """Return what an optimizer keeps where training begins: what a state has of it, if any."""
    count = int(state.get(f"optimizer.{name}.step", 0))
    # All that optax keeps in whole numbers is this count.
    kept = jax.tree.map(lambda n: jnp.full_like(n, count) if n.dtype.kind == "i" else n, kept)
    for slot, own in slots.items() if count else ():
        names = optax.tree_utils.tree_get(kept, own)
        found = {n: jnp.asarray(state[f"optimizer.{name}.{n}.{slot}"], dtype) for n in names}
        kept = optax.tree_utils.tree_set(kept, **{own: found})
    return kept'''

_SLOTS = '''\
def slots_of(name: str, kept: optax.OptState, slots: dict[str, str]) -> dict[str, Array]:
    """Return what an optimizer keeps, by names of its own, and how many steps it has taken."""
    count = sum(not np.isnan(loss) for loss in losses[name])
    count += int(state.get(f"optimizer.{name}.step", 0))
    found = {f"optimizer.{name}.step": np.array(count)}
    for slot, own in slots.items():
        for tensor, value in optax.tree_utils.tree_get(kept, own).items():
            found[f"optimizer.{name}.{tensor}.{slot}"] = value
    return found if count else {}'''


def _start(gan: GanSpec) -> str:
    asks = begun_uses(gan) or counts_generator(gan)
    lines = ["state = read_state(options.state) if options.state is not None else {}"] if asks else []
    for use in begun_uses(gan):
        lines += _negated("state", use)
    begun = {use.name: use for use in begun_uses(gan)}
    for name, short in (("generator", "g"), ("discriminator", "d")):
        lines.append(f'tensors = first_tensors("{name}", options.seed)')
        if any_buffers(gan):
            lines.append('buffers = {n: a for n, a in tensors.items() if not n.endswith((".weight", ".bias"))}')
            lines.append("parameters = {n: a for n, a in tensors.items() if n not in buffers}")
            arguments = ["parameters", "buffers"]
        else:
            arguments = ["tensors"]
        kept = f"optimizer_{short}.init({arguments[0]})"
        if name in begun:
            lines.append(call("kept = resumed(", [f'"{name}"', kept, slots_of(begun[name].optimizer)]))
            kept = "kept"
        arguments.append(kept)
        lines.append(call(f"{short} = Player(", arguments))
    if gan.training.generator_average is not None:
        lines.append("average = g._replace(kept=())  # follows G; samples are drawn from it")
    return "\n".join(lines)


def _negated(tensors: str, use: OptimizerUse) -> list[str]:
    """Return the lines that turn an optimizer's momentum to what optax adds, or back. tensors: the name of a state."""
    if not is_signed(use.optimizer):
        return []
    return [
        "# optax adds steps that have their sign already; elsewhere they are taken away.",
        f'start = "optimizer.{use.name}."',
        f'for name in [n for n in {tensors} if n.startswith(start) and n.endswith(".momentum")]:',
        f"    {tensors}[name] = -{tensors}[name]",
    ]


def _losses_kept(gan: GanSpec) -> str:
    names = [*(["pretraining"] if gan.pretraining is not None else []), "discriminator", "generator"]
    return literal("losses: dict[str, list[float]] = {", [f'"{name}": []' for name in names], "}")


def _pretraining(gan: GanSpec) -> str:
    lines = [
        "if options.tape:",
        "    batches = read_batches(options.tape, pretraining=True)",
        "else:",
        "    batches = draw_pretraining(options.seed)",
        *_pretraining_start(gan),
        "for _, batch in zip(range(options.pretraining_steps), batches, strict=False):",
        "    p, loss = pretrain_step(p, to_arrays(batch))",
        '    losses["pretraining"].append(float(loss))',
    ]
    buffers = ", buffers=p.buffers" if any_buffers(gan) else ""
    return "\n".join([*lines, f"d = d._replace(parameters=p.parameters{buffers})"])


def _pretraining_start(gan: GanSpec) -> list[str]:
    """Return the lines that give D an optimizer of its own for its pretraining."""
    kept, lines = "optimizer_p.init(d.parameters)", list[str]()
    for use in begun_uses(gan):
        if use.name == "pretraining":
            lines.append(call("kept = resumed(", [f'"{use.name}"', kept, slots_of(use.optimizer)]))
            kept = "kept"
    return [*lines, f"p = d._replace(kept={kept})  # an optimizer of its own"]


def _end(gan: GanSpec) -> str:
    kept = "player.parameters | player.buffers" if any_buffers(gan) else "player.parameters"
    lines = [
        "options.out.mkdir(parents=True, exist_ok=True)",
        'np.savez(options.out / "losses.npz", **losses)',
        "checkpoint = {}",
        'for network, player in (("generator", g), ("discriminator", d)):',
        f"    tensors = {kept}",
        '    checkpoint |= {f"{network}.{name}": tensor for name, tensor in tensors.items()}',
    ]
    for use in optimizer_uses(gan):
        optimizer: Any = use.optimizer
        if not optimizer.slots:
            continue
        arguments = [f'"{use.name}"', f"{use.short}.kept", slots_of(optimizer)]
        lines.append(call("checkpoint |= slots_of(", arguments))
        lines += _negated("checkpoint", use)
    noise = "jnp.asarray(noise, dtype)"
    maker = "g"
    if gan.training.generator_average is not None:
        maker = "average"
        own = "(average.parameters | average.buffers)" if has_buffers(gan, "generator") else "average.parameters"
        lines.append(f"for name, tensor in {own}.items():")
        lines.append('    checkpoint[f"average.generator.{name}"] = tensor')
    buffers = [f"{maker}.buffers"] if has_buffers(gan, "generator") else []
    asked = [f"{maker}.parameters", *buffers, noise]
    asked += ["jnp.arange(len(noise)) % 10"] if uses_classes(gan, "generator") else []
    asked += ["{}"] if uses_masks(gan, "generator") else []
    result = "samples, _" if has_buffers(gan, "generator") else "samples"
    return "\n".join(
        [
            *lines,
            f'np.savez(options.out / "{CHECKPOINT}", **checkpoint)',
            "noise = draw_latent(np.random.default_rng([options.seed, 2]), 64)",
            call(f"{result} = {VERBS['generator']}(", asked),
            'np.savez(options.out / "samples.npz", generated=samples)',
        ]
    )
