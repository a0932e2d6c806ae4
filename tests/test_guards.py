"""What never matches, however near it is, and what a guard must let be."""

import pytest

from fuzzydict import FuzzyDict
from fuzzydict.ranking.guards import (
    DEFAULT,
    letters_differ,
    names_differ,
    negations_differ,
    numbers_differ,
    opposites,
    order_differs,
    units_differ,
)
from fuzzydict.text.tokens import words


def both_ways(guard, one, other):
    """Return what the guard says of two texts, which must not depend on their order."""
    said = guard(words(one), words(other))
    assert guard(words(other), words(one)) is said
    return said


NUMBERS_THAT_DIFFER = [
    ("#00ff00", "#ff0000"),
    ("Super Bowl XLII", "Super Bowl XLIV"),
    ("1/2 cup", "1/4 cup"),
    ("12:30 AM", "12:30 PM"),
    ("$10", "€10"),
    ("Q1", "Q2"),
    ("sha1", "sha256"),
    ("revenue 2023", "revenue 2024"),
    ("python3.10", "python3.11"),
    ("room 101", "room 102"),
    ("Q1 revenue", "q2_revenue"),
    ("version 1.2", "version 2.1"),
    ("first quarter", "2nd quarter"),
    ("1,000", "10,000"),
    ("mp3", "mp4"),
    ("level 1", "level 10"),
    ("insulin 4 ml", "insulin 0.4 ml"),
    ("screw 33 mm", "screw 3.3 mm"),
    ("pipe 34", "pipe 3/4"),
    ("change -5", "change +5"),
    ("tax 0.07", "tax 0.7"),
    ("node 3.1", "node 3.10"),
    ("flour 200 g", "flour 200 mg"),
    ("flour 1 kg", "flour 100 g"),
    ("wait 5 s", "wait 5 ms"),
    ("chapter V", "chapter IX"),
    ("Rocky III", "Rocky II"),
    ("Rocky III", "Rocky 2"),
    ("Rocky II", "Rocky"),
    ("Louis XIV", "Louis XV"),
    ("class II device", "class III device"),
    ("seventeenth century", "18th century"),
    ("part one", "part two"),
    ("CO2", "CO"),
    ("Zeta ZX-90 router 4 ports white", "Zeta ZX-90 router 8 ports white"),
]

NUMBERS_THAT_AGREE = [
    ("+44 20 7946 0018", "+442079460018"),
    ("1/2 inch", "0.5 inch"),
    ("Super Bowl XLII", "Super Bowl 42"),
    ("shirt XL", "shirt 5 XL"),
    ("9 pm", "21:00"),
    ("utf8", "utf-8"),
    ("Key 2", "key2"),
    ("Q1", "q_1"),
    ("room 007", "room 7"),
    ("1st place", "first place"),
    ("two factor", "2 factor"),
    ("24/7 support", "247 support"),
    ("revenue 2024", "revenue '24"),
    ("1,000 km", "1000 km"),
    ("０", "0"),
    ("dose .25 mg", "dose 0.250 mg"),
    ("rate 3", "rate 3.0"),
    ("flour 1 kg", "flour 1000 g"),
    ("disk 2 TB", "disk 2000GB"),
    ("wait 1.5 s", "wait 1500 milliseconds"),
    ("part III", "Part 3"),
    ("Elizabeth I", "Elizabeth 1"),
    ("nineteenth century", "19th century"),
    ("3.10 release", "3_10 release"),
    ("2019 Q4", "Q4 2019"),
    ("log 2019-12-14", "log 20191214"),
    ("Zeta ZX-90 router 4 ports white", "Zeta ZX-90 wireless router white"),
]

ONE_WITHOUT_NUMBERS = [
    ("I agree", "agree"),
    ("how old am I", "how old am I today"),
    ("mix civil", "civil mix"),
    ("room 7", "room"),
    ("color", "colour"),
    ("", "1"),
    ("address 1", "address"),
]

OPPOSITES = [
    ("turn on", "turn off"),
    ("up", "down"),
    ("scroll up", "scroll down"),
    ("min", "max"),
    ("minimum", "maximum"),
    ("min_price", "maxPrice"),
    ("in", "out"),
    ("zoom in", "zoom out"),
    ("enable", "disable"),
    ("enabled", "disabled"),
    ("enabling logs", "disable logs"),
    ("login", "logout"),
    ("log in", "log out"),
    ("login", "log out"),
    ("encrypt", "decrypt"),
    ("encrypted file", "decrypt file"),
    ("buy", "sell"),
    ("buying", "sells"),
    ("hot", "cold"),
    ("open", "closed"),
    ("start", "stop"),
    ("happy", "unhappy"),
    ("valid", "invalid"),
    ("possible", "impossible"),
    ("connect", "disconnect"),
    ("upload", "download"),
    ("inbound", "outbound"),
    ("import", "export"),
    ("increase", "decrease"),
    ("increasing", "decreased"),
    ("activate", "deactivate"),
    ("start date", "end date"),
    ("first name", "last name"),
    ("buy order", "order to sell"),
    ("dragstart", "dragend"),
    ("pointerenter", "pointerleave"),
    ("seedless", "seed"),
    ("nonsmoking", "smoking"),
]

NO_OPPOSITES = [
    ("on off", "off on"),
    ("turn off", "turn off"),
    ("color", "colour"),
    ("color", "price"),
    ("connection", "connections"),
    ("install", "installed"),
    ("input", "inputs"),
    ("income", "salary"),
    ("min max", "max min"),
    ("open or closed", "closed or open"),
    ("", ""),
    ("", "on"),
    ("dismiss", "dismissed"),
    ("understand", "understood"),
    ("not valid", "invalid"),
    ("never unpaid", "paid"),
]

NEGATIONS_THAT_DIFFER = [
    ("not paid", "paid"),
    ("no back pain", "back pain"),
    ("do_not_delete_file", "delete_file"),
    ("isn't visible", "is visible"),
    ("without milk", "with milk"),
    ("never married", "married"),
    ("lacks permission", "has permission"),
    ("excluding tax", "tax"),
    ("sugar-free", "sugar"),
    ("neither married nor single", "married"),
    ("consent not given", "consent given"),
    ("don't cancel my order", "cancel order"),
]

NEGATIONS_THAT_AGREE = [
    ("I odn't remember it", "I don't remember it"),
    ("wtihout milk", "without milk"),
    ("not paid", "never paid"),
    ("no milk", "without milk"),
    ("not without milk", "milk"),
    ("order no", "order number"),
    ("no. of seats", "number of seats"),
    ("no_rooms", "number of rooms"),
    ("No 5", "number 5"),
    ("fever, no cough", "fever"),
    ("not sick but tired", "tired"),
    ("the printer does not answer", "technical support"),
    ("free shipping", "shipping"),
    ("", "not"),
]

ORDERS_THAT_DIFFER = [
    ("pdf_to_text", "text_to_pdf"),
    ("pdf2text", "text2pdf"),
    ("pdf2text", "text_into_pdf"),
    ("train from Oslo to Bergen", "train from Bergen to Oslo"),
    ("does Ann owe Tom", "does Tom owe Ann"),
    ("wash before dry", "dry before wash"),
    ("cats versus dogs", "dogs vs cats"),
    ("compress then encrypt", "encrypt then compress"),
    ("owner of child", "child of owner"),
    ("Ann likes Tom", "Tom likes Ann"),
    ("debit bank, credit cash", "debit cash, credit bank"),
    ("buy 2 get 1", "buy 1 get 2"),
    ("USD/EUR", "EUR/USD"),
    ("usd->eur", "eur → usd"),
]

ORDERS_THAT_AGREE = [
    ("date of birth", "birth date"),
    ("pdf_to_text", "pdf2text"),
    ("red and blue", "blue and red"),
    ("flights to Oslo from Bergen", "flights from Bergen to Oslo"),
    ("max_input_size", "input_max_size"),
    ("large red shirt", "shirt red large"),
    ("max size of input", "max of size input"),
    ("red/blue", "blue/red"),
    ("USD EUR", "USD EUR"),
    ("debit bank, credit cash", "credit cash, debit bank"),
    ("to", "to"),
]

UNITS_THAT_DIFFER = [
    ("delay_us", "delay_ms"),
    ("cost_usd", "cost_eur"),
    ("size_kb", "size_mb"),
    ("temp_celsius", "temp_fahrenheit"),
    ("dose_ml", "dose_mg"),
    ("hourly rate per hour", "hourly rate per day"),
    ("microgram", "milligram"),
    ("hour rate", "day rate"),
]

UNITS_THAT_AGREE = [
    ("delay_ms", "delay milliseconds"),
    ("weight_kg", "weight"),
    ("weight kilograms", "weight_kg"),
    ("kilo-gram", "kilogram"),
    ("kmh", "kilometers per hour"),
    ("flour 1000 g", "flour 1 kg"),
    ("contact us", "contact"),
    ("beds used", "beds usd"),
]

LETTERS_THAT_DIFFER = [
    ("plan A", "plan B"),
    ("vitamin C", "vitamin D"),
    ("axis_x", "axis_y"),
    ("x axis", "y axis"),
    ("Series C funding", "Series D funding"),
    ("M. Brown", "K. Brown"),
    ("5A Oak Lane", "5 Oak Lane"),
    ("7a", "7"),
    ("C++", "C"),
    ("UTC+8", "UTC 8"),
]

NAMES_THAT_DIFFER = [
    ("Estonia", "Latvia"),
    ("Niger", "Nigeria"),
    ("Guinea-Bissau", "Guinea"),
    ("Munich", "Berlin"),
    ("methanol", "ethanol"),
    ("prednisone", "prednisolone"),
    ("sodium chlorite", "sodium chloride"),
    ("Oxford, UK", "Cambridge, UK"),
    ("Lithuanian", "Latvian"),
    ("West Virginia", "Virginia"),
]

NAMES_THAT_AGREE = [
    ("Burma", "Myanmar"),
    ("paracetamol", "acetaminophen"),
    ("New York", "New York City"),
    ("Bob Smith", "Robert Smith"),
    ("Estonia", "country"),
    ("Estonai", "Estonia"),
    ("XHTML", "HTML"),
    ("Pacific Ocean", "ocean"),
]

LETTERS_THAT_AGREE = [
    ("e-mail", "email"),
    ("A/B test", "B/A test"),
    ("a car", "I car"),
    ("plan B", "plan"),
    ("r & d", "d & r"),
    ("weight 5 g", "weight 5"),
    ("iPhone 14+", "iPhone 14 Plus"),
    ("price plus tax", "price and tax"),
]


@pytest.mark.parametrize(("one", "other"), NUMBERS_THAT_DIFFER)
def test_numbers_that_differ_never_match(one, other):
    assert both_ways(numbers_differ, one, other)


@pytest.mark.parametrize(("one", "other"), NUMBERS_THAT_AGREE)
def test_numbers_that_agree_may_match(one, other):
    assert not both_ways(numbers_differ, one, other)


@pytest.mark.parametrize(("one", "other"), ONE_WITHOUT_NUMBERS)
def test_a_number_that_is_not_named_forbids_nothing(one, other):
    assert not both_ways(numbers_differ, one, other)


DIFFERENT = {
    opposites: OPPOSITES,
    negations_differ: NEGATIONS_THAT_DIFFER,
    order_differs: ORDERS_THAT_DIFFER,
    units_differ: UNITS_THAT_DIFFER,
    letters_differ: LETTERS_THAT_DIFFER,
    names_differ: NAMES_THAT_DIFFER,
}
ALIKE = {
    opposites: NO_OPPOSITES,
    negations_differ: NEGATIONS_THAT_AGREE,
    order_differs: ORDERS_THAT_AGREE,
    units_differ: UNITS_THAT_AGREE,
    letters_differ: LETTERS_THAT_AGREE,
    names_differ: NAMES_THAT_AGREE,
}


@pytest.mark.parametrize(
    ("guard", "one", "other"),
    [(guard, *pair) for guard, pairs in DIFFERENT.items() for pair in pairs],
)
def test_what_differs_never_matches(guard, one, other):
    assert both_ways(guard, one, other)


@pytest.mark.parametrize(
    ("guard", "one", "other"), [(guard, *pair) for guard, pairs in ALIKE.items() for pair in pairs]
)
def test_what_does_not_differ_may_match(guard, one, other):
    assert not both_ways(guard, one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    NUMBERS_THAT_DIFFER + [pair for pairs in DIFFERENT.values() for pair in pairs],
)
def test_a_dictionary_never_answers_what_a_guard_forbids(one, other, letters):
    for query, key in ((one, other), (other, one)):
        d = FuzzyDict({key: 1}, cutoff=0.0, embedder=letters)
        assert query not in d
        assert d.matches(query) == []
        assert d[key] == 1


@pytest.mark.parametrize(("one", "other"), NUMBERS_THAT_AGREE[:3])
def test_a_dictionary_finds_a_number_that_is_written_otherwise(one, other):
    assert FuzzyDict({one: 1})[other] == 1
    assert FuzzyDict({other: 1})[one] == 1


def test_the_right_key_is_found_beside_its_opposite():
    switch = FuzzyDict({"turn on": 1, "turn off": 0, "sha1": 1, "sha256": 256})
    assert switch["Turn-Off"] == 0
    assert switch["turnOn"] == 1
    assert switch["SHA-256"] == 256
    assert switch["sha_1"] == 1


def test_the_default_guards_are_those_of_the_module():
    assert (numbers_differ, *DIFFERENT) == DEFAULT
    assert FuzzyDict({"turn on": 1}, guards=[numbers_differ]).matches("turn off", cutoff=0.0)


def test_hard_and_soft_lookup_obey_the_same_guards():
    d = FuzzyDict({"Q1 revenue": 10, "costs": 5})
    assert "Q1 revenue" not in d.attend("Q2 revenue").weights
    assert d.get("Q2 revenue") is None


def test_a_guard_that_fails_is_heard_of():
    def broken(query, key):
        raise ZeroDivisionError

    d = FuzzyDict(color=1, guards=[broken])
    assert d["color"] == 1
    with pytest.raises(ZeroDivisionError):
        d.get("colour")
