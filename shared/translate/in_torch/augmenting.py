"""What augments images by what is drawn, in PyTorch."""

from __future__ import annotations

FUNCTIONS: dict[str, str] = {
    "augment_colour": '''\
def augment_colour(x: Tensor, drawn: Tensor | None) -> Tensor:
    """Change images by the brightness, saturation and contrast that are drawn, if any are."""
    if drawn is None:
        return x
    brightness, saturation, contrast = drawn.to(x.dtype).T.reshape(3, -1, 1, 1, 1)
    x = x + brightness
    mean = x.mean(dim=1, keepdim=True)
    x = (x - mean) * saturation + mean
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return (x - mean) * contrast + mean''',
    "augment_translation": '''\
def augment_translation(x: Tensor, drawn: Tensor | None) -> Tensor:
    """Move images by as many rows and columns as are drawn, if any are; what comes in is 0."""
    if drawn is not None:
        x = moved(moved(x, drawn[:, 0].long(), 2), drawn[:, 1].long(), 3)
    return x


def moved(x: Tensor, moves: Tensor, dim: int) -> Tensor:
    """Return images whose place i along a dimension is the place i + move, or 0."""
    size = x.shape[dim]
    places = torch.arange(size, device=x.device) + moves[:, None]
    inside = ((places >= 0) & (places < size)).reshape(-1, *((size, 1) if dim == 2 else (1, size)))
    index = places.clamp(0, size - 1).reshape(inside.shape)
    return x.gather(dim, index[:, None].expand_as(x)) * inside[:, None]''',
    "augment_cutout": '''\
def augment_cutout(x: Tensor, drawn: Tensor | None, height: int, width: int) -> Tensor:
    """Cut a window out of images, its middle where one is drawn."""
    if drawn is None:
        return x
    rows, columns = drawn.long().T[:, :, None]
    in_rows = within(torch.arange(x.shape[2], device=x.device) - rows, height)
    in_columns = within(torch.arange(x.shape[3], device=x.device) - columns, width)
    return x * ~(in_rows[:, None, :, None] & in_columns[:, None, None])


def within(places: Tensor, extent: int) -> Tensor:
    """Return which places, counted from a window's middle, are in it."""
    return (places >= -(extent // 2)) & (places < extent - extent // 2)''',
}
