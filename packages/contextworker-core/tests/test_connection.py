"""Temporal's settings: its standard environment and this project's one alias."""

from pathlib import Path

import pytest

from contextworker.core.connection import load_config
from contextworker.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ("localhost:7233", "default")),
        (
            {"TEMPORAL_ADDRESS": "t.example:7", "TEMPORAL_NAMESPACE": "shop"},
            ("t.example:7", "shop"),
        ),
        ({"TEMPORAL_HOST": "t.example"}, ("t.example:7233", "default")),
        ({"TEMPORAL_HOST": "t.example:8"}, ("t.example:8", "default")),
        ({"TEMPORAL_HOST": "a", "TEMPORAL_ADDRESS": "b:1"}, ("b:1", "default")),
    ],
)
def test_the_environment_says_where_temporal_is(
    environment: dict[str, str], expected: tuple[str, str]
) -> None:
    """TEMPORAL_HOST is an alias; the standard name wins."""
    config = load_config(environment)

    assert expected == (config["target_host"], config["namespace"])


def test_a_profile_is_read(tmp_path: Path) -> None:
    """What works for the temporal command works here."""
    file = tmp_path / "temporal.toml"
    file.write_text('[profile.shop]\naddress = "shop.example:7233"\nnamespace = "shop"\n')

    config = load_config({"TEMPORAL_CONFIG_FILE": str(file), "TEMPORAL_PROFILE": "shop"})

    assert ("shop.example:7233", "shop") == (config["target_host"], config["namespace"])


def test_settings_that_cannot_be_read_are_a_sentence(tmp_path: Path) -> None:
    """A broken profile file is named as Temporal's settings."""
    file = tmp_path / "temporal.toml"
    file.write_text("not toml")

    with pytest.raises(ConfigurationError, match="Temporal's settings cannot be read"):
        load_config({"TEMPORAL_CONFIG_FILE": str(file)})


@pytest.mark.parametrize("address", ["temporal", "no such host:7233", "a:99999", ":7233"])
def test_what_is_no_address_is_a_sentence(address: str) -> None:
    """Waiting would not help, and a gateway would come up only to fail at every call."""
    with pytest.raises(ConfigurationError, match="is no host:port"):
        load_config({"TEMPORAL_ADDRESS": address})


@pytest.mark.parametrize("address", ["me:open-sesame@a.example:7233", "me:open-sesame@a:port"])
def test_an_address_with_a_login_is_refused_and_not_quoted(address: str) -> None:
    """It would be named in every line that says that Temporal is away."""
    with pytest.raises(ConfigurationError, match="TEMPORAL_API_KEY") as refused:
        load_config({"TEMPORAL_ADDRESS": address})

    assert "open-sesame" not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["[::1]:7233", "https://a.example:7233", "shop.x.tmprl.cloud:1"]
)
def test_an_address_has_many_forms(address: str) -> None:
    """Whatever Temporal's own tools take."""
    assert address == load_config({"TEMPORAL_ADDRESS": address})["target_host"]
