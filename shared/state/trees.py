"""Arrays in containers within containers, as JAX's programs keep parameters: named, and put in another's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import ProgramTensor
from gan_rosetta.shared.state.found_names import kind_of_class

# In which flax keeps the variables of a module; a layer's name is the same in both.
COLLECTIONS = ("params", "batch_stats")

TreePath = tuple[str | int, ...]


def is_array(value: Any, /) -> bool:
    """Whether something has a shape and a type, as arrays of NumPy and of all frameworks have."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def tree_arrays(tree: Any, /) -> Iterator[tuple[TreePath, Any]]:
    """Yield the arrays of dictionaries, lists, tuples and named tuples, with where they are, in their order."""
    if is_array(tree):
        yield (), tree
    else:
        for key, value in _entries(tree):
            for path, array in tree_arrays(value):
                yield (key, *path), array


def is_tree(tree: Any, /) -> bool:
    """Whether something is a container that holds arrays, and nothing but arrays and containers."""
    return isinstance(tree, Mapping | list | tuple) and next(tree_arrays(tree), None) is not None and _is_pure(tree)


def map_tree(tree: Any, change: Callable[[Any], Any], /) -> Any:
    """Return containers of the same kind with what is in them changed; of what is no container, that."""
    if isinstance(tree, Mapping):
        return type(tree)({key: map_tree(value, change) for key, value in tree.items()})  # type: ignore[call-arg]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_tree(value, change) for value in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(map_tree(value, change) for value in tree)
    return change(tree)


def path_name(path: TreePath, /) -> str:
    """Return the name of an array by where it is, steps separated by dots, without flax's collections."""
    return ".".join(str(step) for step in path if step not in COLLECTIONS)


def tree_tensors(tree: Any, /, *, make: Callable[[np.ndarray], Any]) -> list[ProgramTensor]:
    """Return a network's parameters and buffers. make: makes one of NumPy's arrays the framework's.

    Arrays of NumPy's own are written to, others get another in their place.
    """

    def writer(path: TreePath, array: Any) -> Callable[[np.ndarray], None]:
        def write(value: np.ndarray) -> None:
            if isinstance(array, np.ndarray):
                array[...] = value
            else:
                put_array(tree, path, make(value))

        return write

    return [
        ProgramTensor(
            name=path_name(path),
            kind=kind_of_class(str(path[-2])) if len(path) > 1 else None,
            shape=tuple(array.shape),
            read=_reader(tree, path),
            write=writer(path, array),
        )
        for path, array in tree_arrays(tree)
    ]


def put_array(tree: Any, path: TreePath, array: Any, /) -> None:
    """Put an array in the place of another, within the dictionary or list around it.

    Raises UsageError where tuples alone are around it, which cannot be changed.
    """
    if _replaced(tree, path, array) is not tree:
        raise UsageError(
            f"{path_name(path)} is in a {type(tree).__name__}, which cannot be changed; put the parameters into a "
            "dictionary or a list, or make them of case.initial_state"
        )


def _entries(tree: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(tree, Mapping):
        yield from ((str(key), value) for key, value in tree.items())
    elif isinstance(tree, tuple) and hasattr(tree, "_fields"):
        yield from zip(tree._fields, tree, strict=True)
    elif isinstance(tree, list | tuple):
        yield from enumerate(tree)


def _reader(tree: Any, path: TreePath) -> Callable[[], np.ndarray]:
    """Return what reads the array that is there by then, which another may have been put in the place of."""

    def read() -> np.ndarray:
        found = tree
        for step in path:
            found = dict(_entries(found))[step]
        return np.array(found, order="C")

    return read


def _is_pure(tree: Any) -> bool:
    if tree is None or is_array(tree):
        return True
    return isinstance(tree, Mapping | list | tuple) and all(_is_pure(value) for _, value in _entries(tree))


def _replaced(tree: Any, path: TreePath, array: Any) -> Any:
    """Return the tree with the array in its place: itself, changed, or of a tuple another one."""
    if not path:
        return array
    own = dict(_entries(tree))
    value = _replaced(own[path[0]], path[1:], array)
    if isinstance(tree, dict):
        tree[next(key for key in tree if str(key) == path[0])] = value
    elif isinstance(tree, list):
        tree[int(path[0])] = value
    elif value is not own[path[0]]:
        values = [value if key == path[0] else other for key, other in own.items()]
        return type(tree)(*values) if hasattr(tree, "_fields") else tuple(values)
    return tree
