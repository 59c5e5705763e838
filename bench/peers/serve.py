"""Shared by the peers: the sizes of rounds, the choice of the fastest variant, and the protocol of the benchmark.

A request is a line of JSON: {"prepare": scenario} builds a model, {"round": true} runs a round of steps. Its answer is
also a line of JSON, and {"error": reason} if the request failed. Then the next one is awaited. Lines {"trying": variant}
tell which variant of a scenario is under way, in case the process does not survive it; a scenario lists in `without`
those that have ended one.
"""

import json
import os
import sys
import time

ROUND_SECONDS = 0.4


class Timed:
    """The fastest of several variants of a step, without those that fail.

    A variant is run(steps), which returns when all steps are done. The reasons of failures join the given `remarks`.
    `trying(name)` is called before a variant runs.
    """

    def __init__(self, variants, remarks, round_seconds, trying):
        self.remarks = [*remarks]
        self.trying = trying
        variants = {name: run for name, run in variants.items() if self.works(name, run)}
        if not variants:
            raise RuntimeError("; ".join(self.remarks))
        # In turn, so that other work on the machine affects all of them.
        rounds = [{name: self.seconds_of(name, run) for name, run in variants.items()} for _ in range(3)]
        best = {name: min(times[name] for times in rounds) for name in variants}
        self.variant = min(best, key=best.get)
        self.run = variants[self.variant]
        self.steps = max(1, round(round_seconds / best[self.variant]))

    def works(self, name, run):
        """Warms a variant up."""
        try:
            self.trying(name)
            run(3)
            return True
        except Exception as error:
            self.remarks.append(f"{name} failed: {reason_of(error)}")
            return False

    def seconds_of(self, name, run):
        self.trying(name)
        return seconds_of(run, 3)

    def milliseconds(self):
        self.trying(self.variant)
        return 1000 * seconds_of(self.run, self.steps)


def reason_of(error):
    """The first line of an error."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def seconds_of(run, steps):
    start = time.perf_counter()
    run(steps)
    return (time.perf_counter() - start) / steps


def serve(version, prepare, round_seconds=ROUND_SECONDS):
    """Answers requests. prepare(scenario, trying) returns (parameters, variants, remarks)."""
    # Reserves standard output for answers; anything that a library prints goes to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(value):
        print(json.dumps(value), file=answers, flush=True)

    def trying(variant):
        answer({"trying": variant})

    timed = None

    def answer_to(request):
        nonlocal timed
        if "prepare" not in request:
            return {"ms": timed.milliseconds()}
        timed = None
        parameters, variants, remarks = prepare(request["prepare"], trying)
        timed = Timed(variants, remarks, round_seconds, trying)
        timed.milliseconds()
        return {"parameters": parameters, "variant": timed.variant, "remarks": timed.remarks}

    answer({"version": version})
    for line in sys.stdin:
        try:
            answer(answer_to(json.loads(line)))
        except Exception as error:
            answer({"error": reason_of(error)})
