"""Copies, pickles and files of subclasses are as complete as those of a subclass of dict."""

import copy
import datetime
import enum
import pickle
import pickletools

import numpy as np
import pytest
from conftest import count_letters

from fuzzydict import FuzzyDict
from fuzzydict.ranking.guards import opposites
from fuzzydict.storage.arrays import FileFormatError, read_arrays, write_arrays

COPIES = {
    "copy": lambda d: d.copy(),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "|": lambda d: d | {},
    **{
        f"pickle {protocol}": lambda d, protocol=protocol: pickle.loads(pickle.dumps(d, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}
every_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)


class Slotted(FuzzyDict):
    __slots__ = ("__hidden", "more", "unset")

    def hide(self, value):
        self.__hidden = value
        return self

    def hidden(self):
        return self.__hidden


class SlottedOnce(Slotted):
    __slots__ = "last"


class Both(SlottedOnce):
    """Has slots and, because it declares none itself, attributes."""


class Catalogue(FuzzyDict):
    def __init__(self, title, /, **items):
        super().__init__(items, cutoff=0.9)
        self.title = title


class Stateful(FuzzyDict):
    """Has its own hooks, as a subclass of dict may have."""

    def __getstate__(self):
        return ["state", self.title]

    def __setstate__(self, state):
        assert state[0] == "state"
        self.title = state[1]


class Cooperative(FuzzyDict):
    def __setstate__(self, state):
        super().__setstate__(state)
        self.restored = True


class Named(FuzzyDict):
    def __new__(cls, name, *items, **more):
        self = super().__new__(cls)
        self.name = name
        return self

    def __init__(self, name, *items, **more):
        super().__init__(*items, **more)

    def __getnewargs__(self):
        return (self.name,)


class NamedByKeyword(FuzzyDict):
    def __new__(cls, *items, name):
        self = super().__new__(cls)
        self.name = name
        return self

    def __init__(self, *items, name):
        super().__init__(*items)

    def __getnewargs_ex__(self):
        return (), {"name": self.name}


class Upper(FuzzyDict):
    """Reads itself while it is written to."""

    def __setitem__(self, key, value):
        assert "parliament" not in self
        super().__setitem__(key.upper(), value)


@every_copy
def test_slots_are_copied(copied):
    d = Slotted({"color": 1}, cutoff=0.5).hide(5)
    d.more = [7]
    again = copied(d)
    assert type(again) is Slotted
    assert (again.more, again.hidden(), again.cutoff) == ([7], 5, 0.5)
    assert not hasattr(again, "unset")
    assert again == d
    assert again["colour"] == 1


@every_copy
def test_slots_and_attributes_are_copied(copied):
    d = Both({"color": 1}).hide(5)
    d.more, d.last, d.title = 7, 8, "cars"
    again = copied(d)
    assert (again.more, again.last, again.hidden(), again.title) == (7, 8, 5, "cars")
    again.title = "boats"
    assert d.title == "cars"


@every_copy
@pytest.mark.parametrize("kind", [Named, NamedByKeyword])
def test_arguments_of_new_are_passed(copied, kind):
    again = copied(kind({"color": 1}, name="cars") if kind is NamedByKeyword else
                   kind("cars", {"color": 1}))  # fmt: skip
    assert (type(again), again.name, again) == (kind, "cars", {"color": 1})


@every_copy
def test_an_init_of_another_signature_is_not_called(copied):
    again = copied(Catalogue("cars", color=1))
    assert (again.title, again.cutoff, again) == ("cars", 0.9, {"color": 1})


@every_copy
def test_hooks_of_a_subclass_see_its_state_and_options_are_copied_anyway(copied):
    d = Stateful({"color": 1, "shoe": 2}, cutoff=0.25, embedder=count_letters, index="exact")
    d.title = "cars"
    d.learn("zzz", "shoe")
    again = copied(d)
    assert (again.title, again.cutoff, again["zzz"]) == ("cars", 0.25, 2)
    assert again.index == "exact"


@every_copy
def test_a_hook_may_call_the_inherited_one(copied):
    d = Cooperative({"color": 1}, cutoff=0.25)
    d.title = "cars"
    again = copied(d)
    assert (again.title, again.restored, again.cutoff) == ("cars", True, 0.25)


@every_copy
def test_a_dictionary_that_is_read_while_it_is_unpickled_gets_its_options(copied):
    d = Upper(embedder=count_letters, cutoff=0.5)
    d["color"] = 1
    again = copied(d)
    assert (dict(again), again.cutoff) == ({"COLOR": 1}, 0.5)
    assert again["colors"] == 1
    assert repr(again.embedder) == "<embedder count_letters>"
    again._check()


def test_a_deep_copy_shares_the_embedder_and_copies_slots():
    embedder = FuzzyDict(embedder=count_letters).embedder
    d = Slotted({"color": [1]}, embedder=embedder)
    d.more = d["color"]
    again = copy.deepcopy(d)
    assert again.more is again["color"]
    assert again.more is not d.more
    assert again.embedder is embedder


def names_in(data):
    """Return the modules and names that a pickle of protocol 2 refers to."""
    return {argument for opcode, argument, _ in pickletools.genops(data) if opcode.name == "GLOBAL"}


@pytest.mark.usefixtures("short_fits")
def test_pickles_refer_to_public_names_alone():
    d = FuzzyDict(falcon=1, otter=2, maple=3)
    pairs = [(f"{word} my invoice", "falcon") for word in ("pay", "print", "send", "see", "find")]
    pairs += [(f"{word} the crash", "otter") for word in ("pay", "print", "send", "see", "find")]
    assert d.fit(pairs).fitted
    d.learn("bird", "falcon")
    ours = {name for name in names_in(pickle.dumps(d, 2)) if not name.startswith("numpy")}
    assert ours == {"fuzzydict FuzzyDict", "_codecs encode"}
    d = FuzzyDict({"color": 1}, embedder=Letters(), guards=[opposites])
    assert {name for name in names_in(pickle.dumps(d, 2)) if name.startswith("fuzzydict")} == {
        "fuzzydict FuzzyDict",
        "fuzzydict.model.embedders as_embedder",
        "fuzzydict.ranking.guards opposites",
    }


def test_a_pickled_embedder_has_the_same_name_and_is_one_object():
    d = FuzzyDict({"color": 1}, embedder=Letters())
    one, two = pickle.loads(pickle.dumps([d, d.copy()]))
    assert repr(one.embedder) == repr(d.embedder) == "<embedder letters>"
    assert one.embedder is two.embedder
    assert one.get("colour") == d.get("colour")


class Letters:
    name = "letters"

    def encode(self, texts):
        return count_letters(texts)


def test_init_a_second_time_takes_the_new_options_and_adds_items():
    d = FuzzyDict({"color": 10}, embedder=count_letters, cutoff=0.5)
    assert d["colors"] == 10
    d.learn("zzz", "color")
    d.__init__({"price": 1}, embedder="brown")
    assert d == {"color": 10, "price": 1}
    assert repr(d.embedder).startswith("<WordEmbedder 'brown'")
    assert d.corrections == {}
    assert d["colour"] == 10
    d._check()


# Files.


@pytest.fixture
def path(tmp_path):
    return tmp_path / "d.fuzzydict"


def test_attributes_and_slots_are_saved(path):
    d = Both({"color": 1}).hide({"a": [1, None]})
    d.more, d.title = np.arange(3), "cars"
    d.save(path)
    again = Both.load(path)
    assert (type(again), again, again.title) == (Both, {"color": 1}, "cars")
    assert again.hidden() == {"a": [1, None]}
    np.testing.assert_array_equal(again.more, [0, 1, 2])
    assert not hasattr(again, "last")


def test_values_go_through_encode_and_attributes_do_not(path):
    d = Catalogue("cars", start=datetime.date(2020, 1, 1))
    d.save(path, encode=datetime.date.isoformat)
    again = Catalogue.load(path, decode=datetime.date.fromisoformat)
    assert (again.title, again) == ("cars", d)


@pytest.mark.parametrize("value", [datetime.date(2020, 1, 1), (1, 2), {1: 2}, b"x", {1}, print])
def test_an_attribute_that_cannot_be_saved_is_named(path, value):
    d = Catalogue(value, color=1)
    with pytest.raises(TypeError, match="the attribute 'title' cannot be saved"):
        d.save(path)
    d = Slotted(color=1)
    d.more = value
    with pytest.raises(TypeError, match="the attribute 'more' cannot be saved"):
        d.save(path)
    assert not path.exists()


def test_an_attribute_that_could_not_be_loaded_is_not_saved(path):
    d = Catalogue("cars")
    d.__dict__["get"] = 5
    with pytest.raises(TypeError, match="the attribute 'get' cannot be saved"):
        d.save(path)


def test_a_class_without_a_place_for_an_attribute_is_refused(path):
    Catalogue("cars", color=1).save(path)
    for kind in (FuzzyDict, Slotted):
        with pytest.raises(FileFormatError, match=r"no attribute .title.; load it with the class"):
            kind.load(path)


@pytest.mark.parametrize("name", ["_lock", "get", "__class__", "_guards", "__dict__"])
def test_no_file_replaces_an_attribute_of_the_class(path, name):
    Catalogue("cars", color=1).save(path)
    arrays, metadata = read_arrays(path, checked=True)
    about = arrays["about"].tobytes().replace(b'"title"', b'"%s"' % name.encode())
    metadata.pop("crc32")
    changed = arrays | {"about": np.frombuffer(about, np.uint8)}
    write_arrays(path, changed, metadata, checked=True)
    with pytest.raises(FileFormatError, match="load it with the class"):
        Catalogue.load(path)


class Color(str, enum.Enum):
    RED = "red"


@pytest.mark.parametrize("key", [Color.RED, np.str_("red"), np.int64(1), (Color.RED,)])
def test_a_key_of_a_subclass_is_refused_by_name(path, key):
    with pytest.raises(TypeError, match=r"the key .* cannot be saved"):
        FuzzyDict({key: 1}).save(path)


@pytest.mark.parametrize(
    "value", [(1, 2), {"a": (1,)}, {1: 2}, FuzzyDict(a=1), b"x", {1, 2}, Color.RED, [Color.RED]]
)
def test_a_value_that_would_come_back_as_another_is_refused_by_name(path, value):
    with pytest.raises(TypeError, match="the value of 'k' cannot be saved"):
        FuzzyDict({"k": value}).save(path)
    assert not path.exists()
