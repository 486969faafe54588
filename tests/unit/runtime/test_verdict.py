from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.model.site import SiteVerdict
from kimera_leakguard_native.runtime import verdict
from kimera_leakguard_native.runtime.detectors.enlarging import Size
from kimera_leakguard_native.runtime.life_table import Deaths, Life
from kimera_leakguard_native.runtime.stack_lives import StackLives

MEAN = 1024.0
NOW = 60.0


def stack(name, births, deaths=(), size=100, recycled=False):
    frame = Frame("/app/main.py", len(name), name)
    lives = [Life(birth, None, size, 1, 1e9, recycled) for birth in births]
    return StackLives((frame,), lives, list(deaths))


def even(count):
    return [NOW * (k + 0.5) / count for k in range(count)]


def judge(**stacks):
    by_site = {Frame("/app/main.py", n, name): s for n, (name, s) in enumerate(stacks.items())}
    sites = verdict.of_sites(by_site, NOW, MEAN, lambda begin, end: end - begin)
    return {site.function: site for site in sites}


def test_a_leak_is_told_from_churn_and_its_growth_is_estimated():
    sites = judge(leak=[stack("leak", even(60))], churn=[stack("churn", [59.0, 59.5])])
    assert sites["leak"].verdict == "leak"
    # Each sample stands for about 1 KiB, one is born each second and stays.
    assert 1000 < sites["leak"].growth_bytes_per_s < 1100
    assert sites["leak"].confidence > 0.9
    assert sites["churn"].verdict == "bounded"


def test_a_leak_is_confirmed_where_it_looked_like_one_before_and_likely_where_not():
    sites = judge(
        old=[stack("old", even(60))], late=[stack("late", [b for b in even(120) if b > 32])]
    )
    assert sites["old"].evidence.startswith("confirmed: ")
    assert sites["old"].confidence >= 0.9
    assert sites["late"].verdict == "leak"
    assert sites["late"].evidence.startswith("likely: ")
    assert 0.5 <= sites["late"].confidence < 0.9


def test_one_growing_block_is_a_likely_leak_with_its_growth():
    buffer = stack("buffer", [59.0])
    growing = StackLives(
        buffer.stack, buffer.lives, (), [Size(t, 20_000 * t, 20_000 * t) for t in range(1, 61)]
    )
    site = judge(buffer=[growing], churn=[stack("churn", [59.0])])["buffer"]
    assert site.verdict == "leak"
    assert site.evidence.startswith("likely: one block grew")
    assert 19_000 < site.growth_bytes_per_s < 21_000
    assert site.live_bytes == 1_200_000


def test_what_outlives_a_sawtooth_of_its_line_is_a_leak_with_its_own_growth():
    tooth = [b for b in even(900) if b > 57]
    died = [Deaths(b, 15.0 if b < 15 else 57.0, 1, 100.0) for b in even(900) if b < 57]
    site = judge(line=[stack("line", [*tooth, *even(60)], died)])["line"]
    assert site.verdict == "leak"
    assert "outlive" in site.evidence
    assert 800 < site.growth_bytes_per_s < 1300


def test_deaths_count_against_growth():
    died = [Deaths(birth, birth + 31.0, 1, 100.0) for birth in even(60) if birth + 31.0 < NOW]
    sites = judge(cache=[stack("cache", [b for b in even(60) if b + 31.0 >= NOW], died)])
    assert sites["cache"].verdict == "bounded"
    assert abs(sites["cache"].growth_bytes_per_s) < 150


def test_one_leaking_stack_of_a_busy_line_is_found():
    tooth = [b for b in even(900) if b > 50]
    died = [Deaths(b, 50.0, 1, 100.0) for b in even(900) if b < 42]
    busy = stack("busy", tooth, died)
    leaking = stack("leaking", even(40))
    site = judge(line=[busy, leaking])["line"]
    assert site.verdict == "leak"
    assert site.stack == leaking.stack


def test_a_faint_trace_beside_a_strong_leak_is_not_called_one():
    sites = judge(strong=[stack("strong", even(2000))], faint=[stack("faint", even(14))])
    assert sites["strong"].verdict == "leak"
    assert sites["faint"].verdict == "undecided"
    assert "not enough" in sites["faint"].evidence


def test_recycled_blocks_do_not_accuse_a_line_whose_own_blocks_come_and_go():
    blocks = stack("line", even(60), recycled=True)
    own = stack("line", [59.0, 59.3, 59.6])
    assert judge(line=[blocks, own])["line"].verdict == "bounded"


def test_recycled_blocks_yield_to_a_leak_of_other_blocks_and_else_suffice():
    blocks = stack("blocks", even(60), recycled=True)
    both = judge(blocks=[blocks], leak=[stack("leak", even(60))])
    assert both["leak"].verdict == "leak"
    assert both["blocks"].verdict == "undecided"
    assert "from line to line" in both["blocks"].evidence
    alone = judge(blocks=[blocks])["blocks"]
    assert alone.verdict == "leak"
    assert alone.confidence <= 0.6


def test_blocks_that_other_lines_gave_back_are_no_leak():
    blocks = stack("blocks", even(60), recycled=True)
    died = [Deaths(birth, birth + 30.0, 1, 100.0, recycled=True) for birth in even(120)[:60]]
    exchanged = judge(blocks=[blocks], cache=[stack("cache", [], died)])["blocks"]
    assert exchanged.verdict == "undecided"
    assert "as many as before" in exchanged.evidence


def site(name, growth=0.0):
    return SiteVerdict("/app/main.py", 1, "f", 0, growth, name, 0.5)


def test_the_worst_site_is_the_verdict_on_the_process():
    def of(*names, seconds=NOW, samples=100):
        return verdict.of_process([site(name) for name in names], seconds, samples)

    assert of("bounded", "undecided", "native", "leak") == "leak"
    assert of("bounded", "undecided", "native") == "native"
    assert of("bounded", "undecided") == "undecided"
    assert verdict.of_process([site("warm-up", 10.0)], NOW, 100) == "warm-up"
    assert of("bounded", "warm-up") == "clean"  # it has stopped growing
    assert of("bounded") == of() == "clean"
    assert of("bounded", seconds=1.0) == of(samples=0) == "undecided"
