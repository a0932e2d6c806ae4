"""The command line, run as a process: output, errors and exit status."""

import contextlib
import functools
import importlib.metadata
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest

import fuzzydict
from fuzzydict import FuzzyDict
from fuzzydict.__main__ import main, parse

TOML = (
    '[server]\nmax_connections = 100\nlog_level = "info"\n\n[cache]\nsize = "64 MB"\nempty = {}\n'
)
CSV = "name,capital,people\nGermany,Berlin,84\nCzechia,Prague,11\n"


def run(*arguments, stdin="", folder=None, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "fuzzydict", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1", **environment},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "settings.toml").write_text(TOML)
    (tmp_path / "countries.csv").write_text(CSV)
    (tmp_path / "orders.csv").write_text("country,n\nGermny,3\nCzech Republic,4\nFrance,1\n")
    (tmp_path / "car.json").write_text(json.dumps({"größe": [1, 2], "top speed": 250}))
    return tmp_path


def test_queries_are_looked_up_in_nested_tables(folder):
    pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    status, out, err = run("lookup", folder / "settings.toml", "maxConnections", "logging level")
    assert status == 0
    assert out.splitlines()[0].startswith("maxConnections: server.max_connections = 100 (")
    assert out.splitlines()[1].startswith("logging level: server.log_level = info (")
    assert err == ""


def test_a_query_without_a_match_sets_the_status(folder):
    status, out, err = run("lookup", folder / "car.json", "velocity", "parliament")
    assert status == 1
    assert out.startswith("velocity: top speed = 250 (")
    assert err.startswith("parliament: no match (closest: ")
    assert run("lookup", folder / "car.json", "groesse", "--cutoff", "1")[0] == 1


def test_queries_come_from_the_input_and_answers_as_json(folder):
    status, out, _ = run("lookup", folder / "car.json", "--json", "-n", 2, stdin="Größe\r\nzzz\n")
    found = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    assert found[0]["query"] == "Größe"
    assert found[0]["matches"][0]["key"] == "größe"
    assert found[0]["matches"][0]["value"] == [1, 2]
    assert found[1] == {"query": "zzz", "matches": []}


def test_a_csv_file_has_keys_and_values_in_columns(folder):
    path = folder / "countries.csv"
    assert json.loads(run("lookup", path, "germny", "--json")[1])["matches"][0]["value"] == {
        "capital": "Berlin",
        "people": "84",
    }
    assert "= Berlin (" in run("lookup", path, "germny", "--value", "capital")[1]
    assert "= Germany (" in run("lookup", path, "berlin", "--key", "capital", "--value", "name")[1]


def test_yaml_and_saved_dictionaries_are_read(folder):
    pytest.importorskip("yaml")
    (folder / "a.yaml").write_text("server:\n  port: 80\n")
    assert run("lookup", folder / "a.yaml", "server port")[1].startswith("server port: server.port")
    FuzzyDict(color="red").save(folder / "car.fuzzydict")
    assert run("lookup", folder / "car.fuzzydict", "colour")[1].startswith("colour: color = red")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.json", None, "missing.json: No such file"),
        ("a.json", b"{", "a.json: Expecting property name"),
        ("a.csv", b"k,v\n\xe9,1\n", "a.csv: is not UTF-8: byte 0xe9"),
        ("a.json", b'{"a": 1, "a": 2}', "a.json: duplicate key 'a'"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    status, out, err = run("lookup", name, "query", folder=tmp_path)
    assert (status, out) == (2, "")
    assert err.startswith(f"fuzzydict lookup: {message}")
    assert err.count("\n") == 1


def test_invalid_use_is_one_line(folder):
    assert (
        "countries.csv: has no column 'x'; it has name, capital, people"
        in run("lookup", folder / "countries.csv", "a", "--key", "x")[2]
    )
    assert "need columns" in run("lookup", folder / "car.json", "a", "--key", "x")[2]
    for wrong in ("-n 0", "-n x", "-n -1", "--cutoff 2", "--cutoff x", "--cutoff nan", "--what"):
        status, out, err = run("lookup", folder / "car.json", "a", *wrong.split())
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("fuzzydict")
        assert wrong.split()[-1] in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["lookup"],
            "fuzzydict lookup: the following arguments are required: FILE (see fuzzydict lo",
        ),
        (["explain", "a.json"], "fuzzydict explain: the following arguments are required: QUERY"),
        (["explain", "a.json", "a", "b"], "fuzzydict explain: unexpected argument 'b'"),
        (
            ["look"],
            "fuzzydict: unknown command 'look', did you mean 'lookup' (look up queries in a",
        ),
        (["jion", "a.csv"], "fuzzydict: unknown command 'jion', did you mean 'join' (join two"),
        (
            ["zzz"],
            "fuzzydict: unknown command 'zzz', expected lookup, explain, join, dedupe, play,"
            " models, train (see",
        ),
        (["-"], "fuzzydict: unknown command '-'"),
        (["--"], "fuzzydict: unknown command '--'"),
        (["--vresion"], "fuzzydict: unknown option '--vresion', did you mean '--version'? (see"),
        (
            ["lookup", "a.json", "--cutofff=1", "a"],
            "unknown option '--cutofff', did you mean '--cutoff'?",
        ),
        (["lookup", "a.json", "--zzz"], "unknown option '--zzz', expected -h, --help, --key, "),
        (["join", "a.csv", "b.csv", "--how", "cross"], "argument --how: invalid choice: 'cross'"),
        (["train", "browm"], "fuzzydict train: argument model: invalid choice: 'browm'"),
    ],
)
def test_invalid_arguments_are_one_line_with_a_suggestion(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_without_arguments_the_help_is_shown():
    status, out, err = run()
    assert (status, out) == (2, "")
    assert err == run("--help")[1]


def test_the_version_is_that_of_the_package():
    version = importlib.metadata.version("fuzzydict-attention")
    assert run("--version") == (0, f"fuzzydict {version}\n", "")
    assert fuzzydict.__version__ == version


@pytest.mark.parametrize(
    "arguments",
    [
        "lookup FILE a b -n 3 --key name --json",
        "lookup FILE --key name -n 3 --json a b",
        "lookup --key name FILE -n 3 a --json b",
        "lookup -n3 --json --key=name FILE a b",
        "lookup FILE a -n 3 b --key name --json",
        "lookup --json FILE --key name -n 3 -- a b",
    ],
)
def test_options_and_queries_come_in_any_order(arguments):
    found = parse(arguments.split())
    assert (found.file, list(found.queries), found.n, found.key) == ("FILE", ["a", "b"], 3, "name")
    assert found.json


def test_other_commands_take_their_options_anywhere():
    for arguments in ("FILE q -n 2 --key k", "-n 2 FILE --key k q", "--key k FILE -n 2 q"):
        found = parse(["explain", *arguments.split()])
        assert (found.file, found.query, found.n, found.key) == ("FILE", "q", 2, "k")
    for arguments in ("a b --on x -o c", "--on x a -o c b", "a --on x -o c b", "-o c a b --on x"):
        found = parse(["join", *arguments.split()])
        assert list(map(str, (found.left, found.right, found.output))) == ["a", "b", "c"]
        assert found.on == "x"
    for arguments in ("brown -o a --seed 2", "-o a brown --seed 2", "-o a --seed 2 brown"):
        found = parse(["train", *arguments.split()])
        assert (found.model, str(found.output), found.seed) == ("brown", "a", 2)
    assert parse(["train", "--text", "a.txt"]).model is None


def test_a_query_may_begin_with_a_dash():
    assert list(parse(["lookup", "FILE", "--json", "--", "-q", "--key"]).queries) == ["-q", "--key"]
    assert list(parse(["lookup", "FILE", "-5", "--json"]).queries) == ["-5"]


def help_of(*arguments):
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.suppress(SystemExit):
        main([*arguments, "--help"])
    return output.getvalue()


COMMANDS = ["lookup", "explain", "join", "dedupe", "play", "models", "train"]
EXAMPLES = [
    line.strip()
    for text in [help_of(), *map(help_of, COMMANDS)]
    for line in text.split("examples:\n")[1].split("\n\n")[0].splitlines()
]


def test_help_has_examples_of_each_command():
    for command in COMMANDS:
        assert any(f"fuzzydict {command}" in example for example in EXAMPLES)


@pytest.mark.parametrize("example", [line for line in EXAMPLES if "fuzzydict train" not in line])
def test_each_example_of_the_help_runs(example, folder, monkeypatch, capsys):
    if "settings.toml" in example:
        pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    if "yaml" in example:
        pytest.importorskip("yaml")
    if "join" in example or "dedupe" in example:
        pytest.importorskip("pandas")
    (folder / "queries.tsv").write_text("colour\t1\nvelocity\t2\n")
    (folder / "tools.json").write_text('{"color": "red", "top speed": 250}')
    (folder / "settings.toml").write_text(TOML + 'timeout = "5 s"\n')
    (folder / "countries.csv").write_text(
        "name,country,capital,people\nCzechia,Czechia,Prague,11\n"
    )
    (folder / "deployment.yaml").write_text(
        "spec:\n  containers:\n    - {name: web, image: nginx, ports: [{containerPort: 80}]}\n"
    )
    (folder / "rates.csv").write_text("name,tax\nGermany,19\n")
    (folder / "companies.csv").write_text("name\nAcme Corp.\nACME Corporation\n")
    (folder / "people.tsv").write_text("name\tbirthday\nAna Diaz\t1\nAna Díaz\t1\n")
    (folder / "a.csv").write_text("city,year,n\nPrague,2020,1\n")
    if "parquet" in example:
        pytest.importorskip("pyarrow")
        import pandas

        table = pandas.DataFrame({"town": ["Prague"], "year": ["2020"], "m": [2]})
        table.to_parquet(folder / "b.parquet")
    FuzzyDict(Germany=19).save(folder / "countries.fuzzydict")
    *pipe, command = example.split(" | ")
    if pipe:
        text = subprocess.run(
            pipe[0], shell=True, cwd=folder, capture_output=True, text=True
        ).stdout
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    monkeypatch.chdir(folder)
    monkeypatch.setattr("webbrowser.open", lambda url: None)
    monkeypatch.setattr("fuzzydict.play.server.Server.serve_forever", lambda server: None)
    name, *arguments = shlex.split(command)
    assert name == "fuzzydict"
    assert main(arguments) == 0, capsys.readouterr().err


@pytest.mark.parametrize("example", [line for line in EXAMPLES if "fuzzydict train" in line])
def test_each_example_of_training_can_be_parsed(example):
    command = example.split("  ")[0]  # without its comment
    assert parse(shlex.split(command)[1:]).command == "train"


def test_a_table_of_one_column_has_keys_only(folder):
    (folder / "names.csv").write_text("name\ncolor\n\nprice\n")
    assert run("lookup", folder / "names.csv", "colour")[1].startswith("colour: color (")
    assert run("lookup", folder / "names.csv", "colour", "--value", "name")[1].startswith(
        "colour: color = color ("
    )


def test_values_that_json_does_not_support_are_written_as_text(folder):
    pytest.importorskip("yaml")
    (folder / "a.yml").write_text("days: [2020-01-01, !!binary YQ==]\nday: 2020-01-01\n")
    found = run("lookup", folder / "a.yml", "days", "day", "--json")[1].splitlines()
    assert json.loads(found[0])["matches"][0]["value"] == ["2020-01-01", "b'a'"]
    assert json.loads(found[1])["matches"][0]["value"] == "2020-01-01"


def test_values_of_any_kind_are_one_line(folder):
    (folder / "a.json").write_text(
        json.dumps({"poem": "one\ntwo", "screen": "\x1b[2J", "half": "\ud800", "none": None})
    )
    status, out, _ = run("lookup", folder / "a.json", "poem", "screen", "half", "none")
    assert status == 0
    assert out.splitlines() == [
        'poem: poem = "one\\ntwo" (1.00)',
        'screen: screen = "\\u001b[2J" (1.00)',
        'half: half = "\\ud800" (1.00)',
        "none: none (1.00)",
    ]
    out = run("lookup", folder / "a.json", "half", "--json")[1]
    assert json.loads(out)["matches"][0]["value"] == "\ud800"
    FuzzyDict({"place": np.arange(3)}).save(folder / "a.fuzzydict")
    assert run("lookup", folder / "a.fuzzydict", "place")[1] == (
        "place: place = [0, 1, 2] (1.00)\n"
    )


def test_characters_outside_the_encoding_are_escaped(folder):
    options = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    assert run("lookup", folder / "car.json", "grosse", **options)[1].startswith(
        "grosse: gr\\xf6\\xdfe = [1, 2] ("
    )


def test_input_that_is_not_utf_8_is_one_line(folder):
    done = subprocess.run(
        [sys.executable, "-m", "fuzzydict", "lookup", folder / "car.json"],
        input=b"velocity\n\xff\n",
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        b"fuzzydict lookup: the input is not UTF-8: byte 0xff at 9",
    ]


def test_elements_are_looked_up_by_name_and_by_index(folder):
    content = {"parameters": [{"name": "limit", "in": "query"}, {"name": "petId", "in": "path"}]}
    (folder / "api.json").write_text(json.dumps(content))
    path = folder / "api.json"
    status, out, _ = run("lookup", path, "parameters.1.in", "parameters.pet_id.in")
    assert status == 0
    assert out.splitlines()[0] == "parameters.1.in: parameters.petId.in = path (1.00)"
    assert out.splitlines()[1].startswith("parameters.pet_id.in: parameters.petId.in = path")
    assert "it is a key" in run("explain", path, "parameters.1.in")[1]


def test_a_lookup_is_explained(folder):
    path = folder / "countries.csv"
    status, out, err = run("explain", path, "germny", "--value", "capital", "-n", 1)
    assert (status, err) == (0, "")
    assert out == f"{FuzzyDict(Germany='Berlin', Czechia='Prague').explain('germny', 1)}\n"
    assert run("explain", path, "parliament")[0] == 1
    assert run("explain", path)[0] == 2


def test_tables_are_joined(folder):
    arguments = ("--left-on", "country", "--right-on", "name")
    status, out, _ = run("join", folder / "orders.csv", folder / "countries.csv", *arguments)
    assert status == 0
    rows = sorted(line.split(",")[:4] for line in out.splitlines())
    assert rows == [
        ["Czech Republic", "4", "Czechia", "Prague"],
        ["France", "1", "", ""],
        ["Germny", "3", "Germany", "Berlin"],
        ["country", "n", "name", "capital"],
    ]
    run("join", "orders.csv", "countries.csv", *arguments, "--how", "inner", "--cutoff", "0.5",
        "-o", "joined.csv", folder=folder)  # fmt: skip
    assert len((folder / "joined.csv").read_text().splitlines()) == 3


def test_empty_cells_match_nothing_and_other_cells_are_unchanged(folder):
    (folder / "a.csv").write_text("\ufeffkey,n\ncolour,007\n,1\nNA,1.50\n", "utf-8")
    (folder / "b.csv").write_text("key,m\ncolor,1e3\n,2\nNA,\n")
    status, out, _ = run(
        "join", folder / "a.csv", folder / "b.csv", "--on", "key", "--how", "outer"
    )
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "key,n,key_right,m,score"
    assert lines[1].startswith("colour,007,color,1e3,0.")
    assert lines[2:] == [",1,,,", "NA,1.50,NA,,1.0", ",,,2,"]


def test_files_that_have_a_score_are_joined(folder):
    pytest.importorskip("pandas")
    (folder / "a.csv").write_text("name,name_right,score\ncolour,x,1\n")
    (folder / "b.csv").write_text("name,score,score_2\ncolor,2,3\n")
    status, out, err = run("join", "a.csv", "b.csv", "--on", "name", folder=folder)
    assert (status, err) == (0, "")
    header, row = out.splitlines()
    assert header == ("name,name_right,score,name_right_right,score_right,score_2,score_3")
    assert row.startswith("colour,x,1,color,2,3,0.9")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_tables_of_each_format_are_joined_and_written(folder, suffix):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")

    def write(name, table):
        path = folder / (name + suffix)
        {
            ".csv": lambda: table.to_csv(path, index=False),
            ".tsv": lambda: table.to_csv(path, index=False, sep="\t"),
            ".jsonl": lambda: table.to_json(path, orient="records", lines=True),
            ".parquet": lambda: table.to_parquet(path),
        }[suffix]()
        return path

    left = write("left", pandas.DataFrame({"x": ["colour", "price"], "year": ["1", "2"]}))
    right = write("right", pandas.DataFrame({"x": ["color", "prices"], "year": ["1", "3"]}))
    output = folder / ("out" + suffix)
    arguments = ("join", left, right, "--on", "x", "--exact", "year", "-o", output)
    assert run(*arguments, "--report")[0] == 0
    read = {
        ".csv": pandas.read_csv,
        ".tsv": lambda path: pandas.read_csv(path, sep="\t"),
        ".jsonl": lambda path: pandas.read_json(path, lines=True),
        ".parquet": pandas.read_parquet,
    }
    found = read[suffix](output)
    assert found["x_right"].isna().tolist() == [False, True]
    assert run("dedupe", left, "--on", "x", "-o", output)[0] == 0
    assert read[suffix](output)["group"].tolist() == [0, 1]


def test_a_saved_dictionary_is_joined(folder):
    pytest.importorskip("pandas")
    d = FuzzyDict(Germany={"capital": "Berlin"}, Czechia={"capital": "Prague"})
    d.save(folder / "countries.fuzzydict")
    arguments = ("join", "orders.csv", "countries.fuzzydict", "--on", "country")
    status, out, err = run(*arguments, "--report", folder=folder)
    assert (status, out.splitlines()[0]) == (0, "country,n,country_right,capital,score")
    assert out.splitlines()[1].startswith("Germny,3,Germany,Berlin,")
    assert err.startswith("estimated match rate 0.")
    assert run(*arguments, "--exact", "n", folder=folder)[0] == 2
    status, out, err = run(*arguments, "--model", "brown", folder=folder)
    assert (status, out.splitlines()[1].split(",")[2]) == (0, "Germany")
    assert "with 'brown' its keys are embedded again" in err


def test_numbers_are_joined_with_text(folder):
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame({"x": [1, 2]}).to_json(folder / "a.jsonl", orient="records", lines=True)
    (folder / "b.csv").write_text("x,y\n1,a\n")
    status, out, _ = run("join", "a.jsonl", "b.csv", "--on", "x", folder=folder)
    assert (status, out.splitlines()[1:]) == (0, ["1,1,a,1.0", "2,,,"])


def test_a_table_is_deduplicated(folder):
    pytest.importorskip("pandas")
    (folder / "a.csv").write_text('name\nAcme Corporation\nGlobex\nACME Corp.\n""\n')
    status, out, err = run("dedupe", "a.csv", "--on", "name", folder=folder)
    assert (status, err) == (0, "")
    lines = [line.split(",") for line in out.splitlines()]
    assert lines[0] == ["name", "group", "representative", "score"]
    assert [line[1] for line in lines[1:]] == ["0", "1", "0"] + ["2"] * (len(lines) - 4)
    status, _, err = run("dedupe", "a.txt", "--on", "name", folder=folder)
    assert (status, err) == (
        2, "fuzzydict dedupe: a.txt: expected a file named .csv, .tsv, .jsonl, .parquet\n",
    )  # fmt: skip


def test_a_join_without_pandas_names_what_to_install(folder):
    program = (
        "import sys; sys.modules['pandas'] = None\n"
        "from fuzzydict.__main__ import main\n"
        "sys.exit(main(['join', 'orders.csv', 'countries.csv', '--on', 'name']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr == (
        "fuzzydict join: needs pandas: pip install 'fuzzydict-attention[pandas]'\n"
    )


def test_formats_without_their_readers_name_what_to_install(folder):
    (folder / "a.yaml").write_text("a: 1")
    (folder / "a.parquet").write_text("")
    for name, missing in (
        ("a.yaml", ["yaml"]),
        ("settings.toml", ["tomllib", "tomli"]),
        ("a.parquet", ["pyarrow"]),
    ):
        program = (
            f"import sys; sys.modules.update(dict.fromkeys({missing}))\n"
            "from fuzzydict.__main__ import main\n"
            f"sys.exit(main(['lookup', '{name}', 'a']))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert "pip install" in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("orders.csv", "countries.csv", "--on", "x"), "no column 'x'"),
        (("missing.csv", "countries.csv", "--on", "x"), "missing.csv: No such file"),
        (("empty.csv", "countries.csv", "--on", "x"), "empty.csv: No columns"),
        (("latin.csv", "countries.csv", "--on", "x"), "latin.csv: is not UTF-8"),
        (("ragged.csv", "countries.csv", "--on", "x"), "ragged.csv: Error tokenizing data"),
        (
            ("countries.csv", "countries.csv", "--on", "nam"),
            "no column 'nam', expected one of 'name'",
        ),
        (("long.csv", "countries.csv", "--on", "x"), "long.csv: rows have more cells than"),
        (("countries.csv", "countries.csv"), "pass --on NAME, or both --left-on NAME and --right"),
        (("countries.csv", "countries.csv", "--left-on", "name"), "pass --on NAME, or both"),
        (("countries.csv", "countries.csv", "--on", "a", "--right-on", "b"), "pass --on NAME, or"),
        (
            ("countries.csv", "countries.csv", "--on", "name", "-o", "no/where.csv"),
            "no/where.csv: Cannot save file into a non-existent directory",
        ),
    ],
)
def test_a_failed_join_is_one_line(folder, arguments, message):
    (folder / "empty.csv").write_text("")
    (folder / "latin.csv").write_bytes(b"x\n\xe9\n")
    (folder / "ragged.csv").write_text("x,y\n1,2\n1,2,3\n")
    (folder / "long.csv").write_text("x,y\n1,2,3\n")
    status, out, err = run("join", *arguments, folder=folder)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_closed_pipe_is_not_an_error(folder):
    with subprocess.Popen(
        [sys.executable, "-m", "fuzzydict", "lookup", str(folder / "car.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        with suppress(BrokenPipeError):  # it may exit before reading all input
            process.stdin.write(b"velocity\n" * 10_000)
            process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="needs signals")
def test_an_interrupt_ends_it_without_a_traceback(folder):
    with subprocess.Popen(
        [sys.executable, "-m", "fuzzydict", "lookup", str(folder / "car.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Background processes of a shell ignore interrupts.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        process.stdin.write(b"velocity\n" * 3000)
        process.stdin.flush()
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        _, errors = process.communicate(timeout=60)
        assert b"Traceback" not in errors
        assert process.returncode == 130


def test_only_terminals_get_colours(folder):
    pty = pytest.importorskip("pty")

    def shown(**environment):
        main, other = pty.openpty()
        subprocess.run(
            [sys.executable, "-m", "fuzzydict", "lookup", str(folder / "car.json"), "velocity"],
            stdout=other,
            check=True,
            env={**os.environ, **environment},
        )
        os.close(other)
        text = os.read(main, 1000).decode()
        os.close(main)
        return text

    assert "\x1b[1mtop speed\x1b[0m" in shown(NO_COLOR="")
    assert "\x1b" not in shown(NO_COLOR="1")
    assert "\x1b" not in run("lookup", folder / "car.json", "velocity")[1]


def test_a_person_is_invited_to_type_queries(folder):
    pty = pytest.importorskip("pty")
    main, other = pty.openpty()
    os.write(main, b"velocity\n\x04")
    done = subprocess.run(
        [sys.executable, "-m", "fuzzydict", "lookup", str(folder / "car.json")],
        stdin=other,
        capture_output=True,
        text=True,
    )
    os.close(main)
    os.close(other)
    assert done.stdout.startswith("velocity: top speed = 250 (")
    assert done.stderr == "reading queries, one per line, until the end of the input\n"


def test_a_missing_reader_is_named(folder, monkeypatch, capsys):
    for name, missing, needed in (
        ("settings.toml", ("tomllib", "tomli"), "TOML needs"),
        ("a.yaml", ("yaml",), "YAML needs PyYAML"),
    ):
        (folder / "a.yaml").write_text("a: 1")
        for module in missing:
            monkeypatch.setitem(sys.modules, module, None)
        assert main(["lookup", str(folder / name), "query"]) == 2
        assert needed in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pandas", None)
    paths = (str(folder / "orders.csv"), str(folder / "countries.csv"))
    assert main(["join", *paths, "--left-on", "country", "--right-on", "name"]) == 2
    assert "needs pandas" in capsys.readouterr().err
