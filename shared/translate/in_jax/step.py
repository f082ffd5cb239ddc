"""The step in JAX: a function of both players and a batch, compiled as a whole."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec, GradientClipping, Optimizer
from gan_rosetta.shared.translate.calls import PENALISED, arrays_beside
from gan_rosetta.shared.translate.feeds import EPOCH, asks_for_epoch, uses_masks
from gan_rosetta.shared.translate.in_jax.averages import followed_section
from gan_rosetta.shared.translate.in_jax.model import VERBS, has_buffers
from gan_rosetta.shared.translate.losses import generator_loss_call, scores_of_discriminator, shown_samples
from gan_rosetta.shared.translate.parts import (
    decays,
    joint_uses,
    penalised_samples,
    place_of,
    step_results,
    updates_said,
)
from gan_rosetta.shared.translate.writing import call, fitted, indented, number


def step_section(gan: GanSpec, /) -> str:
    """Return what a player is, and the function that takes one step."""
    parts = [_player(gan), _updated(gan)]
    parts += [followed_section(gan)] if gan.training.generator_average is not None else []
    if gan.pretraining is not None:
        parts.append(_pretrain_step(gan))
    return "\n\n\n".join([*parts, _train_step(gan)])


def _updated(gan: GanSpec) -> str:
    counts = asks_for_epoch(gan)
    arguments = ["player: Player", "optimizer: optax.GradientTransformation", "gradients: Tensors"]
    head = call("def updated(", [*arguments, *(["**more: Array"] if counts else [])], ") -> Player:")
    given = f"gradients, player.kept, player.parameters{', **more' if counts else ''}"
    return f'''\
{head}
    """Return a player moved by its gradients."""
    changes, kept = optimizer.update({given})
    return player._replace(parameters=optax.apply_updates(player.parameters, changes), kept=kept)'''


def any_buffers(gan: GanSpec, /) -> bool:
    """Whether players keep running buffers."""
    return any(has_buffers(gan, name) for name in gan.networks())


def _player(gan: GanSpec) -> str:
    lines = [
        "class Player(NamedTuple):",
        '    """A network as it trains. kept: by its optimizer."""',
        "",
        "    parameters: Tensors",
        *(["    buffers: Tensors"] if any_buffers(gan) else []),
        "    kept: optax.OptState",
    ]
    return "\n".join(lines)


def _pretrain_step(gan: GanSpec) -> str:
    if gan.pretraining is None:
        raise TypeError(f"{gan.name!r} has no pretraining")
    moved = ["buffers"] if has_buffers(gan, "discriminator") else []
    place = "pretraining.input.discriminator"
    asked = _ask(gan, "density", "d", place, 'batch["pretrain_input"]', first=True, later=8)
    lines = [
        "def loss_of(parameters: Tensors) -> Array:",
        indented(asked, by=4),
        '    squares = (density - batch["pretrain_target"]) ** 2',
        f"    return jnp.{gan.pretraining.loss.reduction}(squares){', buffers' if moved else ''}",
        "",
        _differentiated("loss", moved, "loss_of", "(d.parameters)"),
        *(["d = d._replace(buffers=buffers)"] if moved else []),
        "return updated(d, optimizer_p, gradients), loss",
    ]
    head = "@jax.jit\ndef pretrain_step(d: Player, batch: Tensors) -> tuple[Player, Array]:"
    said = '    """Fit D to the density; return it and its loss from before the update."""'
    return f"{head}\n{said}\n\n{_aux(indented(chr(10).join(lines), by=4), moved)}"


def _aux(text: str, moved: list[str]) -> str:
    return text.replace("-> Array:\n", "-> tuple[Array, Tensors]:\n", 1) if moved else text


def _train_step(gan: GanSpec) -> str:
    training = gan.training
    order = [training.first, "generator" if training.first == "discriminator" else "discriminator"]
    said = updates_said(gan)
    averages = training.generator_average is not None
    arguments = ["g: Player", "d: Player", "batch: Tensors"]
    arguments += ["average: Player", "share: Array"] if averages else []
    arguments += ["balance: Array"] if training.balanced is not None else []
    arguments += ["joint: tuple[optax.OptState, ...]"] if joint_uses(gan) else []
    rests = {name: turns(gan, name) for name in order}
    given = [f"trains_{name[0]}: bool" for name in ("discriminator", "generator") if rests[name]]
    arguments += ["*", *given] if given else []
    static = ", ".join(f'"trains_{name[0]}"' for name in ("discriminator", "generator") if rests[name])
    static += "," if len(given) == 1 else ""
    lines: list[str] = []
    resting = [f"loss_{name[0]}" for name in ("discriminator", "generator") if rests[name]]
    if resting:
        if training.stop is not None and rests["discriminator"]:
            resting.append("real_score")
        lines.append(f"{' = '.join(resting)} = jnp.full((), jnp.nan, dtype)  # of one that does not train")
    if not training.detach_fake and rests["discriminator"]:
        lines.append("joined = jax.tree.map(jnp.zeros_like, g.parameters)")
    for position, player in enumerate(order):
        block = _discriminator_block if player == "discriminator" else _generator_block
        written = block(gan, 8 if rests[player] else 4)
        if rests[player]:
            space = [""] if written[0].startswith("def ") else []
            lines += [f"if trains_{player[0]}:", *space, indented("\n".join(written), by=4)]
        else:
            lines += [*([""] if position or lines else []), *written]
    lines += ["", *_joint_block(gan)] if joint_uses(gan) else []
    losses = ", ".join(step_results(gan))
    decorator = f"@partial(jax.jit, static_argnames=({static}))" if given else "@jax.jit"
    players = ["g", "d", *(["average"] if averages else [])]
    kinds = ["Player" for _ in players] + (["Array"] if training.balanced is not None else [])
    players += ["balance"] if training.balanced is not None else []
    kinds += ["tuple[optax.OptState, ...]"] if joint_uses(gan) else []
    players += ["joint"] if joint_uses(gan) else []
    head = call("def train_step(", arguments, f") -> tuple[{', '.join([*kinds, 'tuple[Array, ...]'])}]:")
    body = indented("\n".join([*lines, f"return {', '.join(players)}, ({losses})"]), by=4)
    space = ["", body] if body.startswith("    def") else [body]
    return "\n".join([decorator, head, f'    """{said}; return both, and the losses from before."""', *space])


def turns(gan: GanSpec, player: str, /) -> bool:
    """Whether a player rests in some steps."""
    training = gan.training
    pattern = training.discriminator_steps if player == "discriminator" else training.generator_steps
    return pattern.period > 1


def _discriminator_block(gan: GanSpec, later: int) -> list[str]:
    training = gan.training
    reused, joined = training.fake_batch == "reused", not training.detach_fake
    moves_g, moves_d = has_buffers(gan, "generator"), has_buffers(gan, "discriminator")
    lines = []
    if not joined and (training.first == "discriminator" or not reused):
        lines.append(_make(gan, "g.parameters", "discriminator", later=later))
        lines += ["g = g._replace(buffers=moved)"] if moves_g else []
    together = "jnp.concatenate([{a}, {b}])"
    if gan.penalty is not None and not joined:
        lines.append(f"mixed = {penalised_samples(gan.penalty, fake='fake', both=together)}")
    own = [_make(gan, "through", "discriminator", later=later + 4)] if joined else []
    real, fake = place_of(gan, "discriminator", "real"), place_of(gan, "discriminator", "fake")
    own.append(_ask(gan, "of_real", "d", real, 'batch["real"]', first=True, later=later + 4))
    own.append(_ask(gan, "of_fake", "d", fake, "fake", first=False, later=later + 4))
    if gan.penalty is not None and joined:
        held = "lax.stop_gradient(fake)"
        own.append(f"mixed = {penalised_samples(gan.penalty, fake=held, both=together)}")
    loss, alone = (
        f"discriminator_loss({', '.join(scores_of_discriminator(gan))})",
        gan.penalty is not None and gan.penalty.alone,
    )
    aux = [*(["buffers"] if moves_d else []), *(["moved"] if joined and moves_g else [])]
    inside, outside = [*aux], [*aux]
    if training.balanced is not None:
        own.append("later = moved_balance(of_real, of_fake, balance)")
        inside, outside = [*aux, "later"], [*aux, "balance"]
    inside += [*(["jnp.mean(of_real)"] if training.stop is not None else []), *(["loss"] if alone else [])]
    outside += [*(["real_score"] if training.stop is not None else []), *(["loss_d"] if alone else [])]
    if gan.penalty is not None:
        passed = ["parameters", *(["buffers"] if moves_d else []), "mixed"]
        passed += [f'masks_of(batch, "{PENALISED}")'] if uses_masks(gan, "discriminator") else []
        penalty = f"gradient_penalty({', '.join(passed)})"
        if moves_d or alone or uses_masks(gan, "discriminator"):
            own.append(f"loss = {loss}")
            found = "penalty, buffers = " if moves_d else "penalty = "
            own.append(call(f"{found}gradient_penalty(", passed, later=later + 4))
            loss = "penalty" if alone else "loss + penalty"
        else:
            loss += f" + {penalty}"
            if inside:
                own.append(f"loss = {loss}")
                loss = "loss"
    own.append(f"return {loss}, {_together(inside)}" if inside else f"return {loss}")
    arguments = "parameters: Tensors, through: Tensors" if joined else "parameters: Tensors"
    given = "(d.parameters, g.parameters)" if joined else "(d.parameters)"
    lines += [
        "",
        f"def loss_of_d({arguments}) -> {_type_of(inside)}:",
        *(indented(line, by=4) for line in own),
        "",
        _differentiated("_" if alone else "loss_d", outside, "loss_of_d", given, joined=joined, later=later),
    ]
    lines += ["d = d._replace(buffers=buffers)"] if moves_d else []
    lines += ["g = g._replace(buffers=moved)"] if joined and moves_g else []
    lines += [*_clipped(training.discriminator_clipping), _moved("d", training.discriminator_optimizer)]
    if training.weight_clipping is not None:
        bound = number(training.weight_clipping.bound)
        lines.append(f"clipped = jax.tree.map(lambda p: jnp.clip(p, -{bound}, {bound}), d.parameters)")
        lines.append("d = d._replace(parameters=clipped)")
    return lines[1:] if lines[0] == "" else lines


def _generator_block(gan: GanSpec, later: int) -> list[str]:
    training = gan.training
    reused, is_first = training.fake_batch == "reused", training.first == "generator"
    moves_g, moves_d = has_buffers(gan, "generator"), has_buffers(gan, "discriminator")
    phase = training.first if reused else "generator"
    own = [_make(gan, "parameters", phase, later=later + 4)]
    real, fake = (place_of(gan, "generator", stream) for stream in ("real", "fake"))
    sees_real = training.generator_sees_real
    if sees_real:
        own.append(_ask(gan, "of_real", "d", real, 'batch["real"]', first=True, later=later + 4, given="d.parameters"))
    own.append(_ask(gan, "of_fake", "d", fake, "fake", first=not sees_real, later=later + 4, given="d.parameters"))
    if training.shows_fake_twice:
        again = place_of(gan, "generator", "again")
        own.append(_ask(gan, "of_again", "d", again, "fake", first=False, later=later + 4, given="d.parameters"))
    aux = [*(["fake"] if reused and is_first else [])]
    aux += ["moved"] if moves_g else []
    aux += ["buffers"] if moves_d else []
    loss = generator_loss_call(gan)
    if training.distance_loss is not None and aux:
        own.append(f"loss = {loss}")
        loss = "loss"
    own.append(f"return {loss}{f', {_together(aux)}' if aux else ''}")
    lines = [
        f"def loss_of_g(parameters: Tensors) -> {_type_of(aux)}:",
        *(indented(line, by=4) for line in own),
        "",
        _differentiated("loss_g", aux, "loss_of_g", "(g.parameters)"),
    ]
    lines += ["g = g._replace(buffers=moved)"] if moves_g else []
    lines += ["d = d._replace(buffers=buffers)"] if moves_d else []
    if not training.detach_fake:
        lines.append("# What D's loss, through its fake samples, says of G comes on top.")
        lines.append("gradients = jax.tree.map(jnp.add, joined, gradients)")
    lines += [*_clipped(training.generator_clipping), _moved("g", training.generator_optimizer)]
    lines += ["average = followed(average, g, share)"] if training.generator_average is not None else []
    return lines


def _joint_block(gan: GanSpec) -> list[str]:
    moved = [
        name for name, network in (("moved", "generator"), ("buffers", "discriminator")) if has_buffers(gan, network)
    ]
    place = place_of(gan, "joint", "fake")
    own = [
        _make(gan, "of_g", "joint", later=8),
        _ask(gan, "of_fake", "d", place, "fake", first=True, later=8, given="of_d"),
        f"return joint_loss(of_fake){f', {_together(moved)}' if moved else ''}",
    ]
    settings = ["loss_of_both", "argnums=(0, 1)", *(["has_aux=True"] if moved else [])]
    found = f"(loss_joint, {_together(moved)})" if moved else "loss_joint"
    lines = [
        f"def loss_of_both(of_g: Tensors, of_d: Tensors) -> {_type_of(moved)}:",
        *(indented(line, by=4) for line in own),
        "",
        f"differentiate = jax.value_and_grad({', '.join(settings)})",
        f"{found}, (of_g, of_d) = differentiate(g.parameters, d.parameters)",
    ]
    lines += ["g = g._replace(buffers=moved)"] if "moved" in moved else []
    lines += ["d = d._replace(buffers=buffers)"] if "buffers" in moved else []
    lines.append("# By optimizers of their own, which keep what the players' keep beside.")
    for index, use in enumerate(joint_uses(gan)):
        short = use.network[0]
        epoch = f', epoch=batch["{EPOCH}"]' if decays(use.optimizer, "epochs") else ""
        given = f"{short}._replace(kept=joint[{index}]), optimizer_{use.short}, of_{short}{epoch}"
        lines.append(f"joint_{short} = updated({given})")
    return [
        *lines,
        "joint = joint_g.kept, joint_d.kept",
        "g, d = joint_g._replace(kept=g.kept), joint_d._replace(kept=d.kept)",
    ]


def _clipped(clipping: GradientClipping | None) -> list[str]:
    """Return the lines that hold gradients to a bound, before an update."""
    if clipping is None:
        return []
    bound = number(clipping.bound)
    if clipping.by == "value":
        return [f"gradients = {{name: jnp.clip(own, -{bound}, {bound}) for name, own in gradients.items()}}"]
    more = f" + {number(clipping.epsilon)}" if clipping.epsilon else ""
    if clipping.by == "norm":
        return [
            "norms = {name: jnp.sqrt(jnp.sum(own**2)) for name, own in gradients.items()}",
            f"scales = {{name: jnp.minimum({bound} / (norm{more}), 1) for name, norm in norms.items()}}",
            "gradients = {name: own * scales[name] for name, own in gradients.items()}",
        ]
    return [
        "norm = optax.tree_utils.tree_norm(gradients)",
        f"scale = jnp.minimum({bound} / (norm{more}), 1)",
        "gradients = {name: own * scale for name, own in gradients.items()}",
    ]


def _moved(short: str, optimizer: Optimizer) -> str:
    epoch = f', epoch=batch["{EPOCH}"]' if decays(optimizer, "epochs") else ""
    return f"{short} = updated({short}, optimizer_{short}, gradients{epoch})"


def _type_of(aux: list[str]) -> str:
    return "tuple[Array, Any]" if aux else "Array"


def _together(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _differentiated(
    loss: str, aux: list[str], function: str, given: str, *, joined: bool = False, later: int = 4
) -> str:
    found = f"({loss}, {_together(aux)})" if aux else loss
    gradients = "(gradients, joined)" if joined else "gradients"
    settings = [function, *(["argnums=(0, 1)"] if joined else []), *(["has_aux=True"] if aux else [])]
    function = f"jax.value_and_grad({', '.join(settings)})"
    if not aux and not joined:
        return f"{found}, {gradients} = {function}{given}"
    applied = fitted(f"{found}, {gradients} = differentiate{given}", indent=0, later=later)
    return f"differentiate = {function}\n{applied}"


def _make(gan: GanSpec, parameters: str, phase: str, *, later: int) -> str:
    """Return the statement in which G makes samples; later: by how much it will be indented."""
    moves = has_buffers(gan, "generator")
    arguments = [parameters, *(["g.buffers"] if moves else []), f'batch["{gan.training.fed_in(phase, "latent")}"]']
    arguments += arrays_beside(gan, f"{phase}.fake.generator")
    arguments += [f'masks_of(batch, "{phase}.fake.generator")'] if uses_masks(gan, "generator") else []
    return call(f"fake{', moved' if moves else ''} = {VERBS['generator']}(", arguments, later=later)


def _ask(
    gan: GanSpec,
    what: str,
    player: str,
    place: str,
    samples: str,
    *,
    first: bool,
    later: int,
    given: str = "parameters",
) -> str:
    """Return the statement in which D is asked; first: whether no pass of the same loss came before."""
    moves = has_buffers(gan, "discriminator")
    buffers = f"{player}.buffers" if first else "buffers"
    arguments = [given, *([buffers] if moves else []), shown_samples(gan, samples)]
    arguments += arrays_beside(gan, place)
    arguments += [f'masks_of(batch, "{place}")'] if uses_masks(gan, "discriminator") else []
    return call(f"{what}{', buffers' if moves else ''} = {VERBS['discriminator']}(", arguments, later=later)
