from kimera_leakguard_native.analysis.dependencies import Dependencies


def checked(dependencies, file, *others):
    dependencies.begin(file)
    for other in others:
        dependencies.use(other)
    return dependencies.end()


def test_a_file_that_looks_at_nothing_rests_on_itself_alone():
    assert checked(Dependencies(), "a") == ()


def test_what_is_looked_at_is_needed_sorted_and_without_the_file_itself():
    assert checked(Dependencies(), "a", "c", "a", "b", "c") == ("b", "c")


def test_callers_of_one_file_do_not_rest_on_each_other():
    dependencies = Dependencies()
    assert checked(dependencies, "a", "hub") == ("hub",)
    assert checked(dependencies, "b", "hub") == ("hub",)


def test_what_was_learned_about_a_callee_comes_with_it():
    dependencies = Dependencies()
    checked(dependencies, "a", "callee", "its-callee")
    # The answer about the callee is there already, so that nobody looks at its callee again.
    assert checked(dependencies, "b", "callee") == ("callee", "its-callee")
    assert checked(dependencies, "callee") == ("its-callee",)


def test_a_file_that_was_checked_brings_what_it_looked_at():
    dependencies = Dependencies()
    assert checked(dependencies, "callee", "its-callee") == ("its-callee",)
    assert checked(dependencies, "a", "callee") == ("callee", "its-callee")


def test_groups_that_meet_become_one():
    dependencies = Dependencies()
    checked(dependencies, "a", "one", "two")
    checked(dependencies, "b", "three", "four")
    assert checked(dependencies, "c", "one", "four") == ("four", "one", "three", "two")
    assert checked(dependencies, "d", "two") == ("four", "one", "three", "two")


def test_resting_on_everything_holds_for_one_check():
    dependencies = Dependencies()
    dependencies.begin("a")
    dependencies.use_everything()
    assert dependencies.end() is None
    assert checked(dependencies, "b") == ()


def test_what_was_seen_first_counts():
    dependencies = Dependencies()
    dependencies.saw("a", b"1")
    first = dependencies.seen["a"]
    dependencies.saw("a", b"2")
    assert dependencies.seen["a"] == first


def test_a_look_aside_is_remembered_for_those_who_come_later():
    dependencies = Dependencies()
    dependencies.begin("a")
    dependencies.use("b")
    with dependencies.aside("callee"):
        dependencies.use("its-callee")
    assert dependencies.end() == ("b",)
    assert checked(dependencies, "c", "callee") == ("callee", "its-callee")
