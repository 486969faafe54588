"""The decision caches: order of use, bounds, time, weights, threads and hostile keys."""

import gc
import random
import sys
import threading
import time
import weakref
from collections import OrderedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kimera_leakguard_native as klg
from kimera_leakguard_native.engines import decision_cache


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def decision(validity_ns=10**12):
    return klg.CachedDecision("", "buy", 0.9, 1.0, 2.0, 1.5, None, 0, validity_ns)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 8),
    st.lists(st.tuples(st.sampled_from("gpd"), st.one_of(st.integers(0, 12), st.text(max_size=1)))),
)
def test_it_is_an_lru_cache_like_an_ordered_dict(max_size, calls):
    cache, model = klg.LeakSafeDecisionCache(max_size), OrderedDict()
    for number, (call, key) in enumerate(calls):
        if call == "g":
            assert cache.get(key, "absent") == model.get(key, "absent")
            if key in model:
                model.move_to_end(key)
        elif call == "p":
            cache.put(key, number)
            model[key] = number
            model.move_to_end(key)
            if len(model) > max_size:
                model.popitem(last=False)
        else:
            assert cache.pop(key, None) == model.pop(key, None)
        assert list(cache.access_order) == list(model)
    assert dict(cache.cache) == dict(model)


def test_the_defects_of_the_original_are_not_here():
    cache = klg.LeakSafeDecisionCache(max_size=2)
    for _ in range(1000):
        cache.put("same", 1)
    assert len(cache.access_order) == len(cache) == 1
    cache.put("other", None)
    cache.put("same", 2)  # an update at capacity evicts nobody
    assert "other" in cache
    assert cache.get("other", "absent") is None
    assert cache.max_size == 2
    with pytest.raises(ValueError, match="max_size"):
        klg.LeakSafeDecisionCache(max_size=0)


def test_looking_is_not_a_use_and_is_not_counted():
    cache = klg.LeakSafeDecisionCache(2)
    cache["a"], cache["b"] = 1, 2
    assert cache.cache["a"] == cache.peek("a") == 1
    assert "a" in cache
    assert cache.access_order[0] == "a"
    assert (cache.hit_count, cache.miss_count) == (0, 0)
    assert cache.get("x") is None
    with pytest.raises(KeyError):
        cache["x"]
    with pytest.raises(KeyError):
        cache.cache["x"]
    assert cache["a"] == 1
    assert cache.stats()["hit_rate"] == pytest.approx(1 / 3)
    del cache["a"]
    assert list(cache.cache) == ["b"]


def test_time_to_live():
    clock = Clock()
    gone = []
    cache = klg.LeakSafeDecisionCache(10, ttl=5, clock=clock, on_evict=lambda *a: gone.append(a))
    cache.put("a", 1)
    cache.put("b", 2, ttl=100)
    clock.now = 4.999
    assert cache.get("a") == 1
    clock.now = 5.0
    assert cache.get("a") is None
    assert "a" not in cache
    assert gone == [("a", 1, "expired")]
    cache.put("c", 3)
    clock.now = 50
    assert cache.cleanup_old_entries() == 1
    assert list(cache.access_order) == ["b"]
    assert cache.stats()["expirations"] == 2


def test_a_time_given_late_lands_at_its_own_entry():
    clock = Clock()
    cache = klg.LeakSafeDecisionCache(100, clock=clock)
    for key in range(50):
        cache.put(key, key)
    for key in range(49):
        cache.pop(key)
    cache.put("late", 1, ttl=1)
    clock.now = 2
    assert cache.expire() == 1
    assert list(cache.access_order) == [49]


def test_weights_bound_the_sum():
    gone = []
    cache = klg.LeakSafeDecisionCache(
        100, max_weight=10, weigher=lambda _key, value: value, on_evict=lambda k, *_: gone.append(k)
    )
    for key, weight in (("a", 4), ("b", 4), ("c", 1)):
        cache.put(key, weight)
    cache.get("a")
    cache.put("d", 5)
    assert gone == ["b"]
    assert cache.stats()["weight"] == 10
    cache.put("a", 1)
    assert cache.stats()["weight"] == 7
    cache.put("e", 0, weight=3)
    assert cache.stats()["weight"] == 10
    with pytest.raises(ValueError, match="weight 11"):
        cache.put("f", 11)
    cache.clear()
    assert cache.stats()["weight"] == 0


def test_an_error_of_the_callback_is_reported_and_counted_and_the_cache_carries_on(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: seen.append(report.exc_type))
    cache = klg.LeakSafeDecisionCache(1, on_evict=lambda *_: 1 / 0)
    cache.put("a", 1)
    cache.put("b", 2)
    assert seen == [ZeroDivisionError]
    assert list(cache.access_order) == ["b"]
    assert cache.stats()["callback_errors"] == 1


class Hostile:
    """Collides with all its kind, and plays with the cache whenever it is compared."""

    def __init__(self, number, play):
        self.number, self.play = number, play

    def __hash__(self):
        return 1

    def __eq__(self, other):
        self.play()
        return self.number == other.number


def test_keys_that_change_the_cache_while_they_are_compared():
    chance = random.Random(0)
    cache = klg.LeakSafeDecisionCache(8)
    depth = 0

    def play():
        nonlocal depth
        if depth < 2 and chance.random() < 0.2:
            depth += 1
            number = chance.randrange(12)
            chance.choice(
                [cache.clear, lambda: cache.put(Hostile(number, play), number),
                 lambda: cache.pop(Hostile(number, play), None)]
            )()  # fmt: skip
            depth -= 1

    for step in range(3000):
        number = chance.randrange(12)
        if step % 2:
            cache.put(Hostile(number, play), number)
        else:
            assert cache.get(Hostile(number, play), number) == number
        assert len(cache) <= 8
    numbers = [key.number for key in cache.access_order]
    assert len(numbers) == len(set(numbers)) == cache.stats()["size"] <= 8


def test_errors_of_keys_come_through():
    class Bad:
        def __hash__(self):
            return 1

        def __eq__(self, other):
            raise ZeroDivisionError

    cache = klg.LeakSafeDecisionCache(8)
    cache.put(Bad(), 1)
    with pytest.raises(ZeroDivisionError):
        cache.get(Bad())
    with pytest.raises(TypeError, match="unhashable"):
        cache.put([], 1)
    assert len(cache) == 1


def test_a_value_that_uses_the_cache_when_it_dies():
    cache = klg.LeakSafeDecisionCache(2)

    class Last:
        def __del__(self):
            cache.put("from the grave", 1)

    cache.put("a", Last())
    cache.put("a", 2)
    assert cache.get("from the grave") == 1
    cache.put("b", Last())
    cache.clear()
    assert len(cache) <= 2


def test_a_cycle_through_the_cache_is_collected():
    cache = klg.LeakSafeDecisionCache(2)
    cache.put("self", cache)
    gone = weakref.ref(cache)
    del cache
    gc.collect()
    assert gone() is None


def test_references_balance():
    key, value = object(), object()
    before = sys.getrefcount(key), sys.getrefcount(value)
    cache = klg.LeakSafeDecisionCache(3)
    for _ in range(10):
        cache.put(key, value)
        cache.get(key)
        cache.get(1, value)
        cache.put(object(), value)
        cache.put(object(), value)
        cache.put(object(), value)
        cache.pop(key)
    del cache
    assert (sys.getrefcount(key), sys.getrefcount(value)) == before


def test_the_bound_holds_under_threads():
    cache = klg.LeakSafeDecisionCache(100, on_evict=lambda *_: None)
    over, errors = [], []

    def work(seed):
        chance = random.Random(seed)
        try:
            for _ in range(5000):
                key = f"{chance.randrange(300)}"
                if chance.random() < 0.5:
                    cache.put(key, key)
                elif cache.get(key, key) != key:
                    errors.append(key)
                if len(cache) > 100:
                    over.append(len(cache))
        except Exception as error:  # noqa: BLE001 - any error is a failure, in the main thread
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert not over
    assert not errors


def test_forty_bytes_an_entry():
    cache = klg.LeakSafeDecisionCache(50_000)
    for number in range(60_000):
        cache.put(number, None)
    assert cache.stats()["overhead_bytes"] <= 50_000 * 40


def test_the_guardian_is_that_of_the_process_until_one_is_assigned():
    cache = klg.LeakSafeDecisionCache()
    assert cache.max_size == 10_000
    mine = object()
    cache.leak_guardian = mine
    assert cache.leak_guardian is mine


def test_decisions_by_market_pattern():
    cache = klg.CognitiveDecisionCache(max_cache_size=3)
    market = {"price": 100.00001, "volume": 5, "volatility": 0.02, "trend": 1}
    assert cache.get_cached_decision(market) is None
    stored = decision()
    cache.cache_decision(market, stored)
    assert cache.get_cached_decision({**market, "price": 100.00002}) is stored
    assert abs(stored.timestamp_ns - time.time_ns()) < 60 * 10**9
    assert stored.market_pattern_hash == cache.generate_market_pattern_hash(market)
    assert cache.generate_market_pattern_hash({}) == str(hash((0, 0, 0, 0)))
    assert cache.get_cache_stats() == {
        "cache_size": 1, "hit_count": 1, "miss_count": 1, "hit_rate": 0.5, "cache_efficiency": 50.0
    }  # fmt: skip
    for price in range(10):
        cache.cache_decision({"price": price}, decision())
    assert len(cache.cache) == 3


def test_a_decision_is_valid_strictly_less_than_its_time(monkeypatch):
    now = 10**18
    monkeypatch.setattr(decision_cache.time, "time_ns", lambda: now)
    cache = klg.CognitiveDecisionCache()
    for price in (1, 2):
        cache.cache_decision({"price": price}, decision(validity_ns=100))
    now += 99
    assert cache.get_cached_decision({"price": 1}) is not None
    now += 1
    assert cache.get_cached_decision({"price": 1}) is None
    assert len(cache.cache) == 1
    assert cache.cleanup_old_entries() == 1
    assert len(cache.cache) == 0
