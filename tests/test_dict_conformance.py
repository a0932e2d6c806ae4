"""With ``cutoff=1.0`` a `FuzzyDict` is a dict: it passes the interpreter's own tests of dict.

`test.mapping_tests` takes the type to test. `test.test_dict` tests `dict` by name and by display,
so that its source is rewritten: every display and comprehension ``{…}`` is wrapped in the class,
and every ``dict`` becomes the class.
"""

import ast
import gc
import inspect
import textwrap
import unittest

import pytest

from fuzzydict import FuzzyDict

mapping_tests = pytest.importorskip(
    "test.mapping_tests", reason="this interpreter ships without its own tests"
)
test_dict = pytest.importorskip(
    "test.test_dict", reason="this interpreter ships without its own tests"
)

LEFT_OUT = {
    "test_missing": (
        "begins by asserting that dict has no __missing__, by which this class answers; what it "
        "asserts of other classes is tested below"
    ),
    "test_track_literals": "which displays the collector leaves untracked; no subclass ever is",
    "test_track_dynamic": "which dicts the collector leaves untracked; no subclass ever is",
}


@pytest.fixture(autouse=True, scope="module")
def _short_collections():
    """Let the garbage collector skip what other tests have loaded."""
    gc.freeze()
    yield
    gc.unfreeze()


class Exact(FuzzyDict):
    """A `FuzzyDict` that is exact without being told so each time."""

    __slots__ = ()

    def __init__(self, /, *args, **items):
        super().__init__(*args, cutoff=1.0, **items)


class OfTheClass(ast.NodeTransformer):
    """Rewrite source that makes dicts into source that makes dictionaries of the class."""

    def wrapped(self, node):
        self.generic_visit(node)
        made = ast.Call(ast.Name("Exact", ast.Load()), [node], [])
        return ast.copy_location(made, node)

    visit_Dict = visit_DictComp = wrapped  # noqa: N815

    def visit_Name(self, node):
        return ast.copy_location(ast.Name("Exact", node.ctx), node) if node.id == "dict" else node


def rewritten(case):
    """Return the test case with the class in the place of dict, without the tests left out."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(case)))
    (definition,) = tree.body
    definition.body = [
        node for node in definition.body if getattr(node, "name", None) not in LEFT_OUT
    ]
    source = ast.fix_missing_locations(OfTheClass().visit(tree))
    namespace = {**vars(test_dict), "Exact": Exact, "__name__": __name__}
    exec(compile(source, test_dict.__file__, "exec"), namespace)
    return namespace[case.__name__]


TestDict = rewritten(test_dict.DictTest)


class TestBasicMappingProtocol(mapping_tests.BasicTestMappingProtocol):
    type2test = Exact


class TestMappingProtocol(mapping_tests.TestMappingProtocol):
    type2test = Exact


class TestHashMappingProtocol(mapping_tests.TestHashMappingProtocol):
    type2test = Exact


def test_every_test_that_is_left_out_is_one_and_says_why():
    assert all(hasattr(test_dict.DictTest, name) for name in LEFT_OUT)
    assert all(reason.strip() for reason in LEFT_OUT.values())
    assert not any(hasattr(TestDict, name) for name in LEFT_OUT)


def test_missing_is_asked_of_the_class_and_not_of_the_instance():
    """What `test_missing` asserts of classes that define ``__missing__``."""

    class Answering(Exact):
        __slots__ = ()

        def __missing__(self, key):
            return 42

    class Silent(Exact):
        def __init__(self):
            super().__init__()
            self.__missing__ = lambda key: None

    d = Answering({1: 2, 3: 4})
    assert d[1] == 2
    assert d[3] == 4
    assert 2 not in d
    assert 2 not in d.keys()  # noqa: SIM118
    assert d[2] == 42
    silent = Silent()
    with pytest.raises(KeyError) as caught:
        silent[42]
    assert caught.value.args == (42,)


def test_the_tests_that_are_run_make_dictionaries_of_the_class():
    class Case(unittest.TestCase):
        def runTest(self):  # noqa: N802
            self.made = [{}, {1: 2}, dict(a=1), {key: key for key in "ab"}]  # noqa: C408

    case = rewritten(Case)()
    case.runTest()
    assert [type(made) for made in case.made] == [Exact] * 4
