"""The gardener's configuration: per tenant, key by key, and what is said where it is wrong."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import ProductText, ResultStatus
from contextworker.gardener.enrichers.configuration import Configuration, read_configuration
from contextworker.gardener.enrichers.pipeline import Pipeline, make_pipeline

TASKS = ("taxonomy", "ner", "params", "tech", "kg")
LLM = """
[default.llm]
base_url = "http://localhost:1/v1"
model = "m"
input_usd_per_million = 0
output_usd_per_million = 0
"""


def read(tmp_path: Path, content: str) -> Configuration:
    """Read a file of this content."""
    path = tmp_path / "gardener.toml"
    path.write_text(dedent(content), encoding="utf-8")
    return read_configuration(path)


def make_all(configuration: Configuration) -> list[Pipeline]:
    """Make every configured tenant's pipeline, as a worker does when it starts."""
    return [
        make_pipeline(tenant_id, configuration.of(tenant_id))
        for tenant_id in ("default", *configuration.tenants)
    ]


@pytest.mark.parametrize("content", [None, "", "[default]\n[tenants]"])
def test_without_a_word_the_packaged_tasks_hold(tmp_path: Path, content: str | None) -> None:
    """All five, no language model; a worker starts without any file."""
    configuration = read_configuration() if content is None else read(tmp_path, content)
    tenant = configuration.of("acme")

    assert TASKS == tenant.tasks
    assert ("classifier", "names") == tenant.tables["taxonomy"].enrichers
    assert tenant.llm is None
    assert tenant.examples_file("taxonomy") is None
    assert configuration.taxonomy("acme").get("camping.tents") is not None
    make_all(configuration)


def test_a_tenant_overrides_key_by_key(tmp_path: Path) -> None:
    """What it does not name is as for everybody; paths are seen from the file."""
    (tmp_path / "acme.txt").write_text("1 - Shelters\n")
    (tmp_path / "labels.jsonl").touch()
    configuration = read(
        tmp_path,
        """
        [default.taxonomy]
        threshold = 0.6
        examples = "labels.jsonl"
        [tenants.acme]
        tasks = ["taxonomy", "kg"]
        [tenants.acme.taxonomy]
        file = "acme.txt"
        enrichers = ["names"]
        """,
    )
    acme, other = configuration.of("acme"), configuration.of("globex")

    assert (("taxonomy", "kg"), TASKS) == (acme.tasks, other.tasks)
    assert {"threshold": 0.6, "file": str(tmp_path / "acme.txt")} == dict(
        acme.tables["taxonomy"].options_of("names")
    )
    assert {"threshold": 0.6} == dict(other.tables["taxonomy"].options_of("names"))
    assert tmp_path / "labels.jsonl" == acme.examples_file("taxonomy")
    assert ["Shelters"] == [one.name for one in configuration.taxonomy("acme")]
    assert len(configuration.taxonomy("globex")) > 1
    assert ("acme",) == configuration.tenants


def test_a_language_model_is_for_some(tmp_path: Path) -> None:
    """A tenant does without the default's by asking it nothing, or asks it about less."""
    configuration = read(
        tmp_path,
        LLM
        + """
        [tenants.acme.llm]
        tasks = []
        [tenants.globex.llm]
        tasks = ["ner"]
        prompts = "prompts"
        [tenants.initech]
        tasks = ["taxonomy"]
        """.replace("\n        ", "\n"),
    )
    default, globex = configuration.of("x").llm, configuration.of("globex").llm

    assert default is not None
    assert globex is not None
    assert (("taxonomy", "ner"), ("ner",)) == (default.tasks, globex.tasks)
    assert tmp_path / "prompts" == globex.prompts
    assert configuration.of("acme").llm is None
    assert configuration.of("initech").llm is not None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("x", "is no TOML: Expected '=' after a key"),
        ("a = " + "[" * 5000, "is no TOML: maximum recursion depth exceeded"),
        ("[defaults]", "unknown key 'defaults'; it has [default] and [tenants.<tenant_id>]"),
        ("default = 1", "default = 1 is no table"),
        ("[tenants]\nacme = 1", "tenants.acme = 1 is no table"),
        ("[tenants.'a b']", "tenants.a b: no tenant can be called so"),
        ("[default]\ntask = []", "unknown key default.task; it has tasks, llm, taxonomy, ner"),
        (
            "[tenants.acme.taxonmy]",
            "params, tech, kg; a task of your own stands in tasks",
        ),
        ("[default]\ntasks = 'ner'", "default.tasks = 'ner' is no list of names"),
        ("[default]\ntasks = ['ner', 'ner']", "default.tasks names a task twice: ner, ner"),
        ("[default]\ntasks = []", "default.tasks is empty: name one or more of taxonomy, ner"),
        ("[default]\ntasks = ['a,b']", "default.tasks: no task can be called 'a,b': write letters"),
        ("[default]\ntasks = ['llm']", "default.tasks: no task can be called 'llm'"),
        ("[default.ner]\nexamples = 'no.jsonl'", "default.ner.examples: there is no file"),
        ("[default]\ntasks = ['nre']", "default.tasks names 'nre', which has no table: add [def"),
        ("[default]\ntasks = ['x']\n[default.x]", "default.x has no enrichers; installed are clas"),
        ("[default.ner]\nenrichers = ['tager']", "no enricher 'tager' is installed; installed are"),
        ("[default.ner]\nenrichers = []", "default.ner.enrichers: name one or more, each once"),
        ("[default.ner]\nenrichers = 1", "default.ner.enrichers = 1 is no list of names"),
        ("[default.taxonomy]\nfile = 1", "default.taxonomy.file = 1 is no path"),
        (
            "[default.taxonomy.names]\nfile = 'x.txt'",
            "default.taxonomy.names.file: it is for the whole task, so that people and language",
        ),
        ("[default.taxonomy]\nnames = 1", "default.taxonomy.names = 1 is no table"),
        ("[default.llm]\nmodel = 'm'", "default.llm: base_url is missing"),
        (LLM + "key = 's'", "default.llm: unknown key 'key'; it has"),
        (LLM + "batch = 0", "default.llm: batch = 0: Input should be greater than or equal to 1"),
        (LLM + "tasks = 'ner'", "default.llm: tasks = 'ner': Input should be a list"),
        (LLM + "api_key_env = 'sk-secret'", "default.llm: api_key_env is no name of a variable"),
        (
            LLM + "tasks = ['tech']\n[default]\ntasks = ['taxonomy']",
            "default.llm.tasks: 'tech' is none of the tasks taxonomy",
        ),
        (
            LLM.replace("//localhost", "//me:secret@localhost"),
            "default.llm: the base_url of a language model holds a user or password",
        ),
    ],
    ids=lambda value: None if len(value) > 50 else value.replace("\n", "|"),
)
def test_what_is_wrong_is_said_with_file_and_key(
    tmp_path: Path, content: str, problem: str
) -> None:
    """And with what there is; never a secret, never more than a line."""
    with pytest.raises(ConfigurationError, match=r"gardener\.toml") as caught:
        read(tmp_path, content)

    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            "[default.taxonomy]\ntreshold = 0.5",
            "default.taxonomy: unknown key 'treshold'; it has enrichers, examples, file, threshold",
        ),
        ("[default.taxonomy]\nthreshold = 2", "default.taxonomy: threshold = 2: Input should be"),
        ("[default.tech]\nfile = 'no.toml'", "default.tech: the vocabulary"),
        ("[default.tech]\nexamples = 'e'", "unknown key 'examples'; it has enrichers, file, thr"),
        ("[tenants.acme.taxonomy]\nfile = 'no.txt'", "tenants.acme.taxonomy: the taxonomy"),
        (
            "[tenants.acme.tech]\nenrichers = ['names']",
            "tenants.acme.tech: the enricher 'names' answers taxonomy, not tech",
        ),
        (
            "[default]\ntasks = ['kg', 'ner']",
            "gardener.toml: default.tasks: the task kg reads what ner finds out: put ner before",
        ),
    ],
    ids=["unknown", "wrong", "vocabulary", "examples", "tenant", "other-task", "order"],
)
def test_enrichers_check_their_own_options(tmp_path: Path, content: str, problem: str) -> None:
    """Before a worker starts, for every tenant that has tables of its own."""
    with pytest.raises(ConfigurationError) as caught:
        make_all(read(tmp_path, content))

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("task", "content", "problem"),
    [
        ("taxonomy", "[[category]]\nname = 'A'", "[[category]] 1: id is missing"),
        (
            "taxonomy",
            "[[category]]\nid = 'a'\nname = 'A'\nsynonym = ['x']",
            "[[category]] 1: unknown key 'synonym'; it has id, name, synonyms",
        ),
        (
            "taxonomy",
            "[[category]]\nid = 'a'\nname = 'A'\nsynonyms = 'x'",
            "[[category]] 1: synonyms = 'x': Input should be a list",
        ),
        ("taxonomy", "", "category is missing"),
        ("tech", "", "it has no [[technology]] and no [[material]]"),
        (
            "tech",
            "[[tech]]\nid = 'x'",
            "unknown key 'tech'; it has technology, material, denied",
        ),
    ],
    ids=["key", "unknown-key", "no-list", "nothing", "no-term", "unknown-table"],
)
def test_what_is_wrong_in_a_tenants_file_is_said_with_its_place(
    tmp_path: Path, task: str, content: str, problem: str
) -> None:
    """By the words of the file, counted as people count."""
    (tmp_path / "own.toml").write_text(content, encoding="utf-8")

    with pytest.raises(ConfigurationError) as caught:
        make_all(read(tmp_path, f"[tenants.acme.{task}]\nfile = 'own.toml'"))

    assert f"own.toml cannot be used: {problem}" in str(caught.value)


def test_a_file_of_windows_is_read(tmp_path: Path) -> None:
    """Its editors write a mark before the first letter."""
    configuration = read(tmp_path, "\ufeff[default]\r\ntasks = ['ner']\r\n")

    assert ("ner",) == configuration.of("acme").tasks


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A typo in the setting is said, not fallen back from."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: No such file"):
        read_configuration(tmp_path / "nowhere.toml")


Install = Callable[..., None]
SHOUTS = """
from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import ResultStatus, TaskResult

class Shouts:
    source = "shouts"
    reads = frozenset({"name"})

    def __init__(self, mark):
        self.mark = mark

    def enrich(self, subjects):
        return [
            TaskResult(
                status=ResultStatus.DONE,
                result={"said": subject.text.name.upper() + self.mark},
                confidence=1,
            )
            for subject in subjects
        ]

def shouts(context):
    if "mark" not in context.options:
        raise ConfigurationError("say which mark")
    return Shouts(context.options["mark"])
"""
OWN = """
[default]
tasks = ["taxonomy", "shouting", "kg"]
[default.shouting]
enrichers = ["shouts"]
[default.shouting.shouts]
mark = "!"
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what installs a distribution that announces an enricher."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(
        distribution: str, source: str = SHOUTS, *, name: str = "shouts", value: str = "shouts"
    ) -> None:
        module = f"{distribution[:4]}_for_{tmp_path.name}"  # imported once, never imported again
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(
            f"[contextworker.enrichers]\n{name} = {module}:{value}\n"
        )

    return install


def test_a_third_party_adds_a_task(tmp_path: Path, install: Install) -> None:
    """A package with an entry point, a name in tasks, a table: nothing else."""
    install("acme-enrichers")
    configuration = read(tmp_path, OWN)
    pipeline = make_all(configuration)[0]

    worked = pipeline.run([ProductText(product_id="1", content_hash="h", name="Tent")], [{}])[0]

    result = worked.results["shouting"]
    assert (ResultStatus.DONE, {"said": "TENT!"}, "shouts") == (
        result.status,
        result.result,
        result.source,
    )


@pytest.mark.parametrize(
    ("distributions", "content", "problem"),
    [
        ({"acme": {}}, OWN.replace('mark = "!"', ""), "default.shouting: say which mark"),
        ({"acme": {"value": "x"}}, OWN, "the enricher 'shouts' of acme cannot be imported from"),
        ({"acme": {"source": "1/0"}}, OWN, "of acme cannot be imported from"),
        (
            {"acme": {"source": "shouts = 5"}},
            OWN,
            "as the enricher 'shouts', but it is a int, not a factory that can be called",
        ),
        (
            {"acme": {"source": "def shouts(context): return {}['mark']"}},
            OWN,
            "default.shouting: the enricher 'shouts' of acme cannot be made: KeyError: 'mark'",
        ),
        (
            {"acme": {"source": SHOUTS.replace('frozenset({"name"})', '"name"')}},
            OWN,
            "the enricher 'shouts' of acme has no `reads`: a frozenset",
        ),
        ({"acme": {}, "globex": {}}, OWN, "'shouts' is offered twice, by acme and by globex;"),
        (
            {"acme": {"name": "names"}},
            "",
            "'names' is offered twice, by acme and by contextworker-gardener",
        ),
    ],
    ids=[
        "option",
        "no-attribute",
        "import",
        "no-factory",
        "fails",
        "no-enricher",
        "twice",
        "ours",
    ],
)
def test_what_cannot_be_used_is_refused_with_its_package(
    tmp_path: Path,
    install: Install,
    distributions: dict[str, dict[str, str]],
    content: str,
    problem: str,
) -> None:
    """When the worker starts: no product ever meets it."""
    for distribution, parts in distributions.items():
        install(distribution, **parts)

    with pytest.raises(ConfigurationError) as caught:
        make_all(read(tmp_path, content))

    assert problem in str(caught.value)
