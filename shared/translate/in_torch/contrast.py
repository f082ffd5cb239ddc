"""What holds each sample against the others of its batch, in PyTorch."""

from __future__ import annotations

FUNCTIONS: dict[str, str] = {
    "halves": '''\
def halves(x: Tensor, floor: float) -> list[Tensor]:
    """Return embeddings and proxies, each divided by its 2-norm or by the floor."""
    parts = x.chunk(2, dim=1)
    return [part / part.square().sum(1, keepdim=True).clamp(min=floor**2).sqrt() for part in parts]''',
    "contrast": '''\
def contrast(x: Tensor, classes: Tensor, t: float, floor: float) -> Tensor:
    """Return how near samples are to their class beside all of the batch, (batch, 1)."""
    units, proxies = halves(x, floor)
    own = torch.exp((units * proxies).sum(1, keepdim=True) / t)
    itself = torch.eye(len(x), dtype=torch.bool)
    powers = torch.exp(units @ units.T / t).masked_fill(itself, 0)
    kept = powers.masked_fill(classes[:, None] != classes, 0)
    return torch.log(own + powers.sum(1, keepdim=True)) - torch.log(own + kept.sum(1, keepdim=True))''',
    "data_to_data": '''\
def data_to_data(x: Tensor, classes: Tensor, t: float, floor: float, margin: float) -> Tensor:
    """Return how near samples are to their class beside those of others, (batch, 1)."""
    units, proxies = halves(x, floor)
    pull = torch.relu((margin - (units * proxies).sum(1, keepdim=True)) / t)
    near = (units @ units.T + (margin - 1)) / t
    itself = torch.eye(len(x), dtype=torch.bool)
    largest = near.detach().masked_fill(itself, -torch.inf).amax(1, keepdim=True)
    same = classes[:, None] == classes
    powers = torch.exp((torch.relu(near) - largest).masked_fill(same, -torch.inf))
    return pull + torch.log(torch.exp(-pull) + powers.sum(1, keepdim=True))''',
}
