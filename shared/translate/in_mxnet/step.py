"""The step and the loop in MXNet."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec, GradientClipping
from gan_rosetta.shared.translate.calls import asked_beside, followed_by_discriminator, generate, judge, penalty_lines
from gan_rosetta.shared.translate.data import drawn_call, sample_noise
from gan_rosetta.shared.translate.feeds import EPOCH, STEP_IN_EPOCH, asks_for_step_in_epoch, uses_masks
from gan_rosetta.shared.translate.in_mxnet.averages import average_section
from gan_rosetta.shared.translate.losses import generator_loss_call, scores_of_discriminator
from gan_rosetta.shared.translate.parts import (
    decays,
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
from gan_rosetta.shared.translate.rates import rate_at
from gan_rosetta.shared.translate.writing import call, indented, literal, number

CHECKPOINT = "checkpoint.npz"


def step_section(gan: GanSpec, /) -> str:
    """Return the function that takes one step, after the average that follows G, if any."""
    average = gan.training.generator_average
    parts = [average_section(average)] if average is not None else []
    parts += [_BALANCE] if gan.training.balanced is not None else []
    return "\n\n\n".join([*parts, _train_step(gan)])


_BALANCE = """\
# Of the two terms of D's loss; moved in each step.
balance = mx.nd.array([first_balance()], dtype=options.dtype)"""


def _train_step(gan: GanSpec) -> str:
    training = gan.training
    blocks = {"discriminator": _discriminator_block, "generator": _generator_block}
    order = [training.first, "generator" if training.first == "discriminator" else "discriminator"]
    turns = {"discriminator": training.discriminator_steps, "generator": training.generator_steps}
    said, results = updates_said(gan), step_results(gan)
    arguments = ["step: int"] if _counts_steps(gan) else []
    arguments += ["place: int"] if asks_for_step_in_epoch(gan) else []
    head = call(
        "def train_step(",
        [*arguments, "batch: Batch"],
        f") -> tuple[{', '.join('float' for _ in results)}]:",
    )
    lines: list[str] = []
    if not training.trains_both_always:
        lines.append("loss_d = loss_g = mx.nd.array([np.nan])  # of one that does not train")
        lines += ["real_score = mx.nd.array([np.nan])"] if training.stop is not None else []
    if not training.detach_fake and training.discriminator_steps.period > 1:
        lines.append("joined = [mx.nd.zeros_like(tensor.data()) for tensor in trained(generator)]")
    for position, player in enumerate(order):
        condition = pattern(turns[player], "step", "place")
        block = blocks[player](gan, 8 if condition else 4)
        lines += _VIEWS if position else []
        lines += [f"if {condition}:", indented("\n".join(block), by=4)] if condition else block
    lines += [*_VIEWS, *_joint_block(gan)] if joint_uses(gan) else []
    items = ", ".join(f"{name}.asscalar()" for name in results)
    body = indented("\n".join([*lines, f"return {items}"]), by=4)
    return "\n".join([head, f'    """{said}; return the losses from before the updates."""', body])


_VIEWS = [
    "",
    "# A backward pass forgets what came in: the next has views of its own.",
    "batch = {name: array.detach() for name, array in batch.items()}",
]


def _counts_steps(gan: GanSpec) -> bool:
    turns = (gan.training.discriminator_steps, gan.training.generator_steps)
    return any(each.period > 1 and each.counted == "training" for each in turns)


def _discriminator_block(gan: GanSpec, later: int) -> list[str]:
    training = gan.training
    is_first, reused = training.first == "discriminator", training.fake_batch == "reused"
    own = []
    if is_first or not reused:
        own.append(generate(gan, "discriminator", later=later + 4))
    real, fake = place_of(gan, "discriminator", "real"), place_of(gan, "discriminator", "fake")
    given = "fake.detach()" if training.detach_fake else "fake"
    own.append(judge(gan, "of_real", real, 'batch["real"]', later=later + 4))
    own.append(judge(gan, "of_fake", fake, given, later=later + 4))
    own.append(f"loss_d = discriminator_loss({', '.join(scores_of_discriminator(gan))})")
    if gan.penalty is not None:
        if gan.penalty.at == "mixed":
            own.append('share = batch["mix"]')
            own.append('mixed = mx.nd.broadcast_mul(share, batch["real"])')
            own.append("mixed = mixed + mx.nd.broadcast_mul(1 - share, fake.detach())")
        else:
            both = "mx.nd.concat({a}, {b}, dim=0)"
            own.append(f"mixed = {penalised_samples(gan.penalty, fake='fake.detach()', both=both)}")
        own += penalty_lines(gan, gan.penalty, later=later + 4)
    lines = ["with autograd.record():", *(indented(line, by=4) for line in own)]
    lines += ["real_score = of_real.mean()"] if training.stop is not None else []
    keeps = "" if training.detach_fake or not reused else "retain_graph=True"
    lines.append(f"{followed_by_discriminator(gan)}.backward({keeps})")
    if not training.detach_fake:
        lines.append("joined = [tensor.grad().copy() for tensor in trained(generator)]")
    lines += _clipped(training.discriminator_clipping, "discriminator")
    lines.append("trainer_d.step(1)  # the loss is a number already, and no sum to divide by the batch")
    if training.weight_clipping is not None:
        bound = number(training.weight_clipping.bound)
        lines += [
            "for tensor in trained(discriminator):",
            f"    tensor.set_data(mx.nd.maximum(mx.nd.minimum(tensor.data(), {bound}), -{bound}))",
        ]
    if training.balanced is not None:
        lines.append("balance[:] = moved_balance(of_real, of_fake, balance)")
    return lines


def _generator_block(gan: GanSpec, later: int) -> list[str]:
    training = gan.training
    own = []
    if training.first == "generator" or training.fake_batch == "regenerated":
        own.append(generate(gan, "generator", later=later + 4))
    if training.generator_sees_real:
        real = place_of(gan, "generator", "real")
        own.append(judge(gan, "of_real", real, 'batch["real"]', later=later + 4))
    own.append(judge(gan, "of_fake", place_of(gan, "generator", "fake"), "fake", later=later + 4))
    if training.shows_fake_twice:
        own.append(judge(gan, "of_again", place_of(gan, "generator", "again"), "fake", later=later + 4))
    own.append(f"loss_g = {generator_loss_call(gan)}")
    lines = ["with autograd.record():", *(indented(line, by=4) for line in own), "loss_g.backward()"]
    if not training.detach_fake:
        lines += [
            "# What D's loss, through its fake samples, says of G comes on top.",
            "for tensor, more in zip(trained(generator), joined, strict=True):",
            "    tensor.grad()[:] += more",
        ]
    lines += [*_clipped(training.generator_clipping, "generator"), "trainer_g.step(1)"]
    return [*lines, "follow()"] if training.generator_average is not None else lines


def _joint_block(gan: GanSpec) -> list[str]:
    return [
        "with autograd.record():",
        indented(generate(gan, "joint", later=8), by=4),
        indented(judge(gan, "of_fake", place_of(gan, "joint", "fake"), "fake", later=8), by=4),
        "    loss_joint = joint_loss(of_fake)",
        "loss_joint.backward()",
        *(f"trainer_{use.short}.step(1)" for use in joint_uses(gan)),
    ]


def _clipped(clipping: GradientClipping | None, network: str) -> list[str]:
    """Return the lines that hold a network's gradients to a bound, before its update."""
    if clipping is None:
        return []
    bound = number(clipping.bound)
    lines = [f"gradients = [tensor.grad() for tensor in trained({network})]"]
    if clipping.by == "value":
        held = f"mx.nd.maximum(mx.nd.minimum(gradient, {bound}), -{bound})"
        return [*lines, "for gradient in gradients:", f"    gradient[:] = {held}"]
    more = f" + {number(clipping.epsilon)}" if clipping.epsilon else ""
    squares = "squares = [(gradient**2).sum() for gradient in gradients]"
    lines.append(squares if clipping.by == "norm" else squares.replace("[", "sum(").replace("]", ")"))
    each = "for gradient in gradients:"
    if clipping.by == "norm":
        each = "for gradient, square in zip(gradients, squares, strict=True):"
    square = "square" if clipping.by == "norm" else "squares"
    return [
        *lines,
        each,
        f"    scale = mx.nd.minimum({bound} / (mx.nd.sqrt({square}){more}), 1)",
        "    gradient[:] = mx.nd.broadcast_mul(gradient, scale)",
    ]


def loop_section(gan: GanSpec, /) -> str:
    """Return the loops, and what the program leaves."""
    lines = [losses_kept(gan)]
    if gan.pretraining is not None:
        lines.append(_pretraining(gan))
    training = gan.training
    results = step_results(gan)
    arguments = ["step"] if _counts_steps(gan) else []
    arguments += [f'int(batch["{STEP_IN_EPOCH}"])'] if asks_for_step_in_epoch(gan) else []
    arguments.append("to_arrays(batch)")
    rates = [
        call(f"trainer_{use.short}.set_learning_rate(", [rate_at(use.optimizer, f'int(batch["{EPOCH}"])')], indent=4)
        for use in optimizer_uses(gan)
        if decays(use.optimizer, "epochs")
    ]
    loop = [
        call("batches = ", [f"read_batches(options.tape) if options.tape else {drawn_call(gan)}"], ""),
        "for step, batch in zip(range(options.steps), batches, strict=False):",
        *rates,
        f"    {', '.join(results)} = train_step({', '.join(arguments)})",
        *losses_appended(gan),
    ]
    if training.stop is not None:
        tolerance = number(training.stop.tolerance)
        loop += [f"    if abs(real_score - 0.5) <= {tolerance}:  # D cannot tell them apart", "        break"]
    return "\n\n".join([*lines, "\n".join(loop), _end(gan)])


def _pretraining(gan: GanSpec) -> str:
    if gan.pretraining is None:
        raise TypeError(f"{gan.name!r} has no pretraining")
    asked = judge(gan, "density", "pretraining.input.discriminator", 'batch["pretrain_input"]', later=8)
    reduction = gan.pretraining.loss.reduction
    return "\n".join(
        [
            "if options.tape:",
            "    batches = read_batches(options.tape, pretraining=True)",
            "else:",
            "    batches = draw_pretraining(options.seed)",
            "for _, drawn in zip(range(options.pretraining_steps), batches, strict=False):",
            "    batch = to_arrays(drawn)",
            "    with autograd.record():",
            indented(asked, by=8),
            f'        loss = ((density - batch["pretrain_target"]) ** 2).{reduction}()',
            "    loss.backward()",
            "    trainer_p.step(1)",
            '    losses["pretraining"].append(loss.asscalar())',
        ]
    )


_AVERAGE_KEPT = [
    "for name, tensor in tensors_of(average).items():",
    '    checkpoint[f"average.generator.{name}"] = tensor.data().asnumpy()',
]


def _end(gan: GanSpec) -> str:
    lines = [
        "options.out.mkdir(parents=True, exist_ok=True)",
        'np.savez(options.out / "losses.npz", **losses)',
        "checkpoint = {}",
        'for prefix, network in (("generator", generator), ("discriminator", discriminator)):',
        "    for name, tensor in tensors_of(network).items():",
        '        checkpoint[f"{prefix}.{name}"] = tensor.data().asnumpy()',
    ]
    uses = [
        literal("(", [f'"{use.name}"', use.network, f"trainer_{use.short}"], ")")
        for use in optimizer_uses(gan)
        if use.optimizer.slots
    ]
    if uses:
        lines += [
            literal("for prefix, network, trainer in (", uses if len(uses) > 1 else [f"{uses[0]},"], "):"),
            "    names, optimizer = list(tensors_of(network)), trainer.optimizer",
            "    count = optimizer.num_update",
            '    checkpoint |= {f"optimizer.{prefix}.step": np.array(count)} if count else {}',
            "    for index, slots in optimizer.kept.items():",
            "        for slot, array in slots.items():",
            '            checkpoint[f"optimizer.{prefix}.{names[index]}.{slot}"] = array.asnumpy()',
        ]
    average = gan.training.generator_average is not None
    lines += _AVERAGE_KEPT if average else []
    if gan.training.balanced is not None:
        lines.append('checkpoint["training.balance"] = balance.asnumpy().reshape(())')
    asked = ["mx.nd.array(noise, dtype=options.dtype)"]
    asked += asked_beside(gan, "mx.nd.arange(len(noise)) % 10", asked[0])
    asked += ["{}"] if uses_masks(gan, "generator") else []
    return "\n".join(
        [
            *lines,
            f'np.savez(options.out / "{CHECKPOINT}", **checkpoint)',
            *sample_noise(gan),
            call(f"samples = {'average' if average else 'generator'}(", asked),
            'np.savez(options.out / "samples.npz", generated=samples.asnumpy())',
        ]
    )
