"""The order in which blocks are saved: whatever a block refers to comes before it."""

from collections.abc import Iterable, Mapping


def ordered(wanted: Iterable[str], uses: Mapping[str, Iterable[str]]) -> list[str]:
    """Return addresses, each after those that it uses, else in the order given.

    Args:
        wanted: The addresses to put in order.
        uses: What each uses; also of blocks that are not wanted, which may lead back to one.

    Circles do not matter here; see `circles`.
    """
    chosen = dict.fromkeys(wanted)
    return [each for each in _postorder(chosen, uses) if each in chosen]


def circles(wanted: Iterable[str], uses: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return circles among what the addresses use, each once: ``[a, b, c]`` where c uses a."""
    found: list[list[str]] = []
    done: set[str] = set()
    for start in wanted:
        path: list[str] = []
        on_path: dict[str, int] = {}
        waiting: list[tuple[str, bool]] = [(start, False)]
        while waiting:
            here, leaving = waiting.pop()
            if leaving:
                path.pop()
                del on_path[here]
                done.add(here)
            elif here in on_path:
                found.append(path[on_path[here] :])
            elif here not in done:
                on_path[here] = len(path)
                path.append(here)
                waiting.append((here, True))
                waiting += [(each, False) for each in reversed(list(uses.get(here, ())))]
    return found


def _postorder(starts: Iterable[str], uses: Mapping[str, Iterable[str]]) -> list[str]:
    order: list[str] = []
    seen: set[str] = set()
    for start in starts:
        waiting: list[tuple[str, bool]] = [(start, False)]
        while waiting:
            here, leaving = waiting.pop()
            if leaving:
                order.append(here)
            elif here not in seen:
                seen.add(here)
                waiting.append((here, True))
                waiting += [(each, False) for each in reversed(list(uses.get(here, ())))]
    return order
