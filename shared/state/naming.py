"""Maps a stranger's tensors onto canonical names: by name where the names are ours, else by kind, shape and order.

One mechanism for files and for live objects. What it cannot tell apart it does not guess: it says which tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.spec import ConvTranspose2d, GanSpec, MinibatchDiscrimination
from gan_rosetta.shared.state.found_names import FoundLayer, FoundTensor, in_layers, numeric_order, split_name
from gan_rosetta.shared.state.layouts import LAYOUTS, Layout, shape_in_layout
from gan_rosetta.shared.state.schema import parameter_name

NO_MAPPING: Mapping[str, str] = MappingProxyType({})
_REMEDY = 'say which is which in --mapping FILE.toml, as in `"{canonical}" = "{found}"`'
_NUM_SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class Match:
    """Which tensor of another program a canonical name stands for. names: canonical to the other program's.

    layout: how the other program keeps its tensors; see layouts.tensor_from_layout.
    """

    names: Mapping[str, str]
    layout: Layout


def match_networks(
    spec: GanSpec,
    found: Mapping[str, Sequence[FoundTensor]],
    /,
    *,
    layout: Layout | None,
    is_ordered: bool,
    mapping: Mapping[str, str] = NO_MAPPING,
) -> Match:
    """Map the tensors of networks onto the canonical names of their parameters and buffers.

    found: "generator", "discriminator" or both, each with its tensors. layout: how the program keeps them, None where
    only their shapes and names can tell. is_ordered: whether they come in the order of the layers. mapping: canonical
    names of layers or tensors to the program's, which are taken as they stand. Buffers may be missing, all of a layer.
    Raises StateError for a tensor that fits nowhere, a layer that nothing fits, and what cannot be told apart.
    """
    candidates = [layout] if layout is not None else _possible_layouts(spec, found)
    matches: dict[Layout, dict[str, str]] = {}
    problem: StateError | None = None
    for candidate in candidates:
        names: dict[str, str] = {}
        try:
            for network, tensors in found.items():
                matcher = _Matcher(spec, network, tensors, layout=candidate, is_ordered=is_ordered)
                names |= matcher.match(mapping)
        except StateError as error:
            problem = problem or error
            continue
        matches[candidate] = names
    if not matches:
        assert problem is not None  # noqa: S101 - there is a layout at least
        raise problem
    if len(matches) > 1:
        kept = " or ".join(f'"{name}"' for name in matches)
        raise StateError(
            f"every matrix of {spec.name!r} in it is square, so nothing tells how it is laid out; say so in --mapping "
            f"FILE.toml: layout = {kept}"
        )
    ((chosen, names),) = matches.items()
    return Match(names=names, layout=chosen)


def _possible_layouts(spec: GanSpec, found: Mapping[str, Sequence[FoundTensor]]) -> list[Layout]:
    """Return the layouts that names leave open: a `kernel` has its outputs last, a `weight` first."""
    last = {split_name(tensor.name)[-1].lower() for tensors in found.values() for tensor in tensors if tensor.shape[1:]}
    turned = any(isinstance(layer, ConvTranspose2d) for net in spec.networks().values() for layer in net.all_layers)
    layouts: list[Layout] = [name for name in LAYOUTS if turned or name != "flax"]
    if any(name.endswith("kernel") for name in last):
        return [name for name in layouts if name != "canonical"]
    return ["canonical"] if any(name.endswith("weight") for name in last) else layouts


class _Matcher:
    """Maps the tensors of one network, kept in one layout."""

    def __init__(
        self, spec: GanSpec, network: str, tensors: Sequence[FoundTensor], /, *, layout: Layout, is_ordered: bool
    ) -> None:
        self._network = network
        self._where = f"{network} of {spec.name!r}"
        self._placed = {
            each.name: each
            for each in spec.networks()[network].placed
            if each.layer.parameters() or each.layer.buffers()
        }
        self._found = {layer.name: layer for layer in in_layers(tensors)}
        self._layout = layout
        self._is_ordered = is_ordered

    def match(self, mapping: Mapping[str, str], /) -> dict[str, str]:
        """Return the canonical names with the names of the tensors that they stand for; raises StateError."""
        pairs = self._mapped_pairs(mapping)
        open_found = [name for name in self._found if name not in pairs.values()]
        fits = {
            name: [each for each in open_found if self._fits(name, each)] for name in self._placed if name not in pairs
        }
        # A layer may have buffers alone, and buffers may be missing.
        fits = {name: fitting for name, fitting in fits.items() if fitting or self._placed[name].layer.parameters()}
        self._require_places(fits, open_found)
        pairs |= _by_name(fits) or self._by_elimination(fits)
        return {
            parameter_name(self._network, name, part): tensor.name
            for name in self._placed
            if name in pairs
            for part, tensor in self._found[pairs[name]].parts.items()
        }

    def _fits(self, name: str, found_name: str) -> bool:
        """Whether found tensors are all that the layer has, or all but its buffers, in the layout's shapes."""
        placed, found = self._placed[name], self._found[found_name]
        parameters, buffers = placed.layer.parameters(), placed.layer.buffers()
        # A minibatch layer may be a linear one that does more, or have its matrix in one.
        also = "linear" if isinstance(placed.layer, MinibatchDiscrimination) else None
        if found.kind not in (None, placed.layer.kind, also):
            return False
        if not found.parts or set(found.parts) not in (set(parameters), {*parameters, *buffers}):
            return False
        wanted = parameters | buffers
        return all(
            tensor.shape == shape_in_layout(wanted[part].shape, placed.layer, layout=self._layout)
            for part, tensor in found.parts.items()
        )

    def _mapped_pairs(self, mapping: Mapping[str, str]) -> dict[str, str]:
        """Return the layers that a mapping names, with the found ones; what it puts together becomes a found one."""
        pairs: dict[str, str] = {}
        single: dict[str, dict[str, str]] = {}
        homes = {tensor.name: layer.name for layer in self._found.values() for tensor in layer.parts.values()}
        for canonical, name in mapping.items():
            owner, _, rest = canonical.partition(".")
            # A layer inside of branches has dots in its own name.
            layer, _, part = (rest, "", "") if rest in self._placed else rest.rpartition(".")
            if owner != self._network:
                continue
            parts = self._placed[layer].layer if layer in self._placed else None
            if parts is None or (part and part not in parts.parameters() | parts.buffers()):
                known = ", ".join(f"{self._network}.{each}" for each in self._placed)
                raise StateError(f"the mapping names {canonical!r}, which the GAN has not; expected one of {known}")
            known_names = homes if part else self._found
            dotted = name if part else ".".join(split_name(name))
            if dotted not in known_names:
                known = ", ".join(known_names)
                raise StateError(f"the mapping names {name!r} for {canonical!r}, and there are only {known}")
            if part:
                single.setdefault(layer, {})[part] = dotted
            else:
                pairs[layer] = dotted
        for layer, named in single.items():
            pairs[layer] = self._put_together(layer, named, homes)
        for layer, name in pairs.items():
            if not self._fits(layer, name):
                given = self._found[name].describe()
                raise StateError(f"the mapping gives {given} to {self._where}; expected {self._wanted(layer)}")
        return pairs

    def _put_together(self, layer: str, named: Mapping[str, str], homes: Mapping[str, str]) -> str:
        """Return the found layer that these tensors are of, made of them where their names say otherwise."""
        home = self._found.get(homes[next(iter(named.values()))])
        if home is not None and all(
            part in home.parts and home.parts[part].name == name for part, name in named.items()
        ):
            return home.name  # A part of a layer stands for the whole.
        parts: dict[str, FoundTensor] = {}
        for part, name in named.items():
            source = self._found[homes[name]]
            (parts[part],) = (tensor for tensor in source.parts.values() if tensor.name == name)
            left = {each: tensor for each, tensor in source.parts.items() if tensor.name != name}
            self._found[source.name] = FoundLayer(name=source.name, parts=left, kind=source.kind)
        self._found = {name: found for name, found in self._found.items() if found.parts}
        together = FoundLayer(name=f"the mapping's {layer}", parts=parts)
        self._found[together.name] = together
        return together.name

    def _require_places(self, fits: Mapping[str, list[str]], open_found: Sequence[str]) -> None:
        """Raise StateError where a layer has nothing that fits it, or something found fits no layer."""
        lonely = [name for name, fitting in fits.items() if not fitting]
        homeless = [name for name in open_found if not any(name in fitting for fitting in fits.values())]
        if lonely:
            others = "; ".join(self._found[name].describe() for name in (homeless or open_found)[:_NUM_SHOWN])
            raise StateError(
                f"{self._where}: nothing fits {self._wanted(lonely[0])}; what is left is {others or 'nothing'}; give "
                "the GAN that this is of, or say which is which in --mapping FILE.toml"
            )
        if homeless:
            raise StateError(
                f"{self._where}: {self._found[homeless[0]].describe()} fits none of its layers; take it out, or give "
                "the GAN that this is of"
            )
        if len(open_found) != len(fits):
            raise StateError(
                f"{self._where} has {len(fits)} layers with tensors, and there are {len(open_found)}: "
                f"{', '.join(open_found[: 2 * _NUM_SHOWN])}; give the GAN that this is of"
            )

    def _wanted(self, name: str) -> str:
        layer = self._placed[name].layer
        return ", ".join(
            f"{parameter_name(self._network, name, part)} "
            f"{shape_in_layout(parameter.shape, layer, layout=self._layout)}"
            for part, parameter in layer.parameters().items()
        )

    def _by_elimination(self, fits: Mapping[str, list[str]]) -> dict[str, str]:
        """Return the pairs that shapes settle, and then those that the order does, within layers that fit alike."""
        pairs: dict[str, str] = {}
        rest = {name: list(fitting) for name, fitting in fits.items()}
        while rest:
            settled = next((name for name, fitting in rest.items() if len(fitting) == 1), None)
            chosen = {settled: rest[settled][0]} if settled is not None else self._in_order(rest)
            pairs |= chosen
            rest = {
                name: [each for each in fitting if each not in chosen.values()]
                for name, fitting in rest.items()
                if name not in chosen
            }
            starved = next((name for name, fitting in rest.items() if not fitting), None)
            if starved is not None:
                taken = next(each for each in fits[starved] if each in pairs.values())
                raise StateError(
                    f"{self._where}: {self._found[taken].describe()} alone fits {starved!r} and another of its layers; "
                    "give the GAN that this is of"
                )
        return pairs

    def _in_order(self, rest: Mapping[str, list[str]]) -> dict[str, str]:
        """Return layers that fit alike in pairs, by their order; raises StateError where nothing vouches for it."""
        alike = list(rest)
        for fitting in rest.values():
            same = [name for name, others in rest.items() if set(others) <= set(fitting)]
            if len(same) == len(fitting) and all(rest[name] == fitting for name in same):
                alike = same
                numbered = numeric_order(fitting)
                order = fitting if numbered is None and self._is_ordered else numbered
                if order is not None and (order == fitting or not self._is_ordered):
                    return dict(zip(same, order, strict=True))
        found = rest[alike[0]]
        shown = " and ".join(self._found[name].describe() for name in found[:_NUM_SHOWN])
        wanted = " and ".join(f"{self._network}.{name}" for name in alike[:_NUM_SHOWN])
        remedy = _REMEDY.format(canonical=f"{self._network}.{alike[0]}", found=found[0])
        raise StateError(f"{shown} may each be {wanted}, and neither their names nor their order tells; {remedy}")


def _is_called(found: list[str], steps: list[str]) -> bool:
    """Whether a name ends as a layer's does; one inside of branches may be an attribute, `block1_main_conv1`."""
    return found[-len(steps) :] == steps or found[-1:] == ["_".join(steps)]


def _by_name(fits: Mapping[str, list[str]]) -> dict[str, str] | None:
    """Return the pairs of layers of the same name, where every layer has one; None where one has not."""
    pairs = {}
    for name, fitting in fits.items():
        steps = name.split(".")
        same = [found for found in fitting if _is_called(split_name(found), steps)]
        same = same or [found for found in fitting if split_name(found)[-1:] == steps[-1:]]
        if len(same) != 1:
            return None
        pairs[name] = same[0]
    return pairs if len(set(pairs.values())) == len(pairs) else None
