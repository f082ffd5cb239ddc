"""The step and the loop in PyTorch."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec, GradientClipping, GradientDescent
from gan_rosetta.shared.translate.calls import arrays_beside, asked_beside, followed_by_discriminator, penalty_lines
from gan_rosetta.shared.translate.data import drawn_call, sample_noise
from gan_rosetta.shared.translate.feeds import EPOCH, STEP_IN_EPOCH, uses_masks
from gan_rosetta.shared.translate.in_torch.averages import AVERAGE, average_section
from gan_rosetta.shared.translate.losses import generator_loss_call, scores_of_discriminator, shown_samples
from gan_rosetta.shared.translate.parts import (
    OptimizerUse,
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
from gan_rosetta.shared.translate.writing import call, indented, literal, number

CHECKPOINT = "checkpoint.pt"


def step_section(gan: GanSpec, /) -> str:
    """Return the function that takes one step, after the average that follows G, if any."""
    average = gan.training.generator_average
    parts = [average_section(average)] if average is not None else []
    parts += [_BALANCE] if gan.training.balanced is not None else []
    return "\n\n\n".join([*parts, _train_step(gan)])


_BALANCE = """\
# Of the two terms of D's loss; moved in each step.
balance = torch.tensor(first_balance(), dtype=dtype)"""


def _train_step(gan: GanSpec) -> str:
    training = gan.training
    blocks = {"discriminator": _discriminator_block, "generator": _generator_block}
    order = [training.first, "generator" if training.first == "discriminator" else "discriminator"]
    turns = {"discriminator": training.discriminator_steps, "generator": training.generator_steps}
    said, results = updates_said(gan), step_results(gan)
    arguments = ["step: int"] if _counts_steps(gan) else []
    head = call(
        "def train_step(",
        [*arguments, "batch: Batch"],
        f") -> tuple[{', '.join('float' for _ in results)}]:",
    )
    lines: list[str] = []
    if not training.trains_both_always:
        lines.append("loss_d = loss_g = torch.tensor(torch.nan)  # of one that does not train")
        lines += ["real_score = torch.tensor(torch.nan)"] if training.stop is not None else []
    if not training.detach_fake:
        lines.append("optimizer_g.zero_grad()")
    for position, player in enumerate(order):
        condition = pattern(turns[player], "step", f'int(batch["{STEP_IN_EPOCH}"])')
        block = blocks[player](gan, 8 if condition else 4)
        if position and not condition:
            lines.append("")
        lines += [f"if {condition}:", indented("\n".join(block), by=4)] if condition else block
    lines += ["", *_joint_block(gan)] if joint_uses(gan) else []
    items = ", ".join(f"{name}.item()" for name in results)
    body = indented("\n".join([*lines, f"return {items}"]), by=4)
    return "\n".join([head, f'    """{said}; return the losses from before the updates."""', body])


def _counts_steps(gan: GanSpec) -> bool:
    turns = (gan.training.discriminator_steps, gan.training.generator_steps)
    return any(each.period > 1 and each.counted == "training" for each in turns)


def _discriminator_block(gan: GanSpec, later: int) -> list[str]:
    training = gan.training
    is_first, reused = training.first == "discriminator", training.fake_batch == "reused"
    lines = []
    fake = "fake"
    if is_first or not reused:
        detached = training.detach_fake and not reused
        lines.append(_generate(gan, "discriminator", detached=detached, later=later))
    if training.detach_fake and reused:
        fake = "fake.detach()"
    real = place_of(gan, "discriminator", "real")
    lines.append(_judge(gan, "of_real", real, 'batch["real"]', later=later))
    lines.append(_judge(gan, "of_fake", place_of(gan, "discriminator", "fake"), fake, later=later))
    lines.append(f"loss_d = discriminator_loss({', '.join(scores_of_discriminator(gan))})")
    if gan.penalty is not None:
        is_held = training.detach_fake and not reused and gan.penalty.at in ("mixed", "both")
        held = "fake" if is_held else "fake.detach()"
        samples = penalised_samples(gan.penalty, fake=held, both="torch.cat([{a}, {b}])")
        lines.append(f"mixed = {samples}{'.detach()' if gan.penalty.at == 'real' else ''}")
        lines += penalty_lines(gan, gan.penalty, later=later)
    if training.stop is not None:
        lines.append("real_score = of_real.mean()")
    keeps = "" if training.detach_fake or not reused else "retain_graph=True"
    lines += ["optimizer_d.zero_grad()", f"{followed_by_discriminator(gan)}.backward({keeps})"]
    lines += [*_clipped(training.discriminator_clipping, "discriminator"), "optimizer_d.step()"]
    if decays(training.discriminator_optimizer, "updates"):
        lines.append("schedule_d.step()")
    if training.weight_clipping is not None:
        bound = number(training.weight_clipping.bound)
        lines += [
            "with torch.no_grad():",
            "    for parameter in discriminator.parameters():",
            f"        parameter.clamp_(-{bound}, {bound})",
        ]
    if training.balanced is not None:
        lines += ["with torch.no_grad():", "    balance.copy_(moved_balance(of_real, of_fake, balance))"]
    return lines


def _generator_block(gan: GanSpec, later: int) -> list[str]:
    training = gan.training
    is_first, reused = training.first == "generator", training.fake_batch == "reused"
    lines = []
    if is_first or not reused:
        lines.append(_generate(gan, "generator", detached=False, later=later))
    if training.generator_sees_real:
        lines.append(_judge(gan, "of_real", place_of(gan, "generator", "real"), 'batch["real"]', later=later))
    lines.append(_judge(gan, "of_fake", place_of(gan, "generator", "fake"), "fake", later=later))
    if training.shows_fake_twice:
        lines.append(_judge(gan, "of_again", place_of(gan, "generator", "again"), "fake", later=later))
    lines.append(f"loss_g = {generator_loss_call(gan)}")
    if training.detach_fake:
        lines.append("optimizer_g.zero_grad()")
        lines.append("loss_g.backward()")
    else:
        lines.append("loss_g.backward()  # added to what D's loss, through its fake samples, left in G")
    lines += [*_clipped(training.generator_clipping, "generator"), "optimizer_g.step()"]
    if decays(training.generator_optimizer, "updates"):
        lines.append("schedule_g.step()")
    lines += ["follow()"] if training.generator_average is not None else []
    return lines


def _joint_block(gan: GanSpec) -> list[str]:
    uses = joint_uses(gan)
    return [
        _generate(gan, "joint", detached=False, later=4),
        _judge(gan, "of_fake", place_of(gan, "joint", "fake"), "fake", later=4),
        "loss_joint = joint_loss(of_fake)",
        *(f"optimizer_{use.short}.zero_grad()" for use in uses),
        "loss_joint.backward()",
        *(f"optimizer_{use.short}.step()" for use in uses),
        *(f"schedule_{use.short}.step()" for use in uses if decays(use.optimizer, "updates")),
    ]


def _clipped(clipping: GradientClipping | None, network: str) -> list[str]:
    """Return the lines that hold a network's gradients to a bound, before its update."""
    if clipping is None:
        return []
    bound, parameters = number(clipping.bound), f"{network}.parameters()"
    if clipping.by == "value":
        return [f"torch.nn.utils.clip_grad_value_({parameters}, {bound})"]
    more = f" + {number(clipping.epsilon)}" if clipping.epsilon else ""
    if clipping.by == "norm":
        scale = f"({bound} / (parameter.grad.norm(){more})).clamp(max=1)"
        return [f"for parameter in {parameters}:", f"    parameter.grad.mul_({scale})"]
    return [
        f"norms = torch.stack([parameter.grad.norm() for parameter in {parameters}])",
        f"for parameter in {parameters}:",
        f"    parameter.grad.mul_(({bound} / (norms.norm(){more})).clamp(max=1))",
    ]


def _generate(gan: GanSpec, phase: str, *, detached: bool, later: int) -> str:
    """Return the statement in which G makes samples; later: by how much it will be indented."""
    arguments = [f'batch["{gan.training.fed_in(phase, "latent")}"]']
    arguments += arrays_beside(gan, f"{phase}.fake.generator")
    arguments += [f'masks_of(batch, "{phase}.fake.generator")'] if uses_masks(gan, "generator") else []
    return call("fake = generator(", arguments, ").detach()" if detached else ")", later=later)


def _judge(gan: GanSpec, before: str, place: str, samples: str, *, later: int) -> str:
    """Return the statement in which D is asked; later: by how much it will be indented."""
    arguments = [shown_samples(gan, samples)]
    arguments += arrays_beside(gan, place)
    arguments += [f'masks_of(batch, "{place}")'] if uses_masks(gan, "discriminator") else []
    return call(f"{before} = discriminator(", arguments, later=later)


def loop_section(gan: GanSpec, /) -> str:
    """Return the loops, and what the program leaves."""
    lines = [losses_kept(gan)]
    if gan.pretraining is not None:
        lines.append(_pretraining(gan))
    training = gan.training
    results = step_results(gan)
    arguments = [*(["step"] if _counts_steps(gan) else []), "to_tensors(batch)"]
    loop = [
        call("batches = ", [f"read_batches(options.tape) if options.tape else {drawn_call(gan)}"], ""),
        "for step, batch in zip(range(options.steps), batches, strict=False):",
        *_epochs_end(gan),
        f"    {', '.join(results)} = train_step({', '.join(arguments)})",
        *losses_appended(gan),
    ]
    if training.stop is not None:
        tolerance = number(training.stop.tolerance)
        loop += [f"    if abs(real_score - 0.5) <= {tolerance}:  # D cannot tell them apart", "        break"]
    lines += ["\n".join(loop), _end(gan)]
    return "\n\n".join(lines)


def _epochs_end(gan: GanSpec) -> list[str]:
    """Return the lines that move schedules on where a pass over the data is over."""
    schedules = [f"schedule_{use.short}" for use in optimizer_uses(gan) if decays(use.optimizer, "epochs")]
    passed = f'.last_epoch < batch["{EPOCH}"]:  # a pass over the data is over'
    if len(schedules) == 1:
        return [f"    while {schedules[0]}{passed}", f"        {schedules[0]}.step()"]
    if schedules:
        return [
            f"    for schedule in ({', '.join(schedules)}):",
            f"        while schedule{passed}",
            "            schedule.step()",
        ]
    return []


def _pretraining(gan: GanSpec) -> str:
    if gan.pretraining is None:
        raise TypeError(f"{gan.name!r} has no pretraining")
    place = "pretraining.input.discriminator"
    asked = _judge(gan, "density", place, 'batch["pretrain_input"]', later=4)
    reduction = "" if gan.pretraining.loss.reduction == "mean" else ', reduction="sum"'
    lines = [
        "if options.tape:",
        "    batches = read_batches(options.tape, pretraining=True)",
        "else:",
        "    batches = draw_pretraining(options.seed)",
        "for _, drawn in zip(range(options.pretraining_steps), batches, strict=False):",
        "    batch = to_tensors(drawn)",
        indented(asked, by=4),
        f'    loss = functional.mse_loss(density, batch["pretrain_target"]{reduction})',
        "    optimizer_p.zero_grad()",
        "    loss.backward()",
        "    optimizer_p.step()",
    ]
    if decays(gan.pretraining.optimizer, "updates"):
        lines.append("    schedule_p.step()")
    lines.append('    losses["pretraining"].append(loss.item())')
    return "\n".join(lines)


def _kept_as(use: OptimizerUse) -> str:
    return f"{use.name.replace('.', '_')}_optimizer"


def _end(gan: GanSpec) -> str:
    entries = [f'"{name}": {name}.state_dict()' for name in ("generator", "discriminator")]
    entries += [f'"{_kept_as(use)}": optimizer_{use.short}.state_dict()' for use in optimizer_uses(gan)]
    counts = [
        f'"{use.name}": schedule_{use.short}.last_epoch'
        for use in optimizer_uses(gan)
        if isinstance(use.optimizer, GradientDescent) and use.optimizer.slots and decays(use.optimizer, "updates")
    ]
    entries += [f'"counters": {{{", ".join(counts)}}}'] if counts else []
    entries += ['"training": {"balance": balance}'] if gan.training.balanced is not None else []
    asked = ["torch.tensor(noise, dtype=dtype)"]
    asked += asked_beside(gan, "torch.arange(len(noise)) % 10", asked[0])
    asked += ["{}"] if uses_masks(gan, "generator") else []
    what = "BatchNorm's averages" if gan.generator.has_batch_norm else "spectral norms' u and v"
    remark = [f"# Kept before the samples are made, which moves {what} once more."]
    averages = gan.training.generator_average is not None
    remark = remark if gan.generator.has_buffers else []
    return "\n".join(
        [
            "options.out.mkdir(parents=True, exist_ok=True)",
            'np.savez(options.out / "losses.npz", **losses)',
            literal("checkpoint = {", entries, "}"),
            *remark,
            f'torch.save(checkpoint, options.out / "{CHECKPOINT}")',
            *([f'torch.save(average.state_dict(), options.out / "{AVERAGE}")'] if averages else []),
            *sample_noise(gan),
            "with torch.no_grad():",
            f"    samples = {'average' if averages else 'generator'}({', '.join(asked)})",
            'np.savez(options.out / "samples.npz", generated=samples.numpy())',
        ]
    )
