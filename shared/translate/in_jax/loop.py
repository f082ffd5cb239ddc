"""The loop in JAX, and what the program leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.optimizers import keeps_steps
from gan_rosetta.shared.translate.calls import asked_beside
from gan_rosetta.shared.translate.data import drawn_call, sample_noise
from gan_rosetta.shared.translate.feeds import STEP_IN_EPOCH, uses_masks
from gan_rosetta.shared.translate.in_jax.model import VERBS, has_buffers
from gan_rosetta.shared.translate.in_jax.optimizers import slots_of
from gan_rosetta.shared.translate.in_jax.step import any_buffers, turns
from gan_rosetta.shared.translate.parts import (
    OptimizerUse,
    begun_uses,
    counts_generator,
    joint_uses,
    losses_appended,
    losses_kept,
    optimizer_uses,
    pattern,
    share_of,
    step_results,
    steps_before,
)
from gan_rosetta.shared.translate.writing import WIDTH, call, literal, number

CHECKPOINT = "checkpoint.npz"
_IMAGE_RANK = 3


@dataclass(frozen=True, kw_only=True)
class StateWords:
    """How a program's tensors become those of a state, in the words of JAX or of a library that is built on it.

    name: a state's name for the tensor {n}, inside of an f-string. taken: the array {a} of a state as the program's
    tensor {n}. left: the tensor {a}, called {n}, as a state has it. turned: noise {a} as G takes it, turned_back: the
    samples {a} of G as others have them, where they are images. has_networks: whether the program has both networks as
    objects, whose own tensors say which of a state's it begins with.
    """

    name: str = "{{{n}}}"
    taken: str = "jnp.asarray({a}, dtype)"
    left: str = "{a}"
    turned: str = "{a}"
    turned_back: str = "{a}"
    has_networks: bool = False

    def images(self, gan: GanSpec, /) -> str:
        """Return the expression of G's samples, as they are kept."""
        return self.turned_back.format(a="samples") if len(gan.generator.output_shape) == _IMAGE_RANK else "samples"


def loop_section(gan: GanSpec, /) -> str:
    """Return the loops, and what the program leaves."""
    return loop_in_words(gan, StateWords())


def loop_in_words(gan: GanSpec, words: StateWords, /) -> str:
    """Return the section, in words of JAX or of a library that is built on it."""
    begun = begun_uses(gan)
    lines = [f"{_resumed(words)}\n"] if begun else []
    lines += [f"{_slots(gan, words)}\n"] if any(use.optimizer.slots for use in begun) else []
    lines += [_start(gan, words), losses_kept(gan)]
    if gan.pretraining is not None:
        lines.append(_pretraining(gan))
    training = gan.training
    results = step_results(gan)
    place = f'int(batch["{STEP_IN_EPOCH}"])'
    given = [
        f"trains_{name[0]}={pattern(steps, 'step', place)}"
        for name, steps in (("discriminator", training.discriminator_steps), ("generator", training.generator_steps))
        if turns(gan, name)
    ]
    average = training.generator_average
    counts = counts_generator(gan)
    counted = [f"    updates_of_g += {'not np.isnan(loss_g)' if turns(gan, 'generator') else 1}"] if counts else []
    share, players = list[str](), ["g", "d"]
    if average is not None:
        players.append("average")
        share = [f"    share = {share_of(average, 'updates_of_g')}"]
    own = ["average", "jnp.asarray(share, dtype)"] if average is not None else []
    if training.balanced is not None:
        players.append("balance")
        own.append("balance")
    if joint_uses(gan):
        players.append("joint")
        own.append("joint")
    loop = [
        *([f"updates_of_g = {steps_before('generator')}"] if counts else []),
        call("batches = ", [f"read_batches(options.tape) if options.tape else {drawn_call(gan)}"], ""),
        "for step, batch in zip(range(options.steps), batches, strict=False):",
        *share,
        call(f"{', '.join(players)}, found = train_step(", ["g", "d", "to_arrays(batch)", *own, *given], indent=4),
        f"    {', '.join(results)} = (float(number) for number in found)",
        *counted,
        *losses_appended(gan),
    ]
    if training.stop is not None:
        tolerance = number(training.stop.tolerance)
        loop += [f"    if abs(real_score - 0.5) <= {tolerance}:  # D cannot tell them apart", "        break"]
    lines += ["\n".join(loop), _end(gan, words)]
    return "\n\n".join(lines)


def _resumed(words: StateWords) -> str:
    name = words.name.format(n="n")
    array = f'state[f"optimizer.{{name}}.{name}.{{slot}}"]'
    return f'''\
def resumed(name: str, kept: optax.OptState, slots: dict[str, str]) -> optax.OptState:
    """Return what an optimizer keeps where training begins: what a state has of it, if any."""
    count = int(state.get(f"optimizer.{{name}}.step", 0))
    # All that optax keeps in whole numbers is this count.
    kept = jax.tree.map(lambda n: jnp.full_like(n, count) if n.dtype.kind == "i" else n, kept)
    for slot, own in slots.items() if count else ():
        names = optax.tree_utils.tree_get(kept, own)
        found = {{n: {words.taken.format(n="n", a=array)} for n in names}}
        kept = optax.tree_utils.tree_set(kept, **{{own: found}})
    return kept'''


def _slots(gan: GanSpec, words: StateWords) -> str:
    name = words.name.format(n="tensor")
    has_turns = turns(gan, "discriminator") or turns(gan, "generator")
    of = 'name.partition(".")[0]' if joint_uses(gan) else "name"
    count = f"sum(not np.isnan(loss) for loss in losses[{of}])" if has_turns else f"len(losses[{of}])"
    return f'''\
def slots_of(name: str, kept: optax.OptState, slots: dict[str, str]) -> dict[str, Array]:
    """Return what an optimizer keeps, by names of its own, and how many steps it has taken."""
    count = {count}
    count += int(state.get(f"optimizer.{{name}}.step", 0))
    found = {{f"optimizer.{{name}}.step": np.array(count)}}
    for slot, own in slots.items():
        for tensor, value in optax.tree_utils.tree_get(kept, own).items():
            found[f"optimizer.{{name}}.{name}.{{slot}}"] = {words.left.format(n="tensor", a="value")}
    return found if count else {{}}'''


def _start(gan: GanSpec, words: StateWords) -> str:
    asks = begun_uses(gan) or counts_generator(gan)
    lines = ["state = read_state(options.state) if options.state is not None else {}"] if asks else []
    for use in begun_uses(gan):
        lines += _negated("state", use)
    begun = {use.name: use for use in begun_uses(gan)}
    for name, short in (("generator", "g"), ("discriminator", "d")):
        lines.append(f'tensors = first_tensors("{name}", options.seed)')
        lines += _divided(gan, name, words)
        arguments = (
            ["parameters", "buffers"] if any_buffers(gan) else ["parameters" if words.has_networks else "tensors"]
        )
        kept = f"optimizer_{short}.init({arguments[0]})"
        if name in begun:
            lines.append(call("kept = resumed(", [f'"{name}"', kept, slots_of(begun[name].optimizer)]))
            kept = "kept"
        arguments.append(kept)
        lines.append(call(f"{short} = Player(", arguments))
    joint = []
    for use in joint_uses(gan):
        kept = f"optimizer_{use.short}.init({use.network[0]}.parameters)"
        if use.name in begun:
            kept = call("resumed(", [f'"{use.name}"', kept, slots_of(use.optimizer)], later=4)
        joint.append(kept)
    lines += [literal("joint = (", joint, ")")] if joint else []
    if gan.training.generator_average is not None:
        lines.append('tensors = first_tensors("average.generator", options.seed)')
        lines += _divided(gan, "generator", words)
        tensors = ["parameters", "buffers"] if any_buffers(gan) else [arguments[0]]
        lines.append(f"average = Player({', '.join(tensors)}, ())  # follows G; samples are drawn from it")
    if gan.training.balanced is not None:
        lines.append("# Of the two terms of D's loss; moved in each step.")
        lines.append("balance = jnp.asarray(first_balance(), dtype)")
    return "\n".join(lines)


def _divided(gan: GanSpec, name: str, words: StateWords) -> list[str]:
    """Return the lines that tell a network's parameters from its buffers."""
    if words.has_networks:
        own = words.taken.format(n="n", a="tensors[in_state(n)]")
        kinds = {"parameters": "Param", **({"buffers": "BatchStat"} if any_buffers(gan) else {})}
        return [f"{kind} = {{n: {own} for n in tensors_of({name}, nnx.{of})}}" for kind, of in kinds.items()]
    if not any_buffers(gan):
        return []
    return [
        'buffers = {n: a for n, a in tensors.items() if not n.endswith((".weight", ".bias"))}',
        "parameters = {n: a for n, a in tensors.items() if n not in buffers}",
    ]


def _negated(tensors: str, use: OptimizerUse) -> list[str]:
    """Return the lines that turn an optimizer's momentum to what optax adds, or back. tensors: the name of a state."""
    if not keeps_steps(use.optimizer):
        return []
    return [
        "# optax adds steps that have their sign already; elsewhere they are taken away.",
        f'start = "optimizer.{use.name}."',
        f'for name in [n for n in {tensors} if n.startswith(start) and n.endswith(".momentum")]:',
        f"    {tensors}[name] = -{tensors}[name]",
    ]


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


def _end(gan: GanSpec, words: StateWords) -> str:
    kept = "player.parameters | player.buffers" if any_buffers(gan) else "player.parameters"
    in_state, left = words.name.format(n="name"), words.left.format(n="name", a="tensor")
    lines = [
        "options.out.mkdir(parents=True, exist_ok=True)",
        'np.savez(options.out / "losses.npz", **losses)',
        "checkpoint = {}",
        'for network, player in (("generator", g), ("discriminator", d)):',
        f"    tensors = {kept}",
        *_kept(f"{{network}}.{in_state}", left),
    ]
    for use in optimizer_uses(gan):
        optimizer: Any = use.optimizer
        if not optimizer.slots:
            continue
        kept = f"joint[{joint_uses(gan).index(use)}]" if use in joint_uses(gan) else f"{use.short}.kept"
        arguments = [f'"{use.name}"', kept, slots_of(optimizer)]
        lines.append(call("checkpoint |= slots_of(", arguments))
        lines += _negated("checkpoint", use)
    if gan.training.balanced is not None:
        lines.append('checkpoint["training.balance"] = balance')
    is_image = len(gan.generator.input_shape) == _IMAGE_RANK
    noise = f"jnp.asarray({words.turned.format(a='noise') if is_image else 'noise'}, dtype)"
    maker = "g"
    if gan.training.generator_average is not None:
        maker = "average"
        own = "(average.parameters | average.buffers)" if has_buffers(gan, "generator") else "average.parameters"
        lines.append(f"for name, tensor in {own}.items():")
        lines.append(f'    checkpoint[f"average.generator.{in_state}"] = {left}')
    buffers = [f"{maker}.buffers"] if has_buffers(gan, "generator") else []
    asked = [f"{maker}.parameters", *buffers, noise]
    asked += asked_beside(gan, "jnp.arange(len(noise)) % 10", noise)
    asked += ["{}"] if uses_masks(gan, "generator") else []
    result = "samples, _" if has_buffers(gan, "generator") else "samples"
    return "\n".join(
        [
            *lines,
            f'np.savez(options.out / "{CHECKPOINT}", **checkpoint)',
            *sample_noise(gan),
            call(f"{result} = {VERBS['generator']}(", asked),
            f'np.savez(options.out / "samples.npz", generated={words.images(gan)})',
        ]
    )


def _kept(name: str, left: str) -> list[str]:
    line = f'    checkpoint |= {{f"{name}": {left} for name, tensor in tensors.items()}}'
    if len(line) <= WIDTH:
        return [line]
    return ["    for name, tensor in tensors.items():", f'        checkpoint[f"{name}"] = {left}']
