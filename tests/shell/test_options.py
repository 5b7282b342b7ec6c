from __future__ import annotations

from pathlib import Path

import pytest

from udpchat.shell.options import OptionError, data_folder, server_options
from udpchat.storage.log import Durability


def write(folder: Path, text: str) -> str:
    path = folder / "server.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_without_any_choice_there_are_defaults() -> None:
    options = server_options({}, {})
    assert (options.bind, options.port, options.name) == (("::",), 47747, "")
    assert (options.heartbeat_s, options.expiry_s, options.durability) == (10.0, 30.0, Durability.FSYNC)
    assert options.data == data_folder()


def test_an_option_outranks_the_environment_and_that_the_file(tmp_path: Path) -> None:
    config = write(tmp_path, 'port = 1\nname = "file"\nheartbeat = 2\nlog-level = "debug"\n')
    environment = {"UDPCHAT_PORT": "2", "UDPCHAT_NAME": "environment", "UDPCHAT_CONFIG": config}
    options = server_options({"port": "3", "name": None}, environment)
    assert (options.port, options.name, options.heartbeat_s, options.log_level) == (3, "environment", 2.0, "debug")
    assert server_options({"config": config}, {}).port == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bind", "localhost"), ("bind", "*"), ("bind", "::1,"), ("bind", ["::1", "x"]),
        ("port", "-1"), ("port", "65536"), ("port", "x"), ("port", ""),
        ("data", ""), ("name", "a\nb"),
        ("name", "x" * 101), ("heartbeat", "0"), ("heartbeat", "nan"), ("heartbeat", "inf"),
        ("expiry", "1e9"), ("durability", "none"), ("log-level", "loud"), ("log-format", "xml"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_line_that_names_the_option(name: str, value: str | list[str]) -> None:
    with pytest.raises(OptionError) as refused:
        server_options({name: value}, {})
    assert str(refused.value).startswith(f"--{name} cannot be ")
    assert "\n" not in str(refused.value)


def test_a_wrong_value_names_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"^UDPCHAT_LOG_LEVEL cannot be"):
        server_options({}, {"UDPCHAT_LOG_LEVEL": "loud"})
    config = write(tmp_path, "port = true\n")
    with pytest.raises(OptionError, match=r"^port in .*server\.toml cannot be"):
        server_options({"config": config}, {})


def test_expiry_is_longer_than_the_heartbeat() -> None:
    with pytest.raises(OptionError, match="longer"):
        server_options({"heartbeat": "5", "expiry": "5"}, {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 5", "'prot'.*did you mean port"),
        ("[server]\nport = 5", "'server'.*does not exist"),
        ("port = ", "not TOML"),
        ('data = ["x"]', "data in .* cannot be"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        server_options({"config": write(tmp_path, text)}, {})


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot read the config file"):
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
    with pytest.raises(OptionError, match=r"^--bind cannot be '::1, x': an address of this machine is wanted"):
        server_options({"bind": ["::1", "x"]}, {})
