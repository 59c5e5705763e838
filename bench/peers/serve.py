"""Shared by the peers: the sizes of rounds, the choice of the fastest variant, and the protocol of the benchmark.

A request is a line of JSON: {"prepare": scenario} builds a model, {"round": true} runs a round of steps. Its answer is
also a line of JSON.
"""

import json
import os
import sys
import time

ROUND_SECONDS = 0.4


class Timed:
    """The fastest of several variants of a step. A variant is run(steps), which returns when all steps are done."""

    def __init__(self, variants):
        for run in variants.values():
            run(3)
        # In turn, so that other work on the machine affects all of them.
        rounds = [{name: seconds_of(run, 3) for name, run in variants.items()} for _ in range(3)]
        best = {name: min(times[name] for times in rounds) for name in variants}
        self.variant = min(best, key=best.get)
        self.run = variants[self.variant]
        self.steps = max(1, round(ROUND_SECONDS / best[self.variant]))

    def milliseconds(self):
        return 1000 * seconds_of(self.run, self.steps)


def seconds_of(run, steps):
    start = time.perf_counter()
    run(steps)
    return (time.perf_counter() - start) / steps


def serve(version, prepare):
    """Answers requests. prepare(scenario) returns (parameters, variants, remarks)."""
    # Reserves standard output for answers; anything that a library prints goes to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(value):
        print(json.dumps(value), file=answers, flush=True)

    answer({"version": version})
    timed = None
    for line in sys.stdin:
        request = json.loads(line)
        if "prepare" in request:
            timed = None
            parameters, variants, remarks = prepare(request["prepare"])
            timed = Timed(variants)
            timed.milliseconds()
            answer({"parameters": parameters, "variant": timed.variant, "remarks": remarks})
        else:
            answer({"ms": timed.milliseconds()})
