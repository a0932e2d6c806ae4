"""Tool calls: brought to the schema, never beyond it."""

import copy
import pickle

import pytest

import fuzzydict
from fuzzydict import NoMatchError
from fuzzydict.tools import Call, CallError, Tools, resolve

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


def test_a_call_that_is_right_is_left_as_it_is():
    call = resolve("get_weather", {"city": "Oslo", "unit": "celsius", "days": 3}, TOOLS)
    assert call == Call("get_weather", {"city": "Oslo", "unit": "celsius", "days": 3}, ())
    assert resolve("list_processes", None, TOOLS) == ("list_processes", {}, ())


def test_names_arguments_and_values_are_brought_to_the_schema():
    call = resolve("getWeather", {"town": "Oslo", "Units": "Celcius"}, TOOLS)
    assert call.name == "get_weather"
    assert call.arguments == {"city": "Oslo", "unit": "celsius"}
    assert call.changes == (
        "getWeather → get_weather", "town → city", "Units → unit", "Celcius → celsius",
    )  # fmt: skip


def test_objects_and_arrays_are_followed():
    given = {
        "to": "a@b.org",
        "attachment": [{"fileName": "x", "contents": "y"}, "as it is"],
        "option": {"Priority": "High"},
    }
    before = copy.deepcopy(given)
    assert resolve("send_mail", given, TOOLS).arguments == {
        "recipient": "a@b.org",
        "attachments": [{"file_name": "x", "content": "y"}, "as it is"],
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
]  # fmt: skip


@pytest.mark.parametrize("pair", DANGEROUS)
def test_a_tool_is_never_taken_for_one_that_does_the_opposite(pair):
    one, other = pair.split()
    for asked, there in ((one, other), (other, one)):
        with pytest.raises(CallError, match="no tool is"):
            resolve(asked, {}, {there: {}})


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("make_coffee", {}, r"no tool is 'make_coffee' \(closest: "),
        ("get_weather", {}, "get_weather needs the argument 'city'"),
        ("get_weather", {"city": 1, "town": 2}, "'city' and 'town' both mean the argument 'city'"),
        ("get_weather", {"city": 1, "colour": 2}, "no argument of get_weather is 'colour'"),
        ("get_weather", {"city": 1, 2: 3}, "no name but 2"),
        ("get_weather", {"city": 1, "unit": "kelvin"}, "no value of get_weather.unit is 'kelvin'"),
        ("get_weather", {"city": 1, "days": 2}, r"get_weather.days is one of \[1, 3, 7\], not 2"),
        ("get_weather", {"city": 1, "unit": 5}, "get_weather.unit is one of"),
        ("get_weather", ["city"], "a name and a mapping"),
        (None, {}, "a name and a mapping"),
    ],
)
def test_what_is_in_doubt_is_an_error_that_says_so(name, arguments, message):
    with pytest.raises(CallError, match=message) as caught:
        resolve(name, arguments, TOOLS)
    assert isinstance(caught.value, NoMatchError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.query) == (str(caught.value), caught.value.query)


def test_a_cutoff_of_one_takes_no_name_for_another():
    with pytest.raises(CallError, match=r"no tool is 'getWeather'$"):
        resolve("getWeather", {}, TOOLS, cutoff=1.0)


def test_other_arguments_are_kept_where_the_schema_lets_them_be():
    tools = {"run": {"type": "object", "properties": {"a": {}}, "additionalProperties": True}}
    assert resolve("run", {"a": 1, "zebra": 2}, tools).arguments == {"a": 1, "zebra": 2}
    with pytest.raises(CallError, match="no name"):
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
            "loop": {"$ref": "#/$defs/pool"},
            "pool": {"$ref": "#/$defs/loop"},
            "a/b~c": {"enum": ["fast"]},
        },
        "type": "object",
        "properties": {
            "target": {"$ref": "#/$defs/point"},
            "tree": {"$ref": "#/$defs/tree"},
            "loop": {"$ref": "#/$defs/loop"},
            "gone": {"$ref": "#/$defs/missing"},
            "far": {"$ref": "https://example.org/schema"},
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
def test_schemas_that_refer_and_choose_are_followed(given, expected):
    assert resolve("move", given, NESTED).arguments == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loop": 1}, "refers to itself"),
        ({"gone": 1}, "refers to '#/\\$defs/missing', which is not in it"),
        ({"far": 1}, "which is not in it"),
        ({"place": 5}, "nothing that its schema allows"),
        ({"place": "moon"}, "no value of move.place is 'moon'"),
        ({"unclear": {"Latitud": 1}}, "several ways"),
        ({"all": {"height": 2}}, "needs the argument 'width'"),
    ],
)
def test_what_a_schema_leaves_in_doubt_is_an_error(given, message):
    with pytest.raises(CallError, match=message):
        resolve("move", given, NESTED)


def test_arguments_that_nest_too_deep_are_refused():
    given = {"value": 1}
    for _ in range(100):
        given = {"children": [given]}
    with pytest.raises(CallError, match="nest too deep"):
        resolve("move", {"tree": given}, NESTED)


def test_many_calls_share_what_was_embedded():
    tools = Tools(TOOLS)
    assert repr(tools) == "Tools(get_weather, send_email, list_processes)"
    for _ in range(3):
        assert tools.resolve("getWeather", {"town": "Oslo"}).arguments == {"city": "Oslo"}
    assert len(tools._known) == 2


@pytest.mark.parametrize(
    "tools", [[{"description": "no name"}], [3], [{"name": 3}], {"a": 3}, [{"name": "a"}] * 2]
)
def test_what_is_no_definition_is_refused(tools):
    with pytest.raises(ValueError, match="tool"):
        Tools(tools)


def test_resolve_is_a_name_of_the_package():
    assert fuzzydict.resolve is resolve
