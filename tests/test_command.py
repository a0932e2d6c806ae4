"""The command, run as a process: what it prints, and how it fails."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from fuzzydict import FuzzyDict
from fuzzydict.__main__ import main

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
    status, out, err = run("look", folder / "settings.toml", "maxConnections", "logging level")
    assert status == 0
    assert out.splitlines()[0].startswith("maxConnections: server.max_connections = 100 (")
    assert out.splitlines()[1].startswith("logging level: server.log_level = info (")
    assert err == ""


def test_what_fits_nothing_is_told_apart_and_in_the_status(folder):
    status, out, err = run("look", folder / "car.json", "velocity", "parliament")
    assert status == 1
    assert out.startswith("velocity: top speed = 250 (")
    assert err.startswith("parliament: nothing fits (closest: ")
    assert run("look", folder / "car.json", "groesse", "--cutoff", "1")[0] == 1


def test_queries_come_from_the_input_and_answers_as_json(folder):
    status, out, _ = run("look", folder / "car.json", "--json", "-n", 2, stdin="Größe\r\nzzz\n")
    found = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    assert found[0]["query"] == "Größe"
    assert found[0]["matches"][0]["key"] == "größe"
    assert found[0]["matches"][0]["value"] == [1, 2]
    assert found[1] == {"query": "zzz", "matches": []}


def test_a_csv_file_has_keys_and_values_in_columns(folder):
    path = folder / "countries.csv"
    assert json.loads(run("look", path, "germny", "--json")[1])["matches"][0]["value"] == {
        "capital": "Berlin",
        "people": "84",
    }
    assert "= Berlin (" in run("look", path, "germny", "--value", "capital")[1]
    assert "= Germany (" in run("look", path, "berlin", "--key", "capital", "--value", "name")[1]


def test_yaml_and_saved_dictionaries_are_read(folder):
    pytest.importorskip("yaml")
    (folder / "a.yaml").write_text("server:\n  port: 80\n")
    assert run("look", folder / "a.yaml", "server port")[1].startswith("server port: server.port")
    FuzzyDict(color="red").save(folder / "car.fuzzydict")
    assert run("look", folder / "car.fuzzydict", "colour")[1].startswith("colour: color = red")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.json", None, "No such file"),
        ("a.json", "{", "Expecting property name"),
        ("a.json", "[1]", "holds no table of keys but a list"),
        ("a.json", '{"a": 1, "a": 2}', "the key 'a' comes twice"),
        ("a.json", "[" * 100_000, "recursion"),
        ("a.json", b"\xff\xfe{}", "codec can't decode"),
        ("a.toml", "a = ", "Invalid value"),
        ("a.yaml", "a: [", "while parsing"),
        ("a.csv", "", "is empty"),
        ("a.csv", "k,v\na,1\na,2\n", "line 3 has the key 'a' again"),
        ("a.fuzzydict", "nonsense", "not a safetensors file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, name, content, message):
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
    status, out, err = run("look", tmp_path / name, "query")
    assert (status, out) == (2, "")
    assert message in err
    assert err.startswith("fuzzydict look: ")
    assert err.count("\n") == 1


def test_bad_use_is_told(folder):
    assert (
        "no column 'x' among name, capital, people"
        in run("look", folder / "countries.csv", "a", "--key", "x")[2]
    )
    assert "only a CSV file" in run("look", folder / "car.json", "a", "--key", "x")[2]
    for wrong in (("-n", "0"), ("-n", "x"), ("--cutoff", "2")):
        assert run("look", folder / "car.json", "a", *wrong)[0] == 2
    assert run()[0] == 2


def test_a_lookup_is_explained(folder):
    status, out, _ = run("explain", folder / "car.json", "velocity")
    assert status == 0
    assert out.startswith("'velocity' finds 'top speed': its score of")
    assert run("explain", folder / "car.json", "parliament", "-n", 1)[0] == 1


def test_help_has_examples():
    for command in ("look", "explain", "join"):
        status, out, _ = run(command, "--help")
        assert status == 0
        assert f"fuzzydict {command} " in out.split("examples:")[1]


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("orders.csv", "countries.csv", "--on", "x"), "no column 'x'"),
        (("missing.csv", "countries.csv", "--on", "x"), "missing.csv: No such file"),
        (("empty.csv", "countries.csv", "--on", "x"), "empty.csv: No columns"),
    ],
)
def test_tables_that_cannot_be_joined_are_one_line(folder, arguments, message):
    (folder / "empty.csv").write_text("")
    status, out, err = run("join", *arguments, folder=folder)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_reader_that_is_gone_is_no_error(folder):
    with subprocess.Popen(
        [sys.executable, "-m", "fuzzydict", "look", str(folder / "car.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        with suppress(BrokenPipeError):  # where it ends before it has read all
            process.stdin.write(b"velocity\n" * 10_000)
            process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="needs signals")
def test_an_interrupt_ends_it_without_a_traceback(folder):
    with subprocess.Popen(
        [sys.executable, "-m", "fuzzydict", "look", str(folder / "car.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdin.write(b"velocity\n" * 3000)
        process.stdin.flush()
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.stdin.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait() == 130


def test_colours_are_for_terminals_alone(folder):
    pty = pytest.importorskip("pty")

    def shown(**environment):
        main, other = pty.openpty()
        subprocess.run(
            [sys.executable, "-m", "fuzzydict", "look", str(folder / "car.json"), "velocity"],
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
    assert "\x1b" not in run("look", folder / "car.json", "velocity")[1]


def test_what_a_file_needs_and_is_not_installed_is_told(folder, monkeypatch, capsys):
    for name, missing, needed in (
        ("settings.toml", ("tomllib", "tomli"), "TOML needs"),
        ("a.yaml", ("yaml",), "YAML needs PyYAML"),
    ):
        (folder / "a.yaml").write_text("a: 1")
        for module in missing:
            monkeypatch.setitem(sys.modules, module, None)
        assert main(["look", str(folder / name), "query"]) == 2
        assert needed in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pandas", None)
    paths = (str(folder / "orders.csv"), str(folder / "countries.csv"))
    assert main(["join", *paths, "--left-on", "country", "--right-on", "name"]) == 2
    assert "needs pandas" in capsys.readouterr().err
