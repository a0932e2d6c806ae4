"""Tool calls are corrected by their schemas, or raise."""

import copy
import pickle

import pytest

import fuzzydict
from fuzzydict import NoMatchError
from fuzzydict.integrations.tool_calls import Call, CallError, Tools, resolve

TOOLS = [
    {
        "name": "get_weather",
        "description": "the weather of a city",
        "input_schema": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "enum": [1, 3, 7]},
            },
            "required": ["city"],
        },
    },
    {
        "type": "function",
        "function": {
            "name": "send_email",
            "parameters": {
                "type": "object",
                "properties": {
                    "recipient": {"type": "string"},
                    "subject": {"type": "string"},
                    "attachments": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"file_name": {}, "content": {}},
                        },
                    },
                    "options": {"type": "object", "properties": {"priority": {"const": "high"}}},
                },
            },
        },
    },
    {"name": "list_processes"},
]


def test_a_valid_call_is_unchanged():
    call = resolve("get_weather", {"city": "Oslo", "unit": "celsius", "days": 3}, TOOLS)
    assert call == Call("get_weather", {"city": "Oslo", "unit": "celsius", "days": 3}, ())
    assert resolve("list_processes", None, TOOLS) == ("list_processes", {}, ())


def test_names_arguments_and_values_are_corrected():
    call = resolve("getWeather", {"town": "Oslo", "Units": "Celcius"}, TOOLS)
    assert call.name == "get_weather"
    assert call.arguments == {"city": "Oslo", "unit": "celsius"}
    assert call.changes == (
        "getWeather → get_weather", "town → city", "Units → unit", "Celcius → celsius",
    )  # fmt: skip


def test_nested_objects_and_arrays_are_corrected():
    given = {
        "to": "a@b.org",
        "attachment": [{"fileName": "x", "contents": "y"}],
        "option": {"Priority": "High"},
    }
    before = copy.deepcopy(given)
    assert resolve("send_mail", given, TOOLS).arguments == {
        "recipient": "a@b.org",
        "attachments": [{"file_name": "x", "content": "y"}],
        "options": {"priority": "high"},
    }
    assert given == before


DANGEROUS = [
    "create_file delete_file", "enable_alarm disable_alarm", "read_file write_file",
    "open_door close_door", "start_server stop_server", "buy_stock sell_stock",
    "add_user remove_user", "lock_account unlock_account", "grant_access revoke_access",
    "upload_file download_file", "increase_volume decrease_volume",
    "approve_payment reject_payment", "encrypt_disk decrypt_disk", "mute_call unmute_call",
    "install_package uninstall_package", "connect_device disconnect_device",
    "subscribe_user unsubscribe_user", "send_money request_money", "get_config set_config",
    "push_changes pull_changes", "accept_invite decline_invite", "allow_traffic block_traffic",
    "mount_volume unmount_volume", "deposit_cash withdraw_cash", "hire_employee fire_employee",
    "turn_on_light turn_off_light", "backup_database drop_database", "copy_file move_file",
    "list_files delete_files", "deploy_service destroy_service", "freeze_card unfreeze_card",
    "archive_project delete_project", "show_secrets hide_secrets",
    "credit_account debit_account", "import_data export_data", "book_flight cancel_flight",
    "create_user delete_user", "save_draft discard_draft", "ban_member unban_member",
    "pause_job resume_job",
    "send_notification do_not_send_notification", "never_delete_user delete_user",
    "deploy_without_tests deploy_with_tests", "dontCancelOrder cancelOrder",
    "pdf_to_text text_to_pdf", "usd_to_eur eur_to_usd", "move_from_disk_to_cloud "
    "move_from_cloud_to_disk", "set_delay_ms set_delay_s", "set_temp_celsius set_temp_fahrenheit",
    "restart_server_1 restart_server_2", "run_phase_ii run_phase_iii", "open_valve_a open_valve_b",
    "on_touchstart on_touchend", "api_v2 api_v3",
]  # fmt: skip


@pytest.mark.parametrize("pair", DANGEROUS)
def test_a_tool_never_matches_its_opposite(pair):
    one, other = pair.split()
    for query, name in ((one, other), (other, one)):
        with pytest.raises(CallError, match="unknown tool"):
            resolve(query, {}, {name: {}})


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("make_coffee", {}, r"^make_coffee: unknown tool \(closest: "),
        ("get_weather", {}, "^get_weather.city: missing, expected string$"),
        (
            "get_weather",
            {"city": "a", "town": "b"},
            "^get_weather.city: given more than once, as 'city' and 'town'$",
        ),
        (
            "get_weather",
            {"city": "a", "colour": 2},
            "^get_weather.colour: unknown argument, expected 'city', 'unit' or 'days'$",
        ),
        ("get_weather", {"city": "a", 2: 3}, "get_weather: names of arguments must be strings"),
        (
            "get_weather",
            {"city": "a", "unit": "kelvin"},
            "get_weather.unit: expected 'celsius' or 'fahrenheit', got string 'kelvin'",
        ),
        ("get_weather", {"city": "a", "days": 2}, "days: expected 1, 3 or 7, got integer 2$"),
        ("get_weather", {"city": "a", "days": True}, "days: expected 1, 3 or 7, got boolean true$"),
        ("get_weather", {"city": "a", "unit": 5}, "unit: expected 'celsius' or 'fahrenheit', got"),
        ("get_weather", {"city": None}, "^get_weather.city: expected string, got null$"),
        ("get_weather", {"city": {1, 2}}, "city: expected string, got set"),
        ("get_weather", {"city": {(1,): 2}}, "city: expected string, got object {"),
        ("get_weather", ["city"], "get_weather: the arguments must be an object, got array"),
        ("list_processes", {"a": 1}, "^list_processes.a: unknown argument$"),
        (None, {}, "a call must be a name or a mapping, got null"),
    ],
)
def test_an_ambiguous_or_invalid_call_raises(name, arguments, message):
    with pytest.raises(CallError, match=message) as caught:
        resolve(name, arguments, TOOLS)
    assert isinstance(caught.value, NoMatchError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.query) == (str(caught.value), caught.value.query)
    assert again.problems == caught.value.problems


def test_a_cutoff_of_1_corrects_nothing():
    with pytest.raises(CallError, match=r"^getWeather: unknown tool$"):
        resolve("getWeather", {}, TOOLS, cutoff=1.0)


def test_additional_properties_are_kept():
    tools = {"run": {"type": "object", "properties": {"a": {}}, "additionalProperties": True}}
    assert resolve("run", {"a": 1, "zebra": 2}, tools).arguments == {"a": 1, "zebra": 2}
    with pytest.raises(CallError, match="must be strings"):
        resolve("run", {3: 1}, tools)
    anything = {"run": {"type": "object"}}
    assert resolve("run", {"zebra": {"a": 1}}, anything).arguments == {"zebra": {"a": 1}}


NESTED = {
    "move": {
        "$defs": {
            "point": {"type": "object", "properties": {"latitude": {}, "longitude": {}}},
            "tree": {
                "properties": {"value": {}, "children": {"items": {"$ref": "#/$defs/tree"}}},
            },
            "a/b~c": {"enum": ["fast"]},
        },
        "type": "object",
        "properties": {
            "target": {"$ref": "#/$defs/point"},
            "tree": {"$ref": "#/$defs/tree"},
            "speed": {"$ref": "#/$defs/a~1b~0c"},
            "again": {"$ref": "#"},
            "place": {"anyOf": [{"type": "null"}, {"type": "string", "enum": ["home", "office"]},
                                {"$ref": "#/$defs/point"}]},
            "unclear": {"oneOf": [{"properties": {"latitude": {}}},
                                  {"properties": {"latitudes": {}}}]},
            "number": {"type": ["integer", "null"]},
            "either": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
            "any": {"anyOf": [True, {"type": "null"}]},
            "all": {"allOf": [{"properties": {"width": {}}, "required": ["width"]},
                              {"properties": {"height": {}}}]},
            "true": True,
        },
    }
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"target": {"lattitude": 1}}, {"target": {"latitude": 1}}),
        (
            {"tree": {"Value": 1, "child": [{"values": 2}]}},
            {"tree": {"value": 1, "children": [{"value": 2}]}},
        ),
        ({"speed": "Fast"}, {"speed": "fast"}),
        ({"again": {"number": 1}}, {"again": {"number": 1}}),
        ({"place": None}, {"place": None}),
        ({"place": "offcie"}, {"place": "office"}),
        ({"place": {"longitud": 2}}, {"place": {"longitude": 2}}),
        ({"unclear": {"latitude": 1}}, {"unclear": {"latitude": 1}}),
        ({"number": None}, {"number": None}),
        ({"either": True}, {"either": True}),
        ({"any": "thing"}, {"any": "thing"}),
        ({"all": {"widht": 1, "hieght": 2}}, {"all": {"width": 1, "height": 2}}),
        ({"true": {"a": 1}}, {"true": {"a": 1}}),
    ],
)
def test_references_and_alternatives_are_resolved(given, expected):
    assert resolve("move", given, NESTED).arguments == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"place": 5}, "move.place: expected null or 'home' or 'office' or object, got integer 5"),
        ({"place": "moon"}, "move.place: expected 'home' or 'office', got string 'moon'"),
        ({"unclear": {"Latitud": 1}}, "move.unclear: ambiguous, object .* may mean object .* or "),
        ({"all": {"height": 2}}, "move.all.width: missing, expected any value"),
    ],
)
def test_ambiguous_alternatives_raise(given, message):
    with pytest.raises(CallError, match=message):
        resolve("move", given, NESTED)


def test_deeply_nested_arguments_raise():
    given = {"value": 1}
    for _ in range(100):
        given = {"children": [given]}
    with pytest.raises(CallError, match="nested deeper than 32 levels"):
        resolve("move", {"tree": given}, NESTED)


def test_calls_share_their_dictionaries():
    tools = Tools(TOOLS)
    assert repr(tools) == "Tools(get_weather, send_email, list_processes)"
    for _ in range(3):
        assert tools.resolve("getWeather", {"town": "Oslo"}).arguments == {"city": "Oslo"}
    assert len(tools._arguments._dictionaries) == 1


SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 3}},
    "required": ["city"],
}
DEFINITIONS = {
    "MCP": {"name": "get_weather", "title": "Weather", "inputSchema": SCHEMA, "annotations": {}},
    "Anthropic": {"name": "get_weather", "description": "it", "input_schema": SCHEMA},
    "OpenAI": {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}},
    "OpenAI Responses": {"type": "function", "name": "get_weather", "parameters": SCHEMA},
    "JSON Schema": {"title": "get_weather", **SCHEMA},
    "flat": {"name": "get_weather", **SCHEMA},
}


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS.keys())
def test_definitions_of_all_usual_interfaces_have_their_arguments(definition):
    tools = Tools([definition])
    expected = Call("get_weather", {"city": "Oslo", "days": 2}, ())
    assert tools.resolve("get_weather", {"city": "Oslo", "days": 2}) == expected
    with pytest.raises(CallError, match="city: missing, expected string"):
        tools.resolve("get_weather", {})


@pytest.mark.parametrize(
    "definition",
    [
        {"name": "now"},
        {"name": "now", "inputSchema": {}},
        {"name": "now", "parameters": None},
        {"type": "function", "function": {"name": "now", "description": "it", "strict": False}},
        {"name": "now", "inputSchema": {"type": "object", "properties": {}}},
    ],
)
def test_a_tool_without_arguments_accepts_none(definition):
    assert resolve("now", {}, [definition]).arguments == {}
    with pytest.raises(CallError, match=r"now\.zone: unknown argument$"):
        resolve("now", {"zone": "UTC"}, [definition])


ARGUMENTS = {"town": "Oslo"}
TEXT = '{"town": "Oslo"}'


@pytest.mark.parametrize(
    "call",
    [
        {"id": "1", "type": "function", "function": {"name": "getWeather", "arguments": TEXT}},
        {"type": "function_call", "call_id": "1", "name": "getWeather", "arguments": TEXT},
        {"type": "tool_use", "id": "1", "name": "getWeather", "input": ARGUMENTS},
        {"name": "getWeather", "arguments": ARGUMENTS},
        {"name": "getWeather", "args": ARGUMENTS, "id": "1"},
    ],
)
def test_calls_of_all_usual_interfaces_are_resolved(call):
    before = copy.deepcopy(call)
    assert resolve(call, None, TOOLS).arguments == {"city": "Oslo"}
    assert Tools(TOOLS).resolve(call).name == "get_weather"
    assert call == before


def test_arguments_may_be_json_text():
    assert resolve("get_weather", TEXT, TOOLS).arguments == {"city": "Oslo"}
    assert resolve("list_processes", "", TOOLS).arguments == {}
    assert resolve({"name": "list_processes"}, None, TOOLS).arguments == {}
    assert resolve({"name": "list_processes", "arguments": None}, None, TOOLS).arguments == {}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"function": {"name": "get_weather", "arguments": '{"city": '}}, "malformed JSON"),
        ({"name": "get_weather", "arguments": "[" * 100_000}, "malformed JSON"),
        ({"name": "get_weather", "arguments": "[1]"}, "must be an object, got array"),
        ({"name": "get_weather", "arguments": 5}, "must be an object, got integer 5"),
        (
            {"name": "get_weather", "arguments": '{"city": "a", "city": "b"}'},
            "duplicate name 'city'",
        ),
        ({"name": "get_weather", "arguments": '{"city": NaN}'}, "NaN is not a JSON value"),
        ({"name": "get_weather", "kwargs": {"city": "a"}}, "one of 'arguments', 'input' or 'args'"),
        ({"name": "get_weather", "input": {}, "arguments": {}}, "must have one of"),
        ({"name": 5, "arguments": {}}, "a call must be a name or a mapping, got integer 5"),
        ({"function": "get_weather"}, "a call must have a 'name', got string 'get_weather'"),
        ({"arguments": {}}, "a call must have a 'name'"),
    ],
)
def test_a_call_of_an_unknown_form_is_an_error(call, message):
    with pytest.raises(CallError, match=message):
        resolve(call, None, TOOLS)


def test_a_call_with_arguments_takes_no_others():
    with pytest.raises(CallError, match="a call contains its arguments"):
        resolve({"name": "get_weather", "input": {}}, {"city": "a"}, TOOLS)


# Modelled on the definitions of real servers, most of which are generated by Zod or Pydantic.
SERVER = [
    {
        "name": "edit_file",
        "inputSchema": {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "edits": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "oldText": {"type": "string"},
                            "newText": {"type": "string"},
                        },
                        "required": ["oldText", "newText"],
                        "additionalProperties": False,
                    },
                },
                "dryRun": {"type": "boolean", "default": False},
            },
            "required": ["path", "edits"],
            "additionalProperties": False,
            "$schema": "http://json-schema.org/draft-07/schema#",
        },
    },
    {
        "name": "create_issue",
        "inputSchema": {
            "$defs": {
                "Priority": {"enum": ["low", "medium", "urgent"], "type": "string"},
                "Person": {
                    "type": "object",
                    "properties": {"email": {"type": "string"}, "team": {"$ref": "#/$defs/Team"}},
                    "required": ["email"],
                },
                "Team": {"type": "object", "properties": {"lead": {"$ref": "#/$defs/Person"}}},
            },
            "type": "object",
            "properties": {
                "title": {"type": "string", "minLength": 1},
                "body": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                "estimate": {"type": ["number", "null"]},
                "count": {"type": "integer", "minimum": 1},
                "priority": {"$ref": "#/$defs/Priority", "default": "low"},
                "assignee": {"anyOf": [{"$ref": "#/$defs/Person"}, {"type": "null"}]},
                "labels": {"type": "array", "items": {"type": "string"}},
                "range": {"type": "array", "prefixItems": [{"type": "integer"}], "items": False},
                "pair": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]},
                "custom": {"type": "object", "additionalProperties": {"type": "number"}},
                "headers": {
                    "type": "object",
                    "properties": {"x-id": {"pattern": "x"}},
                    "patternProperties": {"^x-": {"type": "string"}},
                },
                "point": {"enum": [{"x": 1}, [1, 2], None]},
            },
            "required": ["title"],
        },
    },
    {
        "name": "draw",
        "inputSchema": {
            "type": "object",
            "properties": {
                "shape": {
                    "oneOf": [
                        {
                            "type": "object",
                            "properties": {
                                "kind": {"const": "circle"},
                                "radius": {"type": "number"},
                            },
                            "required": ["kind", "radius"],
                        },
                        {
                            "type": "object",
                            "properties": {"kind": {"const": "square"}, "side": {"type": "number"}},
                            "required": ["kind", "side"],
                        },
                    ]
                },
                "unit": {
                    "anyOf": [{"const": "millimetre"}, {"const": "inch"}, {"type": "integer"}]
                },
            },
            "anyOf": [{"required": ["shape"]}, {"required": ["unit"]}],
        },
    },
]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("edit_file", {"path": "a", "edits": []}, None),
        (
            "edit_file",
            {"path": "a", "edits": [{"old_text": "a", "new_text": "b"}], "dry_run": True},
            {"path": "a", "edits": [{"oldText": "a", "newText": "b"}], "dryRun": True},
        ),
        ("create_issue", {"title": "a", "body": None, "estimate": None, "assignee": None}, None),
        ("create_issue", {"title": "a", "estimate": 1.5, "count": 2.0, "labels": ["a"]}, None),
        (
            "create_issue",
            {"Title": "a", "priority": "Urgent", "assignee": {"e-mail": "b"}},
            {"title": "a", "priority": "urgent", "assignee": {"email": "b"}},
        ),
        (
            "create_issue",
            {"title": "a", "assignee": {"email": "b", "team": {"lead": {"emial": "c"}}}},
            {"title": "a", "assignee": {"email": "b", "team": {"lead": {"email": "c"}}}},
        ),
        ("create_issue", {"title": "a", "range": [1], "pair": ["a", 1, None]}, None),
        ("create_issue", {"title": "a", "custom": {"any": 1.5, "thing": 2}}, None),
        ("create_issue", {"title": "a", "headers": {"x-id": "b", "x-idd": "c"}}, None),
        ("create_issue", {"title": "a", "point": [1, 2]}, None),
        ("draw", {"shape": {"kind": "circle", "radius": 1}}, None),
        (
            "draw",
            {"shape": {"kind": "Square", "Side": 1}},
            {"shape": {"kind": "square", "side": 1}},
        ),
        ("draw", {"unit": "milimeter"}, {"unit": "millimetre"}),
        ("draw", {"unit": 3}, None),
    ],
)
def test_correct_and_almost_correct_calls_of_servers_are_resolved(name, given, expected):
    call = resolve(name, given, SERVER)
    assert call.arguments == (given if expected is None else expected)
    assert bool(call.changes) == (expected is not None)


@pytest.mark.parametrize(
    ("name", "given", "problems"),
    [
        (
            "edit_file",
            {"edits": [{"old_text": 1}, "b"], "zebra": 1, "dryRun": "yes"},
            [
                "edit_file.zebra: unknown argument, expected 'path', 'edits' or 'dryRun'",
                "edit_file.edits[0].oldText: expected string, got integer 1",
                "edit_file.edits[0].newText: missing, expected string",
                "edit_file.edits[1]: expected object with 'oldText', 'newText', got string 'b'",
                "edit_file.dryRun: expected boolean, got string 'yes'",
                "edit_file.path: missing, expected string",
            ],
        ),
        (
            "create_issue",
            {"body": 1, "estimate": "2", "count": 1.5, "range": [1, 2], "labels": "a"},
            [
                "create_issue.body: expected string or null, got integer 1",
                "create_issue.estimate: expected number or null, got string '2'",
                "create_issue.count: expected integer, got number 1.5",
                "create_issue.range[1]: expected nothing, got integer 2",
                "create_issue.labels: expected array, got string 'a'",
                "create_issue.title: missing, expected string",
            ],
        ),
        (
            "create_issue",
            {"title": "a", "assignee": {"team": {"lead": {}}}, "custom": {"a": "b"}, "point": {}},
            [
                "create_issue.assignee.team.lead.email: missing, expected string",
                "create_issue.assignee.email: missing, expected string",
                "create_issue.custom.a: expected number, got string 'b'",
                "create_issue.point: expected {\"x\": 1}, [1, 2] or null, got object {}",
            ],
        ),
        ("create_issue", {"title": "a", "headers": {"x-idd": 1, "zebra": 2}}, [
            "create_issue.headers.zebra: unknown argument, expected 'x-id'",
            "create_issue.headers.x-idd: expected string, got integer 1",
        ]),
        ("draw", {"shape": {"kind": "circle"}}, ["draw.shape.radius: missing, expected number"]),
        ("draw", {"shape": {}}, [
            "draw.shape: expected object with 'kind', 'radius' or object with 'kind', 'side', "
            "got object {}",
        ]),
        ("draw", {"unit": "zebra"}, [
            "draw.unit: expected 'millimetre' or 'inch', got string 'zebra'",
        ]),
        ("draw", {}, ["draw: expected object with 'shape' or object with 'unit', got object {}"]),
    ],
)  # fmt: skip
def test_an_error_lists_all_problems(name, given, problems):
    with pytest.raises(CallError) as caught:
        resolve(name, given, SERVER)
    found = [f"{problem.path}: {problem.message}" for problem in caught.value.problems]
    assert found == problems
    assert all(problem in str(caught.value) for problem in problems)


def test_schemas_that_must_all_be_satisfied_are_merged():
    tools = {
        "run": {
            "allOf": [
                {
                    "properties": {
                        "n": {"type": ["integer", "string"]},
                        "mode": {"enum": ["a", "b"]},
                        "list": {"items": {"type": "number"}},
                        "pair": {"prefixItems": [{"type": "string"}]},
                        "same": {"type": "null"},
                        "any": True,
                        "none": False,
                    },
                    "required": ["n"],
                    "additionalProperties": True,
                },
                {
                    "properties": {
                        "n": {"type": "number"},
                        "mode": {"enum": ["b", "c"]},
                        "list": {"items": {"enum": [1, 2]}},
                        "pair": {"prefixItems": [{"enum": ["x"]}, {"type": "null"}]},
                        "same": {"type": "null"},
                        "any": {"type": "null"},
                        "none": {"type": "null"},
                        "only": True,
                    },
                    "required": ["n"],
                    "additionalProperties": {"type": "string"},
                },
                {"properties": {"only": {"type": "null"}, "any": True}},
            ]
        }
    }
    given = {"n": 1, "mode": "b", "list": [1], "pair": ["x", None], "same": None, "zebra": "z"}
    assert resolve("run", given, tools).arguments == given
    wrong = {"n": "x", "mode": "a", "list": [3], "pair": ["y"], "any": 1, "none": None, "only": 1,
             "zebra": 1}  # fmt: skip
    with pytest.raises(CallError) as caught:
        resolve("run", wrong, tools)
    assert {problem.path for problem in caught.value.problems} == {
        "run.n", "run.mode", "run.list[0]", "run.pair[0]", "run.any", "run.none", "run.only",
        "run.zebra",
    }  # fmt: skip


def test_nested_alternatives_take_polynomial_time():
    both = [{"properties": {"next": {"$ref": "#/$defs/node"}, name: {}}} for name in "ab"]
    tools = {
        "run": {
            "$defs": {"node": {"oneOf": both}},
            "properties": {"node": {"$ref": "#/$defs/node"}},
        }
    }
    given = {"zebra": 1}
    for _ in range(28):
        given = {"next": given}
    with pytest.raises(CallError, match="expected"):
        resolve("run", {"node": given}, tools)


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ([{"description": "no name"}], "must have a 'name'"),
        ([3], "must be a mapping, got integer 3"),
        ([{"name": 3}], "must have a 'name'"),
        ([{"function": 3}], "must have a 'name', got integer 3"),
        ({"a": 3}, "a name and a JSON Schema, got 'a': 3"),
        ({3: {}}, "a name and a JSON Schema, got 3"),
        ([{"name": "a", "input_schema": 3}], "a name and a JSON Schema"),
        ([{"name": "a"}] * 2, "two tools have the name 'a'"),
        ([{"name": "a", "schema": SCHEMA}], "must have a schema under inputSchema"),
        ([{"name": "a", "type": "web_search"}], "must have a schema under inputSchema"),
        ([{"name": "a", "inputSchema": {}, "parameters": SCHEMA}], "several schemas"),
        ([{"name": "a", "inputSchema": {"type": "string"}}], "JSON Schema of an object"),
        ([{"name": "a", "inputSchema": {"city": {"type": "string"}}}], "JSON Schema of an object"),
        ({"a": {"inputSchema": SCHEMA}}, "JSON Schema of an object"),
        ({"a": {"type": "object", "parameters": SCHEMA}}, "JSON Schema of an object"),
    ],
)
def test_a_definition_of_an_unknown_form_raises(tools, message):
    with pytest.raises(ValueError, match=message):
        Tools(tools)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "text"}, "#/properties/x: unknown type 'text', expected one of null"),
        ({"type": [["string"]]}, "unknown type"),
        ({"type": "object", "properties": []}, "'properties' must be a mapping, got \\[\\]"),
        ({"type": "string", "required": True}, "'required' must be a list, got True"),
        ({"required": [1]}, "'required' must contain names, got 1"),
        ({"anyOf": {}}, "'anyOf' must be a list"),
        ({"anyOf": ["string"]}, "#/properties/x/anyOf/0: a schema must be a mapping or a boolean"),
        ({"items": 3}, "#/properties/x/items: a schema must be"),
        ({"enum": []}, "'enum' must contain a value"),
        ({"$ref": 3}, "'\\$ref' must be a string"),
        ({"patternProperties": {"(": {}}}, "the pattern '\\(' is not supported"),
        ({"$ref": "#/$defs/missing"}, "'#/\\$defs/missing' is not in the schema"),
        ({"$ref": "https://example.org/a"}, "only '#/...' is supported"),
        ({"$ref": "#/properties/x"}, "#/properties/x: no value fits"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "no value fits"),
        ({"allOf": [{"const": 1}, {"enum": [2, True]}]}, "no value fits"),
        ({"anyOf": [{"$ref": "#/properties/x"}]}, "no value fits"),
        (
            {"allOf": [{"anyOf": [{"title": str(i)} for i in range(30)]} for _ in range(4)]},
            "#/properties/x: a value has more than 10000 alternatives",
        ),
    ],
)
def test_a_malformed_schema_raises(schema, message):
    with pytest.raises(ValueError, match=message):
        Tools({"a": {"type": "object", "properties": {"x": schema}}})


def test_references_lead_to_any_place():
    schema = {
        "properties": {
            "a": {"anyOf": [{"type": "string"}, {"$ref": "#/properties/a"}, {"type": "integer"}]},
            "b": {"$ref": "#/properties/a/anyOf/2"},
            "c": {"$ref": "#/$defs/a%20b"},
        },
        "$defs": {"a b": {"type": "null"}},
    }
    given = {"a": 1, "b": 2, "c": None}
    assert resolve("run", given, {"run": schema}).arguments == given


def test_an_unknown_option_raises():
    with pytest.raises(TypeError, match="cutof"):
        Tools(TOOLS, cutof=0.9)
    with pytest.raises(ValueError, match="2"):
        Tools(TOOLS, cutoff=2)


def test_resolve_is_a_name_of_the_package():
    assert fuzzydict.resolve is resolve


def test_required_arguments_need_no_definition_and_types_have_common_ones():
    both = {"allOf": [{"type": "integer"}, {"type": ["integer", "null"]}]}
    schema = {"properties": {"n": both}, "required": ["size"]}
    assert resolve("run", {"n": 1, "Size": 2}, {"run": schema}).arguments == {"n": 1, "size": 2}
    with pytest.raises(CallError, match=r"n: expected integer, got null; run.size: missing"):
        resolve("run", {"n": None}, {"run": schema})


def test_values_of_a_wrong_type_are_converted_on_request():
    schema = {"properties": {"n": {"type": "integer"}, "on": {"type": "boolean"},
                             "name": {"type": "string"}, "list": {"type": "array"}}}  # fmt: skip
    tools = Tools({"run": schema}, coerce=True)
    call = tools.resolve("run", {"n": "3", "on": "True", "name": 5})
    assert call.arguments == {"n": 3, "on": True, "name": "5"}
    assert call.changes == (
        "run.n: string '3' → integer 3", "run.on: string 'True' → boolean true",
        "run.name: integer 5 → string '5'",
    )  # fmt: skip
    for wrong in ({"n": "three"}, {"n": "3.5"}, {"on": "1"}, {"n": "NaN"}, {"list": "a"}):
        with pytest.raises(CallError, match="expected"):
            tools.resolve("run", wrong)
    with pytest.raises(CallError, match="expected integer, got string '3'"):
        resolve("run", {"n": "3"}, {"run": schema})


def test_common_aliases_of_arguments_are_corrected():
    tools = {"search": {"properties": {"query": {}, "channel_id": {}, "page": {}}}}
    call = resolve("search", {"q": "a", "channel": "C1"}, tools)
    assert call.arguments == {"query": "a", "channel_id": "C1"}
    assert call.changes == ("q → query", "channel → channel_id")
    with pytest.raises(CallError, match="unknown argument"):
        resolve("search", {"q": "a"}, tools, cutoff=1.0)
    several = {"reply": {"properties": {"body": {}, "text": {}}}}
    with pytest.raises(CallError, match="comment: unknown argument"):
        resolve("reply", {"comment": "a"}, several)


def test_a_word_with_which_all_tools_begin_may_be_missing():
    tools = {"slack_get_users": {}, "slack_post_message": {}}
    assert resolve("postMessage", {}, tools).changes == ("postMessage → slack_post_message",)
    with pytest.raises(CallError, match="unknown tool"):
        resolve("discord_post_message", {}, tools)


def test_another_word_in_the_name_of_a_tool_needs_a_high_score():
    with pytest.raises(CallError, match=r"list_columns: unknown tool \(closest: 'list_tables' 0\."):
        resolve("list_columns", {}, {"list_tables": {}, "read_query": {}})
    assert resolve("buy_insurance", {}, {"purchase_insurance": {}}).name == "purchase_insurance"
