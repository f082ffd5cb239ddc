"""What came of translations, a line of a Markdown table each."""

from __future__ import annotations

from gan_rosetta.shared.translate.translation import Translation

TRANSLATION_HEAD = (
    "| GAN | to | verdict | lines | steps | samples | largest loss difference | of the state, tensors |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


def translation_row(translation: Translation, /) -> str:
    """Return a translation's line: what was found, the program's length, what it was proved on, how far it was off."""
    proof = translation.proof
    steps = f"{proof.pretraining} + {proof.adversarial}" if proof.pretraining else str(proof.adversarial)
    state = "not judged" if proof.state is None else f"{proof.state:.0e}, {proof.num_tensors}"
    cells = [
        translation.gan,
        translation.to,
        proof.verdict if proof.verdict == "AGREE" else f"{proof.verdict}: {proof.reason}",
        str(translation.num_lines),
        steps,
        str(proof.batch_size),
        f"{proof.losses:.0e}",
        state,
    ]
    return f"| {' | '.join(cells)} |"
