from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from tests.worded import worded
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.options import (
    ClientChoices,
    EndChoices,
    OptionError,
    PresenceTimes,
    ShownChoices,
    client_choices,
    client_config,
    data_folder,
    server_options,
)
from udpchat.storage.store_interfaces import Durability
from udpchat.ui.phrases import text_of


def write(folder: Path, text: str) -> str:
    path = folder / "server.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_without_any_choice_there_are_defaults() -> None:
    options = server_options({}, {})
    assert (options.bind, options.port, options.name) == (("::",), 47747, platform.node())
    assert (options.presence, options.durability) == (PresenceTimes(10.0, 30.0), Durability.FSYNC)
    assert options.data == data_folder()


def test_an_option_outranks_the_environment_and_that_the_file(tmp_path: Path) -> None:
    config = write(tmp_path, 'port = 1\nname = "file"\nheartbeat = 2\nlog-level = "debug"\n')
    environment = {"UDPCHAT_PORT": "2", "UDPCHAT_NAME": "environment", "UDPCHAT_CONFIG": config}
    options = server_options({"port": "3", "name": None}, environment)
    assert (options.port, options.name) == (3, "environment")
    assert (options.presence.heartbeat_s, options.log.level) == (2.0, "debug")
    assert server_options({"config": config}, {}).port == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bind", "localhost"), ("bind", "*"), ("bind", "::1,"), ("bind", ["::1", "x"]),
        ("port", "-1"), ("port", "65536"), ("port", "x"), ("port", ""),
        ("data", ""), ("name", "a\nb"),
        ("name", "x" * 101), ("heartbeat", "0"), ("heartbeat", "nan"), ("heartbeat", "inf"),
        ("expiry", "1e9"), ("durability", "none"), ("log-level", "loud"), ("log-format", "xml"),
        ("log-file-size", "10"), ("log-files", "0"), ("log-addresses", "some"), ("metrics", "here"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_line_that_names_the_option(name: str, value: str | list[str]) -> None:
    with pytest.raises(OptionError) as refused:
        server_options({name: value}, {})
    assert text_of(refused.value.phrase).startswith(f"--{name} cannot be ")
    assert "\n" not in text_of(refused.value.phrase)


def test_a_wrong_value_names_where_it_stands(tmp_path: Path) -> None:
    with worded(OptionError, match=r"^UDPCHAT_LOG_LEVEL cannot be"):
        server_options({}, {"UDPCHAT_LOG_LEVEL": "loud"})
    config = write(tmp_path, "port = true\n")
    with worded(OptionError, match=r"^\S*server\.toml, line 1: port cannot be 'True': a port is"):
        server_options({"config": config}, {})


def test_expiry_is_longer_than_the_heartbeat() -> None:
    with worded(OptionError, match="longer"):
        server_options({"heartbeat": "5", "expiry": "5"}, {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 5", r"server\.toml, line 1: there is no setting 'prot'; did you mean port\?$"),
        ("# x\n\nxyzzy = 5", r"server\.toml, line 3: there is no setting 'xyzzy'; there are accounts, bind, "),
        ("port = 5\n[server]\nport = 6", r"server\.toml, line 2: there is no table 'server'"),
        ("port = 5\nname = ", r"server\.toml, line 2: this is not TOML: Invalid value$"),
        ('bind = [\n"::",\n', r"server\.toml, line 2: this is not TOML: "),
        ('port = 5\ndata = ["x"]', r"server\.toml, line 2: data cannot be 'x'"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    with worded(OptionError, match=words):
        server_options({"config": write(tmp_path, text)}, {})


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with worded(OptionError, match="cannot read the config file"):
        server_options({"config": str(tmp_path / "none.toml")}, {})


def test_a_bind_address_may_have_brackets_and_a_home_is_found() -> None:
    assert server_options({"bind": "[::1]"}, {}).bind == ("::1",)
    assert server_options({"data": "~/chat"}, {}).data == Path.home() / "chat"


def test_there_may_be_several_addresses_and_each_is_taken_once(tmp_path: Path) -> None:
    both = ("192.0.2.1", "fd00::1")
    assert server_options({"bind": ["192.0.2.1", "fd00:0::1", "[fd00::1]"]}, {}).bind == both
    assert server_options({}, {"UDPCHAT_BIND": "192.0.2.1, ::ffff:192.0.2.1,fd00::1"}).bind == both
    config = write(tmp_path, 'bind = ["192.0.2.1", "fd00::1"]')
    assert server_options({"config": config}, {}).bind == both
    assert server_options({"config": config, "bind": ["::1"]}, {"UDPCHAT_BIND": "::"}).bind == ("::1",)


def test_a_wrong_one_of_several_addresses_is_shown_with_the_others() -> None:
    with worded(OptionError, match=r"^--bind cannot be '::1, x': an address of this machine is wanted"):
        server_options({"bind": ["::1", "x"]}, {})


# --- The client's ----------


def client(flags: dict[str, Any] | None = None, environment: dict[str, str] | None = None) -> ClientChoices:
    return client_choices({"nick": "alice", **(flags or {})}, environment or {}, default_config=None)


def test_a_nick_is_enough() -> None:
    expected = ClientChoices("alice", None, (), data_folder(), 47747, None, EndChoices(), "")
    assert client() == expected


def test_without_a_nick_the_three_ways_to_give_one_are_named(tmp_path: Path) -> None:
    for flags, default, file in (({}, tmp_path / "client.toml", "client.toml"), ({}, None, "--config")):
        with pytest.raises(OptionError) as refused:
            client_choices(flags, {"UDPCHAT_NICK": ""}, default_config=default)
        for way in ("--nick NICK", "UDPCHAT_NICK", 'nick = "NICK"', file):
            assert way in text_of(refused.value.phrase)


def test_the_client_too_reads_flags_before_the_environment_before_its_file(tmp_path: Path) -> None:
    config = tmp_path / "client.toml"
    config.write_text(
        'nick = "file"\nserver = "file"\nroom = ["Ops", "dev"]\nhistory = 5\n'
        "timeout = 2.5\nfollow = true\njson = true\nreceipts = true\n"
    )
    found = client_choices({}, {}, default_config=config)
    assert found == ClientChoices(
        "file",
        ServerAddress("file"),
        ("ops", "dev"),
        data_folder(),
        47747,
        5,
        EndChoices(follow=True, timeout_s=2.5),
        "json",
        ShownChoices(receipts=True),
        config,
    )
    environment = {
        "UDPCHAT_NICK": "environment", "UDPCHAT_SERVER": "udpchat://env:5", "UDPCHAT_ROOM": "lobby, #Den",
        "UDPCHAT_DATA": str(tmp_path), "UDPCHAT_HISTORY": "7", "UDPCHAT_FOLLOW": "no", "UDPCHAT_COUNT": "3",
        "UDPCHAT_TIMEOUT": "9", "UDPCHAT_PLAIN": "1", "UDPCHAT_PORT": "5000",
        "UDPCHAT_RECEIPTS": "off",
    }  # fmt: skip
    found = client_choices({}, environment, default_config=config)
    assert found == ClientChoices(
        "environment",
        ServerAddress("env", 5),
        ("lobby", "den"),
        tmp_path,
        5000,
        7,
        EndChoices(count=3, timeout_s=9.0),
        "plain",
        ShownChoices(),
        config,
    )
    flags = {"nick": "flag", "server": "flag:9", "room": ["one", "two"], "count": "1", "json": True, "plain": None}
    found = client_choices(flags, environment, default_config=config)
    assert (found.nick, found.server, found.rooms) == ("flag", ServerAddress("flag", 9), ("one", "two"))
    assert (found.end.count, found.form) == (1, "json")


def test_a_file_that_is_named_must_be_there_and_the_one_in_the_users_folder_need_not(tmp_path: Path) -> None:
    missing = tmp_path / "client.toml"
    assert client_choices({"nick": "a"}, {}, default_config=missing).nick == "a"
    for flags, environment in (({"config": str(missing)}, {}), ({}, {"UDPCHAT_CONFIG": str(missing)})):
        with worded(OptionError, match=r"cannot read the config file .*client\.toml"):
            client_choices({"nick": "a", **flags}, environment, default_config=None)


def test_the_file_of_a_client_is_in_the_users_config_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert client_config().name == "client.toml" and client_config().parent.name == "udpchat"


def test_server_and_client_may_share_a_file_and_a_misspelt_name_is_no_option_of_either(tmp_path: Path) -> None:
    shared = write(tmp_path, 'nick = "alice"\nport = 5\nheartbeat = 2\nroom = "ops"\n')
    served = server_options({"config": shared}, {})
    assert (served.port, served.presence.heartbeat_s) == (5, 2.0)
    found = client_choices({"config": shared}, {}, default_config=None)
    assert (found.nick, found.port, found.rooms) == ("alice", 5, ("ops",))
    wrong = write(tmp_path, 'nik = "alice"\n')
    for read in (lambda: client({"config": wrong}), lambda: server_options({"config": wrong}, {})):
        with worded(OptionError, match=r"'nik'.*nick"):
            read()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"nick": "a b"}, "--nick cannot be 'a b'.*space"),
        ({"server": "host:0"}, "--server cannot be 'host:0'.*port"),
        ({"room": ["ok", "a b"]}, "--room cannot be 'ok, a b'.*space"),
        ({"history": "-1"}, "--history cannot be '-1'.*0 to 10000"),
        ({"history": "10001"}, "--history"),
        ({"count": "0"}, "--count.*from 1"),
        ({"timeout": "nan"}, "--timeout.*seconds"),
        ({"timeout": "0"}, "--timeout.*seconds"),
        ({"plain": True, "json": True}, "plain and json.*together"),
    ],
)
def test_a_wrong_choice_of_a_client_is_one_line_that_names_it(flags: dict[str, Any], words: str) -> None:
    with worded(OptionError, match=words):
        client(flags)


@pytest.mark.parametrize("text", ["nick = 5", "room = [5]", "follow = 'maybe'", "count = true", "timeout = true"])
def test_a_value_of_another_type_is_one_line_too(tmp_path: Path, text: str) -> None:
    with worded(OptionError, match=r"server\.toml, line 1: \w+ cannot be"):
        client_choices({"config": write(tmp_path, text)}, {}, default_config=None)


def test_any_free_port_is_none_that_a_client_could_guess() -> None:
    assert client(environment={"UDPCHAT_PORT": "0"}).port == 47747
