"""What a tenant may say of its language model."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contextworker.core.errors import ConfigurationError
from contextworker.core.logs.redaction import REDACTED, redacted
from contextworker.gardener.enrichers.categories.taxonomy import Category, Taxonomy
from contextworker.gardener.llm.asking import LlmEnricher
from contextworker.gardener.llm.config import LlmConfig

TABLE: dict[str, Any] = {
    "base_url": "https://llm.example/v1",
    "model": "small",
    "input_usd_per_million": 1,
    "output_usd_per_million": 4,
}
TAXONOMY = Taxonomy([Category(id="tents", name="Tents")])


def config(**changes: Any) -> LlmConfig:
    """Return a configuration as it is read from TOML."""
    return LlmConfig.model_validate(TABLE | changes, strict=True)


def problem(**changes: Any) -> str:
    """Return what is said of a wrong one."""
    with pytest.raises(ValidationError) as caught:
        config(**changes)
    error = caught.value.errors()[0]
    return f"{error['loc'][0]}: {error['msg']}"


@pytest.mark.parametrize(
    "url",
    [
        "https://llm.example/v1",
        "http://localhost:8000/v1",
        "http://127.0.0.1:8000/v1",
        "http://[::1]:8000/v1",
        "http://10.1.2.3/v1",
        "http://vllm:8000/v1",
        "http://vllm.models.svc.cluster.local/v1",
    ],
)
def test_near_servers_need_no_tls(url: str) -> None:
    """Plain HTTP stays on this machine or in private networks."""
    assert url == config(base_url=f"{url}/").base_url


@pytest.mark.parametrize(
    "url",
    ["http://llm.example/v1", "http://8.8.8.8/v1", "http://0.0.0.0/v1", "http://[2606::1]/v1"],
)
def test_far_servers_need_tls(url: str) -> None:
    """A key does not cross the internet in the clear, unless somebody says so."""
    assert "base_url: the key and the products would travel unencrypted" in (problem(base_url=url))
    assert url == config(base_url=url, allow_plain_http=True).base_url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("llm.example/v1", "it is no address"),
        ("ftp://llm.example", "it is no address"),
        ("https://", "it is no address"),
        ("https://[::1", "it is no address"),
        ("https://llm.example:port/v1", "it is no address"),
        ("https://llm.example/v1?key=1", "it ends with its path"),
    ],
)
def test_an_address_is_one(url: str, words: str) -> None:
    """What is no address is refused, saying how one looks."""
    assert problem(base_url=url).startswith(f"base_url: {words}")


def test_a_key_in_the_address_is_not_shown() -> None:
    """An address with a password is refused without repeating it."""
    with pytest.raises(ConfigurationError, match="api_key_env") as caught:
        config(base_url="https://me:sk-secret@llm.example/v1")

    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tasks": ["kg"]}, "tasks: Input should be 'taxonomy', 'ner', 'params' or 'tech'"),
        ({"tasks": []}, "tasks: Tuple should have at least 1 item"),
        ({"batch": 51}, "batch: Input should be less than or equal to 50"),
        ({"attempts": 0}, "attempts: Input should be greater than or equal to 1"),
        ({"input_usd_per_million": -1}, "input_usd_per_million: Input should be greater than"),
        ({"output_usd_per_million": float("nan")}, "output_usd_per_million: Input should be a fin"),
        ({"api_key_env": "sk-1234"}, "api_key_env: String should match pattern"),
        ({"model": ""}, "model: String should have at least 1 character"),
        ({"key": "x"}, "key: Extra inputs are not permitted"),
        ({"batch": "10"}, "batch: Input should be a valid integer"),
    ],
)
def test_wrong_values_are_named(changes: dict[str, Any], words: str) -> None:
    """Each value has its bounds."""
    assert problem(**changes).startswith(words)


def test_prices_have_to_be_said() -> None:
    """Without prices no cost could be limited: 0 is what own hardware costs."""
    with pytest.raises(ValidationError, match="input_usd_per_million"):
        LlmConfig.model_validate({"base_url": "https://x/v1", "model": "m"})


def test_a_configuration_survives_json() -> None:
    """What is written is what was read."""
    original = config(prompts="/tmp", tasks=["ner", "ner"], output="prompt")

    assert (("ner",), Path("/tmp")) == (original.tasks, original.prompts)
    assert original == LlmConfig.model_validate_json(original.model_dump_json())


@pytest.mark.parametrize("environment", [{}, {"LLM_KEY": " "}], ids=["unset", "blank"])
def test_a_missing_key_is_named(environment: dict[str, str]) -> None:
    """The variable that is not set is named when the asker is made."""
    with pytest.raises(ConfigurationError, match="small needs a key: set LLM_KEY"):
        LlmEnricher(config(api_key_env="LLM_KEY"), TAXONOMY, environment=environment)


def test_a_key_fits_into_a_header() -> None:
    """A key with a line break in it is refused, unshown."""
    with pytest.raises(ConfigurationError, match="LLM_KEY holds no key") as caught:
        config(api_key_env="LLM_KEY").api_key({"LLM_KEY": "sk-se\ncret"})

    assert "cret" not in str(caught.value)


def test_the_log_knows_the_key() -> None:
    """A server may repeat it in words that no pattern knows."""
    assert "none-that-looks-like-one" == config(api_key_env="LLM_KEY").api_key(
        {"LLM_KEY": "none-that-looks-like-one"}
    )

    assert REDACTED == redacted("none-that-looks-like-one")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the words to install it."""
    monkeypatch.setattr("contextworker.gardener.llm.asking.find_spec", lambda _: None)

    with pytest.raises(ConfigurationError, match=r"install contextworker-gardener\[llm\]"):
        LlmEnricher(config(), TAXONOMY)


def test_technologies_need_a_vocabulary() -> None:
    """Nobody can choose from nothing."""
    with pytest.raises(ConfigurationError, match="no vocabulary"):
        LlmEnricher(config(tasks=["tech"]), TAXONOMY)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("taxonomy.md", "Sort it.", r"taxonomy.md lacks \{\{categories\}\}"),
        ("ner.md", "Name it: {{what}}", r"ner.md has \{\{what\}\}, which stands for nothing"),
        ("ner.md", " ", "ner.md has 0 characters"),
        ("ner.md", b"\xff", "ner.md is no UTF-8 text"),
    ],
    ids=["lacks", "unknown", "empty", "binary"],
)
def test_a_prompt_of_ones_own_is_checked(
    tmp_path: Path, file: str, text: str | bytes, words: str
) -> None:
    """A prompt that cannot be used stops the worker at its start, and is named."""
    (tmp_path / file).write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(ConfigurationError, match=words):
        LlmEnricher(config(prompts=str(tmp_path)), TAXONOMY)


def test_a_folder_of_prompts_holds_one(tmp_path: Path) -> None:
    """A misspelt name would go unnoticed."""
    (tmp_path / "taxonomi.md").write_text("{{categories}}")

    with pytest.raises(ConfigurationError, match=r"has none of taxonomy\.md, ner\.md"):
        LlmEnricher(config(prompts=str(tmp_path)), TAXONOMY)


def test_a_folder_of_prompts_is_there(tmp_path: Path) -> None:
    """A folder that is not there is named."""
    with pytest.raises(ConfigurationError, match="there is no folder"):
        LlmEnricher(config(prompts=str(tmp_path / "none")), TAXONOMY)
