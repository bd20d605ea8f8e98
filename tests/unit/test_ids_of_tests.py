"""No test is lost to another one of the same id: pytest-xdist would run one of the two, and report success."""

import pytest

from tests.conftest import pytest_xdist_node_collection_finished


def test_two_tests_of_one_id_end_the_run_and_are_named():
    with pytest.raises(pytest.exit.Exception, match=r"several tests have one id.*: b\.py::test\[1\]$") as refused:
        pytest_xdist_node_collection_finished(["a.py::test", "b.py::test[1]", "b.py::test[1]"])

    assert refused.value.returncode == 1
    pytest_xdist_node_collection_finished(["a.py::test", "b.py::test[1]", "b.py::test[2]"])
