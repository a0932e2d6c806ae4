"""The server of the interactive page: what it answers, and whom it refuses."""

import http.client
import io
import json
import math
import socket
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from fuzzydict import FuzzyDict
from fuzzydict.__main__ import main
from fuzzydict.play import command
from fuzzydict.play.lines import as_lines, parse_lines
from fuzzydict.play.playground import EXAMPLE, Playground, UnknownKeysError
from fuzzydict.play.server import Server

GUARDS = ["numbers_differ", "opposites"]


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def server():
    with serving(Server(Playground())) as server:
        yield server


def ask(server, method, path, body=None, **headers):
    """Return the status, the headers and the body of an answer."""
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=20)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None and "Content-Type" not in names:
        names["Content-Type"] = "application/json"
    connection.request(method, path, body, names)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def post(server, path, **data):
    status, _, content = ask(server, "POST", path, json.dumps(data))
    return status, json.loads(content)


def request(playground, query, **changes):
    standard = {"temperature": 1.0, "cutoff": 0.7, "guards": GUARDS, "null_key": True}
    return {"id": playground.start({})["id"], "query": query, **standard, **changes}


# Lines of keys.


@pytest.mark.parametrize(
    "items",
    [
        {"a": None, "b c": 1, "d": "text", "e": "5", "f": "", "g": "null", "h": " x ", "i": '"'},
        {"a=b": 1, "": 2, " padded ": 3, '"quoted"': 4, "line\nbreak": "two\nlines"},
        {"größe": [1, {"a": "é"}], "tab\t": True, "n": -1.5, "x": "a = b"},
        {"nan": "NaN", "list": "[1", "infinite": "Infinity"},
    ],
)
def test_items_survive_as_lines(items):
    assert parse_lines(as_lines(items.items())) == items


def test_values_without_json_are_lines_too():
    assert as_lines([("a", np.arange(2)), ("b", {1}), (3, 4)]) == 'a = [0, 1]\nb = "{1}"'
    assert parse_lines("deep = " + "[" * 100_000)["deep"].startswith("[[")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n\n= 1", "line 3: there is no key before ="),
        ("a = 1\na = 2", "line 2: duplicate key 'a'"),
        ('"a', "line 1: the key in quotes is damaged"),
        ('"a" b', "line 1: expected = after the key in quotes"),
    ],
)
def test_a_damaged_line_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        parse_lines(text)


# Answers.


def test_the_weights_are_those_of_attend_and_follow_from_the_logits():
    playground, d = Playground(), FuzzyDict(EXAMPLE)
    for temperature in (0.05, 1.0, 4.0):
        answer = playground.answer(request(playground, "performance", temperature=temperature))
        d.cutoff = 0.7
        expected = d.attend("performance", temperature=temperature, null_key=True)
        weights = {row["key"]: row["weight"] for row in answer["rows"] if row["weight"]}
        assert weights == expected.weights
        assert answer["no_match"] == expected.no_match
        logits = [*(row["logit"] for row in answer["rows"]), answer["null_logit"]]
        powers = [math.exp((logit - max(logits)) / temperature) for logit in logits]
        shown = [*(row["weight"] for row in answer["rows"]), answer["no_match"]]
        assert shown == pytest.approx([power / sum(powers) for power in powers], abs=1e-5)


def test_the_arrays_are_those_of_the_lookup():
    playground = Playground(FuzzyDict({"top speed": [1, 2], "color": [3, 4]}))
    answer = playground.answer(request(playground, "velocity"))
    arrays = {array["name"]: array for array in answer["arrays"]}
    assert {name: array["shape"] for name, array in arrays.items()} == {
        "Q": [1, 104], "K": [2, 104], "V": [2, 2], "weights · V": [1, 2],
    }  # fmt: skip
    assert arrays["K"]["labels"] == ["top speed", "color"]
    cosine = np.dot(arrays["Q"]["numbers"][0], arrays["K"]["numbers"][0])
    shown = FuzzyDict({"top speed": 1, "color": 2}).explain("velocity").candidates[0].cosine
    assert cosine == pytest.approx(shown, abs=0.01)
    output = np.array([row["weight"] for row in answer["rows"]]) @ arrays["V"]["numbers"]
    assert arrays["weights · V"]["numbers"][0] == pytest.approx(output, abs=1e-3)


def test_a_cutoff_decides_the_hard_lookup_and_the_null_key_at_low_temperature():
    playground = Playground()
    low = playground.answer(request(playground, "colours", cutoff=0.5, temperature=0.01))
    high = playground.answer(request(playground, "colours", cutoff=0.99, temperature=0.01))
    assert (low["answer"], high["answer"]) == (["'color'", "0.1"], None)
    assert low["no_match"] < 0.01 < 0.99 < high["no_match"]
    off = playground.answer(request(playground, "velocity", cutoff=1.0))
    assert (off["rows"], off["no_match"], off["arrays"]) == ([], 1.0, [])


def test_masked_keys_have_no_weight_and_guards_can_be_switched_off():
    playground = Playground()
    masked = playground.answer(request(playground, "velocity", hidden=["top speed", 5]))
    assert "top speed" not in [row["key"] for row in masked["rows"]]
    guarded = playground.answer(request(playground, "seat 4"))["rows"]
    assert {"logit": None, "weight": 0.0, "guards": ["numbers_differ"], "key": "seat 1"} in guarded
    free = playground.answer(request(playground, "seat 4", guards=[]))["rows"]
    assert free[0]["key"].startswith("seat")
    assert free[0]["weight"] > 0.3


def test_an_exact_key_wins_at_any_cutoff():
    playground = Playground()
    answer = playground.answer(request(playground, "price", cutoff=0.99, temperature=0.01))
    assert answer["answer"] == ["'price'", "0.4"]
    assert answer["no_match"] < 0.01


@pytest.mark.parametrize(
    ("values", "blend", "shapes"),
    [
        (["red", "blue"], "the value nearest to Σ weight · vector is 'red'", [[2, 104], [1, 104]]),
        ([{"a": 1}, "x"], "values that are neither all numbers nor all texts", []),
        ([math.nan, 1], "Σ weight · value = nan", []),
    ],
)
def test_values_are_blended_if_they_can_be(values, blend, shapes):
    playground = Playground(FuzzyDict(zip(["color", "price"], values, strict=True)))
    answer = playground.answer(request(playground, "colour"))
    assert answer["blend"].startswith(blend)
    assert [array["shape"] for array in answer["arrays"][2:]] == shapes


def test_edited_keys_keep_what_a_dictionary_learned():
    d = FuzzyDict({"check-balance": 1, "transfer": 2})
    d.learn("how rich am I", "check-balance")
    playground = Playground(d)
    text = "check-balance = 1\ntransfer = 2\nclose account"
    edited = playground.keys({"text": text})["id"]
    answer = playground.answer(request(playground, "how rich am I", id=edited))
    assert answer["answer"] == ["'check-balance'", "1"]
    assert playground.keys({"text": as_lines(d.items())})["id"] == playground.start({})["id"]


def test_the_oldest_keys_are_dropped_and_an_unknown_id_is_reported():
    playground = Playground()
    first = playground.keys({"text": "a"})["id"]
    for number in range(8):
        playground.keys({"text": f"key {number}"})
    with pytest.raises(UnknownKeysError):
        playground.answer(request(playground, "a", id=first))


def test_a_sentence_attends_to_itself():
    playground = Playground()
    result = playground.sentence({"text": "the bank of the river", "temperature": 1.0})
    assert result["words"] == ["the", "bank", "of", "the", "river"]
    assert [sum(row) for row in result["weights"]] == pytest.approx([1] * 5, abs=1e-3)
    with pytest.raises(ValueError, match="at most 40 words fit here, got 41"):
        playground.sentence({"text": "a " * 41, "temperature": 1.0})


# The server.


def test_the_page_needs_nothing_from_elsewhere(server):
    status, headers, content = ask(server, "GET", "/")
    page = content.decode()
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "http://" not in page
    assert "https://" not in page
    assert headers["Server"].strip() == "fuzzydict"


def test_requests_are_answered_on_one_connection(server):
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=20)
    for path, data in (("/start", {}), ("/sentence", {"text": "a b", "temperature": 1})):
        connection.request("POST", path, json.dumps(data), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
    connection.close()


def test_a_file_is_opened_by_its_name(server):
    status, result = post(server, "/file", name="a.json", text='{"a": {"b": 1}, "c": "x"}')
    assert (status, result["text"]) == (200, "a.b = 1\nc = x")
    status, result = post(
        server, "/answer", id=result["id"], query="C", temperature=1, cutoff=0.7, guards=[]
    )
    assert result["answer"] == ["'c'", "'x'"]
    assert post(server, "/file", name="a.json", text="{")[0] == 400
    assert "expected a file named" in post(server, "/file", name="a.exe", text="{")[1]["error"]


@pytest.mark.parametrize(
    "host", ["example.org", "example.org:80", "127.0.0.1.example.org", "", "["]
)
def test_other_hosts_are_refused(server, host):
    for method, path, body in (("GET", "/", None), ("POST", "/start", "{}")):
        assert ask(server, method, path, body, Host=host)[0] == 403
    assert ask(server, "GET", "/", Host="localhost:1")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/etc/passwd", None, {}, 404),
        ("GET", "/page.html", None, {}, 404),
        ("GET", "/start", None, {}, 404),
        ("POST", "/", "{}", {}, 404),
        ("POST", "/start", "{}", {"Origin": "http://example.org"}, 403),
        ("POST", "/start", "{}", {"Origin": "null"}, 403),
        ("POST", "/start", "{}", {"Content-Type": "text/plain"}, 415),
        ("POST", "/start", "{}", {"Content-Length": "x"}, 411),
        ("POST", "/start", "{}", {"Content-Length": str(1 << 30)}, 413),
        ("POST", "/start", "{", {}, 400),
        ("POST", "/start", "[]", {}, 400),
        ("POST", "/keys", "[" * 100_000, {}, 400),
        ("POST", "/keys", '{"text": 5}', {}, 400),
        ("POST", "/answer", '{"id": "?", "query": "a", "temperature": 1, "cutoff": 0}', {}, 410),
        ("POST", "/answer", '{"id": "?", "query": "a", "temperature": 0, "cutoff": 0}', {}, 400),
        ("DELETE", "/", None, {}, 501),
    ],
)
def test_everything_else_is_refused(server, method, path, body, headers, status):
    found, _, content = ask(server, method, path, body, **headers)
    assert found == status
    assert found == 501 or json.loads(content)["error"]


def test_closed_connections_are_no_errors_but_defects_are_shown(capsys, monkeypatch):
    playground = Playground()
    with serving(Server(playground)) as server:
        with socket.create_connection(server.server_address[:2]) as raw:
            raw.sendall(b"POST /start HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        for error, is_shown in ((ConnectionResetError, False), (ZeroDivisionError, True)):

            def fail(request, error=error):
                raise error

            server.answers["/start"] = fail
            with pytest.raises(http.client.RemoteDisconnected):
                post(server, "/start")
            assert ask(server, "GET", "/")[0] == 200
            assert ("Traceback" in capsys.readouterr().err) is is_shown


# The command.


class Ended(Server):
    """A server that Ctrl+C ends at once."""

    def serve_forever(self, poll_interval=0.5):
        raise KeyboardInterrupt


def test_the_command_serves_a_file_until_it_is_interrupted(tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(command, "Server", Ended)
    monkeypatch.setattr(command.webbrowser, "open", opened.append)
    (tmp_path / "a.csv").write_text("n,v\nx,1\n")
    assert main(["play", str(tmp_path / "a.csv"), "--port", "0", "--key", "v"]) == 0
    assert capsys.readouterr().out.startswith("The page is at http://127.0.0.1:")
    assert len(opened) == 1
    assert main(["play", "--no-browser"]) == 0
    assert len(opened) == 1


def test_a_port_in_use_is_an_error_or_another_one_is_taken(server, monkeypatch, capsys):
    port = server.server_address[1]
    assert main(["play", "--no-browser", "--port", str(port)]) == 2
    assert capsys.readouterr().err == f"fuzzydict play: port {port}: Address already in use\n"
    monkeypatch.setattr(command, "_PORT", port)
    monkeypatch.setattr(
        command, "Server", lambda *args: io.StringIO() if not args[1:] else Server(*args)
    )
    with command._server(Playground(), None) as other:
        assert isinstance(other, io.StringIO)


def test_an_invalid_file_is_one_line(tmp_path, capsys):
    (tmp_path / "a.json").write_text("{")
    for name, message in (("a.json", "Expecting property name"), ("b.json", "No such file")):
        assert main(["play", str(tmp_path / name)]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


@pytest.mark.parametrize("port", ["x", "65536", "-1"])
def test_an_invalid_port_is_one_line(port, capsys):
    with pytest.raises(SystemExit):
        main(["play", f"--port={port}"])
    assert f"expected a port from 0 to 65535, got '{port}'" in capsys.readouterr().err
