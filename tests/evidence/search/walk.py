"""The search: every state with the fewest interventions first, then with the fewest moves; and the way to each.

Breadth first over two costs. All that can be reached without an intervention is one layer, what needs one is the
next: so the bound is a number of mishaps and not a length of time, and the first path to a wrong state is the one with
the fewest mishaps, and the shortest of those. Plain breadth first would spend itself on the first second of a run.

A layer is always gone through to its end: whatever a mishap leads to, all its future without a further one is in the
graph, and whether it ends can be answered for every state. What may be cut is from how many states of a layer
further mishaps are tried: ``shares`` (1, 1) is every path with at most two; (1, 500) every path with one, and with
two those whose second mishap meets every 500th state.
"""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from hw_sim.firmware.machine import NAMES
from tests.evidence.search import canon
from tests.evidence.search.bench import Bench, Saved, watched
from tests.evidence.search.moves import BY_HAND, Move, is_free, is_settled, make, possible

Path: TypeAlias = tuple[Move, ...]
ENDLESS = 1 << 30


@dataclass(slots=True)
class Found:
    """What a search saw.

    ``layers``: states by the interventions they need. ``complete``: paths with at most so many interventions were all
    walked. ``pairs``: (host's belief, unit's state) met. ``wrong``: a sentence that did not hold, or that no
    end can be reached, and the moves that lead there. ``unaided``: states that end with nobody's help.
    """

    states: int = 0
    transitions: int = 0
    depth: int = 0
    complete: int = 0
    unaided: int = 0
    layers: list[int] = field(default_factory=list)
    pairs: set[tuple[str, str]] = field(default_factory=set)
    wrong: tuple[str, Path] | None = None


class _Root(NamedTuple):
    """A state that an intervention led to, not looked at yet."""

    key: int
    parent: int
    move: Move
    saved: Saved


class _Made(NamedTuple):
    """A move that was made; ``wrong`` what does not hold in the state on the bench."""

    move: Move
    free: bool
    wrong: str | None
    key: int


class Walk:
    """One search from the state of ``bench``.

    ``held``: frames aside at most; ``only``: the interventions to try, all if None; ``looking_for``: what a sentence
    must contain to count as wrong; ``within``: moves of a path at most, and then nothing is said about ends.
    """

    def __init__(
        self, bench: Bench, shares: tuple[int, ...] = (1,), *, held: int = 2, only: Collection[str] | None = None,
        looking_for: str = "", within: int = ENDLESS,
    ) -> None:  # fmt: skip
        self._bench = bench
        self._shares, self._held, self._only = shares, held, only
        self._looking_for, self._within = looking_for, within
        self._checked = False
        self.found = Found()
        self._known: dict[int, int] = {}
        self._parent, self._depth = array("l"), array("l")
        self._moved: list[Move] = []
        self._settled = bytearray()
        self._from, self._to, self._by_hand = array("l"), array("l"), bytearray()

    def run(self) -> Found:
        """Search, then ask of every state seen whether it can end."""
        with watched():
            self._search()
        self.found.states, self.found.depth = len(self._known), max(self._depth)
        if self.found.wrong is None and self._within == ENDLESS:
            self._ask_ends()
        return self.found

    def path(self, index: int) -> Path:
        """The moves from the start to a state."""
        moves: list[Move] = []
        while index > 0:
            moves.append(self._moved[index])
            index = self._parent[index]
        return tuple(reversed(moves))

    # -- the search --------------------------------------------------------------------------------------------

    def _search(self) -> None:
        bench, found = self._bench, self.found
        roots = [_Root(canon.key(bench), -1, Move("the start"), bench.snapshot())]
        for share in (*self._shares, 0):
            roots = self._explore(roots, share, self._within if found.wrong is None else len(found.wrong[1]))
            if not roots:
                break
        ones = [*self._shares, 0]
        found.complete = next(k for k, share in enumerate(ones) if share != 1)

    def _explore(self, roots: list[_Root], share: int, deepest: int) -> list[_Root]:
        """One layer, but only paths shorter than ``deepest``: all that the roots lead to, and the roots of the next.

        Interventions are tried from every ``share``-th state, until one of them goes wrong: what is as bad and shorter
        can then only be found in the next layer, and among the roots so far.
        """
        self.found.layers.append(0)
        waiting: defaultdict[int, deque[_Root | tuple[int, Saved]]] = defaultdict(deque)
        for root in roots:
            waiting[self._depth[root.parent] + 1 if root.parent >= 0 else 0].append(root)
        following: dict[int, _Root] = {}
        candidate = self.found.wrong
        while waiting and (depth := min(waiting)) < deepest:
            for index, saved in self._opened(waiting.pop(depth), depth):
                tries = share > 0 and candidate is None and index % share == 0
                for made in self._expand(index, saved, tries=tries):
                    if made.wrong is not None:
                        candidate = made.wrong, (*self.path(index), made.move)
                        if made.free:
                            self.found.wrong = candidate
                            return []
                        break
                    if made.free:
                        to = self._known.get(made.key)
                        if to is None:
                            to = self._add(made.key, index, made.move, depth + 1)
                            waiting[depth + 1].append((to, self._bench.snapshot()))
                        self._from.append(index)
                        self._to.append(to)
                        self._by_hand.append(made.move.name in BY_HAND)
                    elif made.key not in self._known and made.key not in following:
                        following[made.key] = _Root(made.key, index, made.move, self._bench.snapshot())
        done = self.found.wrong is not None
        self.found.wrong = candidate
        return [] if done else list(following.values())

    def _opened(self, entries: deque[_Root | tuple[int, Saved]], depth: int) -> Iterator[tuple[int, Saved]]:
        """The states of one depth, with those that only now turn out to be new."""
        while entries:
            entry = entries.popleft()
            if not isinstance(entry, _Root):
                yield entry
            elif entry.key not in self._known:
                self._bench.restore(entry.saved)
                yield self._add(entry.key, entry.parent, entry.move, depth), entry.saved

    def _add(self, key: int, parent: int, move: Move, depth: int) -> int:
        """The state on the bench is a new one."""
        bench = self._bench
        if not self._checked and bench.host.engine is not None:
            canon.check(bench.host)
            self._checked = True
        index = self._known[key] = len(self._known)
        self._parent.append(parent)
        self._moved.append(move)
        self._depth.append(depth)
        self._settled.append(is_settled(bench))
        self.found.layers[-1] += 1
        host = "none" if bench.crashed else bench.host.state.name
        self.found.pairs.add((host, NAMES[bench.world.firmware.rec.st]))
        return index

    def _expand(self, index: int, saved: Saved, *, tries: bool) -> Iterator[_Made]:
        bench = self._bench
        bench.restore(saved)
        moves = [move for move in possible(bench, self._held) if is_free(move) or (tries and self._may(move))]
        moves.sort(key=is_free, reverse=True)
        for move in moves:
            bench.restore(saved)
            make(bench, move)
            self.found.transitions += 1
            wrong = bench.broken if bench.broken is not None and self._looking_for in bench.broken else None
            yield _Made(move, is_free(move), wrong, canon.key(bench) if wrong is None else 0)

    def _may(self, move: Move) -> bool:
        return self._only is None or move.name in self._only

    # -- whether it ends ---------------------------------------------------------------------------------------

    def _ask_ends(self) -> None:
        """From every state, without another mishap: an end is reached; and for how many without anybody's help."""
        self.found.unaided = sum(self._ending(by_hand=False))
        ends = self._ending(by_hand=True)
        if not all(ends):
            self.found.wrong = "no end can be reached from here any more", self.path(ends.index(0))

    def _ending(self, *, by_hand: bool) -> bytearray:
        before: list[list[int]] = [[] for _ in range(len(self._known))]
        for source, to, hand in zip(self._from, self._to, self._by_hand, strict=True):
            if by_hand or not hand:
                before[to].append(source)
        reached = bytearray(self._settled)
        todo = [index for index, settled in enumerate(reached) if settled]
        while todo:
            for source in before[todo.pop()]:
                if not reached[source]:
                    reached[source] = 1
                    todo.append(source)
        return reached
