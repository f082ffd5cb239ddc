"""The step in TensorFlow, traced as a whole, and the loop."""

from __future__ import annotations

from collections.abc import Sequence

from gan_rosetta.shared.spec import GanSpec, GradientClipping
from gan_rosetta.shared.translate.calls import (
    asked_beside,
    followed_by_discriminator,
    generate,
    judge,
    of_network,
    penalty_lines,
)
from gan_rosetta.shared.translate.data import drawn_call, sample_noise
from gan_rosetta.shared.translate.feeds import STEP_IN_EPOCH, uses_classes, uses_masks
from gan_rosetta.shared.translate.in_tensorflow.averages import average_section
from gan_rosetta.shared.translate.in_tensorflow.model import first_call
from gan_rosetta.shared.translate.in_tensorflow.optimizers import rate_lines
from gan_rosetta.shared.translate.losses import generator_loss_call, scores_of_discriminator
from gan_rosetta.shared.translate.parts import (
    joint_uses,
    losses_appended,
    losses_kept,
    optimizer_uses,
    pattern,
    penalised_samples,
    place_of,
    step_results,
    updates_said,
)
from gan_rosetta.shared.translate.writing import call, indented, number

CHECKPOINT = "checkpoint.npz"
_IMAGE_RANK = 3


def step_section(gan: GanSpec, /) -> str:
    """Return the functions that take one step, and the average that follows G, if any."""
    built = first_call(gan, "generator", "average")
    return step_with_average(gan, ["average = Generator()  # follows G; samples are drawn from it", built])


def step_with_average(gan: GanSpec, made: Sequence[str], /, *, listed: bool = False) -> str:
    """Return the section with the lines that make a second G; listed: as of the calls of networks."""
    average = gan.training.generator_average
    parts = [] if average is None else [average_section(average, made)]
    parts += [_pretrain_step(gan, listed=listed)] if gan.pretraining is not None else []
    parts += [_BALANCE] if gan.training.balanced is not None else []
    return "\n\n\n".join([*parts, _train_step(gan, listed=listed)])


_BALANCE = """\
# Of the two terms of D's loss; moved in each step.
balance = tf.Variable(first_balance(), trainable=False, dtype=options.dtype)"""


def _pretrain_step(gan: GanSpec, *, listed: bool) -> str:
    if gan.pretraining is None:
        raise TypeError(f"{gan.name!r} has no pretraining")
    asked = judge(gan, "density", "pretraining.input.discriminator", 'batch["pretrain_input"]', later=8, listed=listed)
    reduce = f"tf.reduce_{gan.pretraining.loss.reduction}"
    return "\n".join(
        [
            "@tf.function",
            "def pretrain_step(batch: Batch) -> tf.Tensor:",
            '    """Fit D to the density; return its loss from before the update."""',
            "    with tf.GradientTape() as tape:",
            indented(asked, by=8),
            f'        loss = {reduce}((density - batch["pretrain_target"]) ** 2)',
            *(indented(line, by=4) for line in _moved(gan, "tape", "loss", "discriminator", "p")),
            "    return loss",
        ]
    )


def _rests(gan: GanSpec, player: str) -> bool:
    training = gan.training
    turns = training.discriminator_steps if player == "discriminator" else training.generator_steps
    return turns.period > 1


def _train_step(gan: GanSpec, *, listed: bool) -> str:
    training = gan.training
    blocks = {"discriminator": _discriminator_block, "generator": _generator_block}
    order = [training.first, "generator" if training.first == "discriminator" else "discriminator"]
    names = {"discriminator": "D", "generator": "G"}
    said, results = updates_said(gan), step_results(gan)
    given = [f"trains_{name[0]}: bool" for name in names if _rests(gan, name)]
    arguments = ["batch: Batch", *(["*", *given] if given else [])]
    lines: list[str] = []
    if given:
        resting = [f"loss_{name[0]}" for name in names if _rests(gan, name)]
        resting += ["real_score"] if training.stop is not None and _rests(gan, "discriminator") else []
        missing = "tf.constant(np.nan, options.dtype)  # of one that does not train"
        lines.append(f"{' = '.join(resting)} = {missing}")
    if not training.detach_fake and _rests(gan, "discriminator"):
        lines.append("joined = [tf.zeros_like(tensor) for tensor in trained(generator).values()]")
    for position, player in enumerate(order):
        block = blocks[player](gan, 8 if _rests(gan, player) else 4, listed=listed)
        if _rests(gan, player):
            lines += [f"if trains_{player[0]}:", indented("\n".join(block), by=4)]
        else:
            lines += [*([""] if position else []), *block]
    lines += ["", *_joint_block(gan, listed=listed)] if joint_uses(gan) else []
    head = call("def train_step(", arguments, ") -> tuple[tf.Tensor, ...]:")
    body = indented("\n".join([*lines, f"return {', '.join(results)}"]), by=4)
    return "\n".join(["@tf.function", head, f'    """{said}; return the losses from before the updates."""', body])


def _moved(gan: GanSpec, tape: str, loss: str, network: str, short: str, *, joined: bool = False) -> list[str]:
    """Return the lines that move a network's parameters by the gradient of a loss."""
    lines = [f"gradients = {tape}.gradient({loss}, list(trained({network}).values()))"]
    if uses_classes(gan, network):
        lines.append("gradients = [tf.convert_to_tensor(each) for each in gradients]  # an embedding's are rows")
    if joined:
        lines.append("# What D's loss, through its fake samples, says of G comes on top.")
        lines.append("gradients = [own + more for own, more in zip(gradients, joined, strict=True)]")
    clippings = {"d": gan.training.discriminator_clipping, "g": gan.training.generator_clipping}
    return [*lines, *_clipped(clippings.get(short)), f"optimizer_{short}.apply(gradients)"]


def _clipped(clipping: GradientClipping | None) -> list[str]:
    """Return the lines that hold gradients to a bound, before an update."""
    if clipping is None:
        return []
    bound = number(clipping.bound)
    if clipping.by == "value":
        return [f"gradients = [tf.clip_by_value(each, -{bound}, {bound}) for each in gradients]"]
    more = f" + {number(clipping.epsilon)}" if clipping.epsilon else ""
    if clipping.by == "norm":
        return [
            f"scales = [tf.minimum({bound} / (tf.norm(each){more}), 1) for each in gradients]",
            "gradients = [each * scale for each, scale in zip(gradients, scales, strict=True)]",
        ]
    return [
        f"scale = tf.minimum({bound} / (tf.linalg.global_norm(gradients){more}), 1)",
        "gradients = [each * scale for each in gradients]",
    ]


def _discriminator_block(gan: GanSpec, later: int, *, listed: bool) -> list[str]:
    training = gan.training
    is_first, reused = training.first == "discriminator", training.fake_batch == "reused"
    joined = not training.detach_fake
    lines, own = [], []
    if is_first or not reused:
        made = generate(gan, "discriminator", later=later + 4, listed=listed)
        if joined:
            own.append(made)
        elif reused:
            lines += ["with tf.GradientTape() as tape_g:", indented(made, by=4)]
        else:
            lines.append(generate(gan, "discriminator", later=later, listed=listed))
    real, fake = place_of(gan, "discriminator", "real"), place_of(gan, "discriminator", "fake")
    own.append(judge(gan, "of_real", real, 'batch["real"]', later=later + 4, listed=listed))
    own.append(judge(gan, "of_fake", fake, "fake", later=later + 4, listed=listed))
    own.append(f"loss_d = discriminator_loss({', '.join(scores_of_discriminator(gan))})")
    if gan.penalty is not None:
        held = "tf.stop_gradient(fake)" if joined else "fake"
        samples = penalised_samples(gan.penalty, fake=held, both="tf.concat([{a}, {b}], axis=0)")
        own.append(f"mixed = {samples}")
        own += penalty_lines(gan, gan.penalty, later=later + 4)
    persists = "persistent=True" if joined else ""
    lines += [f"with tf.GradientTape({persists}) as tape_d:", *(indented(each, by=4) for each in own)]
    lines += ["real_score = tf.reduce_mean(of_real)"] if training.stop is not None else []
    if joined:
        lines.append("joined = tape_d.gradient(loss_d, list(trained(generator).values()))")
    lines += _moved(gan, "tape_d", followed_by_discriminator(gan), "discriminator", "d")
    if training.weight_clipping is not None:
        bound = number(training.weight_clipping.bound)
        lines += [
            "for tensor in trained(discriminator).values():",
            f"    tensor.assign(tf.clip_by_value(tensor, -{bound}, {bound}))",
        ]
    if training.balanced is not None:
        lines.append("balance.assign(moved_balance(of_real, of_fake, balance))")
    return lines


def _generator_block(gan: GanSpec, later: int, *, listed: bool) -> list[str]:
    training = gan.training
    is_first, reused = training.first == "generator", training.fake_batch == "reused"
    tape, own = "tape_g", []
    if is_first or not reused:
        own.append(generate(gan, "generator", later=later + 4, listed=listed))
        begins = "with tf.GradientTape() as tape_g:"
    else:
        tape = "tape_g" if training.detach_fake else "tape_d"
        begins = f"with {tape}:  # which goes on"
    if training.generator_sees_real:
        real = place_of(gan, "generator", "real")
        own.append(judge(gan, "of_real", real, 'batch["real"]', later=later + 4, listed=listed))
    own.append(judge(gan, "of_fake", place_of(gan, "generator", "fake"), "fake", later=later + 4, listed=listed))
    if training.shows_fake_twice:
        again = place_of(gan, "generator", "again")
        own.append(judge(gan, "of_again", again, "fake", later=later + 4, listed=listed))
    own.append(f"loss_g = {generator_loss_call(gan)}")
    moved = _moved(gan, tape, "loss_g", "generator", "g", joined=not training.detach_fake)
    follows = ["follow()"] if training.generator_average is not None else []
    return [begins, *(indented(each, by=4) for each in own), *moved, *follows]


def _joint_block(gan: GanSpec, *, listed: bool) -> list[str]:
    own = [
        generate(gan, "joint", later=8, listed=listed),
        judge(gan, "of_fake", place_of(gan, "joint", "fake"), "fake", later=8, listed=listed),
        "loss_joint = joint_loss(of_fake)",
    ]
    of_g, of_d = joint_uses(gan)
    lines = [
        "with tf.GradientTape() as tape_joint:",
        *(indented(each, by=4) for each in own),
        "own_g, own_d = list(trained(generator).values()), list(trained(discriminator).values())",
        "gradients = tape_joint.gradient(loss_joint, [*own_g, *own_d])",
    ]
    if any(uses_classes(gan, network) for network in gan.networks()):
        lines.append("gradients = [tf.convert_to_tensor(each) for each in gradients]  # an embedding's are rows")
    return [
        *lines,
        f"optimizer_{of_g.short}.apply(gradients[: len(own_g)])",
        f"optimizer_{of_d.short}.apply(gradients[len(own_g) :])",
    ]


def loop_section(gan: GanSpec, /) -> str:
    """Return the loops, and what the program leaves."""
    no_masks = ["{}"] if uses_masks(gan, "generator") else []
    return loop_with_files(gan, [], no_masks=no_masks)


def loop_with_files(gan: GanSpec, files: Sequence[str], /, *, no_masks: Sequence[str], listed: bool = False) -> str:
    """Return the section with the lines that write more files; no_masks: what G is given for masks of dropout."""
    lines = [losses_kept(gan)]
    if gan.pretraining is not None:
        lines.append(_pretraining(gan))
    training = gan.training
    results = step_results(gan)
    place = f'int(batch["{STEP_IN_EPOCH}"])'
    given = [
        f"trains_{name[0]}={pattern(steps, 'step', place)}"
        for name, steps in (("discriminator", training.discriminator_steps), ("generator", training.generator_steps))
        if _rests(gan, name)
    ]
    loop = [
        call("batches = ", [f"read_batches(options.tape) if options.tape else {drawn_call(gan)}"], ""),
        "for step, batch in zip(range(options.steps), batches, strict=False):",
        *_rates(gan, ["d", "g", *(use.short for use in joint_uses(gan))]),
        call("found = train_step(", ["to_tensors(batch)", *given], indent=4),
        f"    {', '.join(results)} = (float(number) for number in found)",
        *losses_appended(gan),
    ]
    if training.stop is not None:
        tolerance = number(training.stop.tolerance)
        loop += [f"    if abs(real_score - 0.5) <= {tolerance}:  # D cannot tell them apart", "        break"]
    return "\n\n".join([*lines, "\n".join(loop), _end(gan, files, no_masks, listed=listed)])


def _rates(gan: GanSpec, shorts: Sequence[str]) -> list[str]:
    """Return the lines of a loop that set the rates of optimizers that decay."""
    lines = [f"    {line}" for short in shorts for line in rate_lines(gan, short)]
    return ["    # Keras's own schedules compute in float32.", *lines] if lines else []


def _pretraining(gan: GanSpec) -> str:
    return "\n".join(
        [
            "if options.tape:",
            "    batches = read_batches(options.tape, pretraining=True)",
            "else:",
            "    batches = draw_pretraining(options.seed)",
            "for _, batch in zip(range(options.pretraining_steps), batches, strict=False):",
            *_rates(gan, "p"),
            '    losses["pretraining"].append(float(pretrain_step(to_tensors(batch))))',
        ]
    )


_AVERAGE_KEPT = [
    "for name, tensor in tensors_of(average).items():",
    '    checkpoint[f"average.generator.{name}"] = as_state(tensor, tensor)',
]


def _end(gan: GanSpec, files: Sequence[str], no_masks: Sequence[str], *, listed: bool) -> str:
    lines = [
        "options.out.mkdir(parents=True, exist_ok=True)",
        'np.savez(options.out / "losses.npz", **losses)',
        "checkpoint = {}",
        'for prefix, network in (("generator", generator), ("discriminator", discriminator)):',
        "    for name, tensor in tensors_of(network).items():",
        '        checkpoint[f"{prefix}.{name}"] = as_state(tensor, tensor)',
    ]
    if any(use.optimizer.slots for use in optimizer_uses(gan)):
        lines += [
            "for prefix, network, optimizer, slots in optimizers:",
            "    count = int(optimizer.iterations)",
            '    checkpoint |= {f"optimizer.{prefix}.step": np.array(count)} if count else {}',
            "    for slot, own in slots.items() if count else ():",
            "        kept = getattr(optimizer, own)",
            "        for (name, tensor), values in zip(trained(network).items(), kept, strict=True):",
            '            checkpoint[f"optimizer.{prefix}.{name}.{slot}"] = as_state(tensor, values)',
        ]
    average = gan.training.generator_average is not None
    lines += _AVERAGE_KEPT if average else []
    if gan.training.balanced is not None:
        lines.append('checkpoint["training.balance"] = balance.numpy()')
    asked = ["tf.constant(noise, options.dtype)"]
    asked += asked_beside(gan, "tf.range(len(noise)) % 10", asked[0])
    is_image = len(gan.generator.output_shape) == _IMAGE_RANK
    images = "np.moveaxis(samples.numpy(), -1, 1)" if is_image else "samples.numpy()"
    turns = "noise = np.moveaxis(noise, 1, -1)  # channels come last"
    return "\n".join(
        [
            *lines,
            f'np.savez(options.out / "{CHECKPOINT}", **checkpoint)',
            *files,
            *sample_noise(gan),
            *([turns] if len(gan.generator.input_shape) == _IMAGE_RANK else []),
            of_network(f"samples = {'average' if average else 'generator'}(", [*asked, *no_masks], listed=listed),
            f'np.savez(options.out / "samples.npz", generated={images})',
        ]
    )
