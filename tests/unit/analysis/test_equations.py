from kimera_leakguard_native.analysis.equations import MAX_DEPTH, Equations


def reaching(edges, ends):
    """Give a solver of "may reach an end", asked through the graph itself."""
    equations = Equations()

    def reaches(node):
        def compute():
            return node in ends or any(reaches(other) for other in edges.get(node, ()))

        return equations.solve(node, compute, unknown=False)

    return reaches


def test_a_chain_deeper_than_the_stack_is_answered():
    length = MAX_DEPTH * 5
    reaches = reaching({number: [number + 1] for number in range(length)}, {length})
    assert reaches(0)
    assert reaches(length - 1)


def test_every_member_of_a_cycle_gets_the_same_answer_whoever_is_asked_first():
    edges = {"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": ["d"]}
    for first in "abc":
        reaches = reaching(edges, {"d"})
        assert [reaches(first), *(reaches(node) for node in "abc")] == [True] * 4
        without = reaching(edges, set())
        assert [without(first), *(without(node) for node in "abcd")] == [False] * 5


def test_what_is_assumed_at_first_is_taken_back():
    equations = Equations()

    def leaves(node, edges, returns):
        def compute():
            return node not in returns and all(
                leaves(other, edges, returns) for other in edges[node]
            )

        return equations.solve(node, compute, unknown=True, given_up=False)

    edges = {"a": ["b"], "b": ["a", "c"], "c": [], "x": ["y"], "y": ["x"]}
    assert not leaves("a", edges, {"c"})
    assert not leaves("b", edges, {"c"})
    assert leaves("x", edges, {"c"})


def test_an_answer_that_never_settles_is_unknown():
    equations = Equations()

    def flips():
        return equations.solve("it", lambda: not flips(), unknown=None)

    assert flips() is None


def test_each_question_is_worked_out_once():
    equations, count = Equations(), []
    for _ in range(3):
        assert equations.solve("it", lambda: count.append(1) or 7, unknown=0) == 7
    assert len(count) == 1
