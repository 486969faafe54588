from hypothesis import given
from hypothesis import strategies as st

from kimera_leakguard_native.runtime import life_table
from kimera_leakguard_native.runtime.life_table import MAX_WINDOWS, Life, LifeTable

lives = st.lists(
    st.tuples(st.floats(0, 5000), st.floats(0, 5000), st.integers(1, 1000), st.integers(1, 3)),
    max_size=60,
)


@given(lives)
def test_every_death_is_counted_within_a_window_of_its_times(entries):
    table = LifeTable(1024.0)
    added = [Life(birth, birth + age, size, node, 2048.0) for birth, age, size, node in entries]
    table.add(added)
    deaths = [(node, one) for node in table.nodes() for one in table.deaths(node, 1024.0)]
    assert sum(one.count for _, one in deaths) == len(added)
    assert sum(one.size for _, one in deaths) == sum(life.size for life in added)
    for life in added:
        assert any(
            node == life.node
            and abs(one.birth - life.birth) <= table.width
            and abs(one.death - life.death) <= table.width
            for node, one in deaths
        )


def test_memory_is_bounded_however_long_the_run():
    table = LifeTable(1024.0)
    for tick in range(100_000):
        table.add([Life(tick * 0.9, float(tick), 10, 1, 4096.0)])
    cells = list(table.deaths(1, 1024.0))
    assert len(cells) <= MAX_WINDOWS**2
    assert sum(one.count for one in cells) == 100_000


def test_many_stacks_together_are_bounded_and_nothing_is_lost(monkeypatch):
    monkeypatch.setattr(life_table, "MAX_CELLS", 2000)
    table = LifeTable(1024.0)
    for tick in range(1, 20_000):
        birth = tick * (0.2 + 0.7 * (tick * 7919 % 1000) / 1000)
        table.add([Life(birth, float(tick), 10, tick % 10, 4096.0)])
        if tick % 1000 == 0:
            cells = [one for node in table.nodes() for one in table.deaths(node, 1024.0)]
            assert len(cells) <= 2000
            assert sum(one.count for one in cells) == tick
            assert tick / table.width >= 8
    table.thin(1e9)
    assert list(table.nodes()) == []
    table.add([Life(1.0, 2.0, 10, 1, 1e12)])  # the count of what is kept is right after that
    assert len(list(table.deaths(1, 1024.0))) == 1


def test_a_wider_mean_sees_only_what_reaches_it():
    table = LifeTable(3000.0)
    table.add([Life(0.0, 10.0, 1, 1, reach) for reach in (3000.0, 5999.0, 6000.0, 50_000.0)])
    assert sum(one.count for one in table.deaths(1, 3000.0)) == 4
    assert sum(one.count for one in table.deaths(1, 6000.0)) == 2
    table.thin(12_000.0)
    assert sum(one.count for one in table.deaths(1, 3000.0)) == 1
    table.thin(3000.0 * 2**20)
    assert list(table.nodes()) == []


def test_live_objects_are_not_deaths():
    table = LifeTable(1024.0)
    table.add([Life(0.0, None, 1, 1, 2048.0)])
    assert list(table.nodes()) == []
