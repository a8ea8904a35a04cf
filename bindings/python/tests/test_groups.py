"""That tests of a group run one after the other. pytest-xdist says so in a test's id, which pytest 9.2 does not let it change: it
then puts nothing into groups and says nothing."""

import pytest


@pytest.mark.xdist_group("of this test")
def test_a_group_is_in_the_ids_of_its_tests(request):
    is_alone = not hasattr(request.config, "workerinput")
    assert is_alone or request.node.nodeid.endswith("@of this test")
