"""The leak of the original, a service that adds a field per decision, under the sampler."""

import json

SERVICE = """
import json, random, sys, time
import kimera_leakguard_native as klg

fields = klg.CognitiveFieldDynamicsWithLeakDetection(32)
chance = random.Random(1)

def decide(tick):
    market = json.loads(json.dumps({"prices": [chance.random() for _ in range(32)]}))
    fields.add_geoid(f"market_{tick}", market["prices"])
    return sum(market["prices"]) > 16

end, tick = time.monotonic() + 14, 0
while time.monotonic() < end:
    for _ in range(4):
        decide(tick)
        tick += 1
    time.sleep(0.004)
records = fields.leak_guardian.active_allocations
lines = {(each.function_name.rpartition("/")[2], each.line_number) for each in records.values()}
print(json.dumps([tick, fields.field_count, len(records), sorted(lines)]))
"""
LINE = 1 + SERVICE.splitlines().index('    fields.add_geoid(f"market_{tick}", market["prices"])')
OPTIONS = ("--sample-bytes", "8192", "--interval", "0.5")


def test_a_field_per_decision_is_found_and_named(klg_run):
    ran = klg_run(SERVICE, options=OPTIONS)
    assert ran.returncode == 0, ran.stderr
    ticks, fields, records, lines = json.loads(ran.stdout)
    assert ticks > 1000
    assert ticks == fields == records
    assert lines == [["program.py:decide", LINE]]
    found = {
        site["line"]
        for site in ran.report["sites"]
        if site["verdict"] == "leak" and (site["file"] or "").endswith("program.py")
    }
    assert LINE in found, ran.report["sites"][:5]
