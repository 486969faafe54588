import textwrap

import pytest

from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.model.site import SiteVerdict
from kimera_leakguard_native.runtime import bounds

BOUNDED = {
    "evicts after the store": """
        def remember(key):
            CACHE[key] = make(key)  # here
            if len(CACHE) > LIMIT:
                CACHE.popitem()
        """,
    "stores only below the limit": """
        def remember(key):
            if len(CACHE) < LIMIT:
                CACHE[key] = make(key)  # here
        """,
    "evicts elsewhere": """
        class Cache:
            def put(self, key):
                value = make(key)  # here
                self.rows[key] = value
                self.trim()
            def trim(self):
                while len(self.rows) > self.limit:
                    del self.rows[next(iter(self.rows))]
        """,
    "a deque with a length": """
        recent = collections.deque(maxlen=100_000)
        def remember(key):
            recent.append(make(key))  # here
        """,
    "a cache decorator with a size": """
        @functools.lru_cache(maxsize=100_000)
        def compute(key):
            return make(key)  # here
        """,
    "a call to a cached function": """
        @functools.lru_cache(maxsize=600)
        def compute(key):
            return make(key)
        def handle(request):
            total = compute(int(request))  # here
        """,
    "calls what evicts": """
        class Cache:
            def get(self, key):
                if len(self.rows) >= self.size:
                    self.drop()
                self.rows[key] = make(key)  # here
            def drop(self):
                for key in sorted(self.rows)[: self.size // 4]:
                    del self.rows[key]
        """,
    "starts over": """
        def remember(key):
            if len(batch) >= 10_000:
                batch = []
            batch.append(make(key))  # here
        """,
}

UNBOUNDED = {
    "nothing": """
        def remember(key):
            CACHE[key] = make(key)  # here
        """,
    "another container is bounded": """
        def remember(key):
            kept.append(make(key))  # here
            if len(CACHE) > LIMIT:
                CACHE.popitem()
        """,
    "the length is only reported": """
        def remember(key):
            kept.append(make(key))  # here
            if len(kept) > 1000:
                print("many")
        """,
    "emptied by a drain that does not run": """
        def remember(key):
            kept.append(make(key))  # here
        def drain():
            while len(kept) > 0:
                kept.pop()
        """,
    "calls what only reports": """
        class Cache:
            def get(self, key):
                if len(self.rows) >= self.size:
                    self.warn()
                self.rows[key] = make(key)  # here
            def warn(self):
                print(len(self.rows))
        """,
    "a cache decorator without a size": """
        @functools.lru_cache(maxsize=None)
        def compute(key):
            return make(key)  # here
        """,
    "a deque without a length": """
        recent = collections.deque(maxlen=None)
        def remember(key):
            recent.append(make(key))  # here
        """,
}


def weigh(tmp_path, source, verdict="leak"):
    text = textwrap.dedent(source)
    file = tmp_path / "program.py"
    file.write_text(text, encoding="utf-8")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "# here" in row)
    stack = (Frame("/usr/lib/nowhere.py", 1, "x"), Frame(str(file), line, "remember"))
    site = SiteVerdict(str(file), line, "remember", 1, 1.0, verdict, 0.9, stack, "e")
    return bounds.weigh([site])[0]


@pytest.mark.parametrize("name", sorted(BOUNDED))
def test_a_limit_in_the_code_makes_it_a_warm_up(tmp_path, name):
    site = weigh(tmp_path, BOUNDED[name])
    assert site.verdict == "warm-up"
    assert "limits what keeps it" in site.evidence


@pytest.mark.parametrize("name", sorted(UNBOUNDED))
def test_without_a_limit_it_stays_a_leak(tmp_path, name):
    assert weigh(tmp_path, UNBOUNDED[name]).verdict == "leak"


def test_other_verdicts_are_left_alone(tmp_path):
    source = BOUNDED["evicts after the store"]
    assert weigh(tmp_path, source, verdict="undecided").verdict == "undecided"


def test_a_caller_that_keeps_the_result_is_looked_at(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(
        "def make(n):\n    return bytes(n)\n\ndef main():\n    CACHE[1] = make(9)\n"
        "    if len(CACHE) > 99:\n        CACHE.clear()\n"
    )
    stack = (Frame(str(file), 2, "make"), Frame(str(file), 5, "main"))
    site = SiteVerdict(str(file), 2, "make", 1, 1.0, "leak", 0.9, stack, "e")
    assert bounds.weigh([site])[0].verdict == "warm-up"


KEYS = """
def thumbnail(sku):
    if sku not in CACHE:
        CACHE[sku] = bytes(300)
        if len(CACHE) > 1000:
            CACHE.popitem()
    return CACHE[sku]

def show(skus):
    for sku in skus:
        thumbnail(int(sku))

def keep(skus):
    for sku in skus:
        KEPT.append(thumbnail(int(sku)))
"""


@pytest.mark.parametrize(
    ("line", "function", "growth", "verdict"),
    [
        (11, "show", 1.0, "warm-up"),  # the keys of the cache
        (11, "show", 20.0, "leak"),  # more than the cache itself
        (15, "keep", 1.0, "leak"),  # has a container of its own
    ],
)
def test_what_a_limited_cache_is_asked_for_fills_up_with_it(
    tmp_path, line, function, growth, verdict
):
    file = tmp_path / "program.py"
    file.write_text(KEYS)
    caller = Frame(str(file), line, function)
    stack = (Frame(str(file), 4, "thumbnail"), caller)
    cache = SiteVerdict(str(file), 4, "thumbnail", 1, 10.0, "leak", 0.9, stack, "e")
    key = SiteVerdict(str(file), line, function, 1, growth, "leak", 0.9, (caller,), "e")
    weighed = bounds.weigh([cache, key])
    assert [site.verdict for site in weighed] == ["warm-up", verdict]
    assert weighed[0].evidence != weighed[1].evidence


@pytest.mark.parametrize("content", [b"def broken(:\n", b"x = '\0'\n", b"\xff\xfe"])
def test_a_file_that_cannot_be_parsed_changes_nothing(tmp_path, content):
    file = tmp_path / "broken.py"
    file.write_bytes(content)
    stack = (Frame(str(file), 1, "f"),)
    site = SiteVerdict(str(file), 1, "f", 1, 1.0, "leak", 0.9, stack, "e")
    assert bounds.weigh([site]) == [site]
