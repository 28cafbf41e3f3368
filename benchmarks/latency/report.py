"""The timings as tables: each subject's, the ratios, and whether the goals are met."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.figures import Target, milliseconds, percentile, table, targets_table
from benchmarks.latency.measure import Timing
from benchmarks.latency.subjects import AX, ENGINE, KINDS, OPTUNA, READY, SERVER

METHOD = """\
One ask after n results (random points, brought in at once) of the 6-d Hartmann function; then the value is told, and the
next ask has one result more. The first ask of each is left out. One thread for each method; the subjects take turns at
each n. `in the engine` calls asktell's engine in this process, as Optuna and Ax are called; `end to end` asks a server over
gRPC, with every change on disk before it is acknowledged. CPU is the processor time of all processes that take part, for
the ask and its tell (of a server's processes the system counts in steps of 10 ms, so its mean is shown as p50)."""

ENGINE_GOALS_S = {20: 0.025, 100: 0.025, 300: 0.040, 1000: 0.150, 10_000: 1.0}
ON_TOP_S = 0.015
OPTUNA_GOALS = {20: 4.0, 100: 4.0, 300: 4.0, 1000: 10.0}
AX_GOAL = 30.0

Timings = dict[tuple[str, int], Timing]


def timings_table(timings: Sequence[Timing]) -> str:
    """Every subject at every n."""
    titles = {kind.name: kind.title for kind in KINDS}
    rows = [
        [
            titles[timing.kind],
            str(timing.observations),
            str(len(timing.wall_s)),
            milliseconds(percentile(timing.wall_s, 50)),
            milliseconds(percentile(timing.wall_s, 95)),
            milliseconds(_cpu(timing)),
            "" if timing.kind in {SERVER.name, READY.name} else milliseconds(percentile(timing.cpu_s, 95)),
            f"{timing.load_average:.1f}",
        ]
        for timing in timings
    ]
    return table(("ask by", "n", "asks", "wall p50 ms", "wall p95 ms", "CPU p50 ms", "CPU p95 ms", "load"), rows)


def ratios_table(timings: Sequence[Timing]) -> str:
    """How many times longer each peer takes."""
    found = {(timing.kind, timing.observations): timing for timing in timings}
    rows = []
    for observations in dict.fromkeys(timing.observations for timing in timings):
        for peer in (OPTUNA, AX):
            theirs, ours = found.get((peer.name, observations)), found.get((ENGINE.name, observations))
            served = found.get((SERVER.name, observations))
            if theirs and ours and served:
                rows.append(
                    [
                        peer.title,
                        str(observations),
                        f"{_wall(theirs) / _wall(ours):.1f}",
                        f"{_cpu(theirs) / _cpu(ours):.1f}",
                        f"{_wall(theirs) / _wall(served):.1f}",
                    ]
                )
    return table(("takes times as long", "n", "as the engine, wall", "as the engine, CPU", "as end to end, wall"), rows)


def targets(timings: Sequence[Timing]) -> list[Target]:
    """The goals, for what was measured: by processor time, which other programs hardly change, but the last leg by wall.

    On a machine that does nothing else both are the same, and the tables show both.
    """
    found = {(timing.kind, timing.observations): timing for timing in timings}
    made = []
    for (kind, observations), timing in found.items():
        engine = found.get((ENGINE.name, observations))
        at = f"n = {observations:,}"
        if kind == ENGINE.name:
            made.append(_at_most(f"ask in the engine, CPU, {at}", ENGINE_GOALS_S[observations], _cpu(timing)))
        elif engine and kind == SERVER.name and observations in OPTUNA_GOALS:
            made.append(_at_most(f"end to end, on top of the engine, {at}", ON_TOP_S, _wall(timing) - _wall(engine)))
        elif engine and kind == OPTUNA.name:
            made.append(_at_least(f"than Optuna GP, {at}", OPTUNA_GOALS[observations], _cpu(timing) / _cpu(engine)))
        elif engine and kind == AX.name:
            made.append(_at_least(f"than Ax, {at}", AX_GOAL, _cpu(timing) / _cpu(engine)))
    return made


def report(timings: Sequence[Timing]) -> str:
    """All of it."""
    return "\n\n".join([METHOD, timings_table(timings), ratios_table(timings), targets_table(targets(timings))])


def _wall(timing: Timing) -> float:
    return percentile(timing.wall_s, 50)


def _cpu(timing: Timing) -> float:
    return float(np.mean(timing.cpu_s)) if timing.kind in {SERVER.name, READY.name} else percentile(timing.cpu_s, 50)


def _at_most(name: str, limit_s: float, measured_s: float) -> Target:
    return Target(
        name=name,
        wanted=f"≤ {milliseconds(limit_s)} ms",
        measured=f"{milliseconds(measured_s)} ms",
        met=measured_s <= limit_s,
    )


def _at_least(name: str, limit: float, measured: float) -> Target:
    return Target(
        name=f"times faster {name}", wanted=f"≥ {limit:.0f}", measured=f"{measured:.1f}", met=measured >= limit
    )
