"""What no linter knows of deploy/: that it fits the modules, the settings and itself.

`.ci/manifests` checks the rest: schemas, probes, security contexts.
"""

import os
import re
import shutil
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from manifests import (
    DEPLOY,
    KUBERNETES,
    Document,
    assert_whole,
    container,
    environment,
    load,
    only,
    rendered,
    services,
    workloads,
)
from running_system import ROOT

from contextworker.core.registry import ModuleConfig

PROMETHEUS = DEPLOY / "observability" / "prometheus" / "prometheus.yaml"
MODULES = sorted(entry_points(group="contextworker.modules").names)


@pytest.fixture(scope="module")
def everything() -> list[Document]:
    """What `kubectl apply -k deploy/kubernetes` applies."""
    return rendered(".")


@pytest.fixture(scope="module")
def controlled() -> list[Document]:
    """The same with Temporal's Worker Controller."""
    return rendered("controller")


def of(documents: list[Document], module: str) -> list[Document]:
    """Choose the documents of one module."""
    label = "app.kubernetes.io/name"
    return [d for d in documents if d["metadata"].get("labels", {}).get(label) == module]


def worker_name(module: str) -> str:
    """Spell a module's worker as Kubernetes and Compose may: without underscores."""
    return f"{module.replace('_', '-')}-worker"


def seconds(text: str) -> float:
    """Read compose's durations, of seconds."""
    return float(text.removesuffix("s"))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_deployed_in_each_way(module: str) -> None:
    """A module that can run can be deployed: a compose file, an overlay of each kind, listed."""
    assert f"compose/{module}.yaml" in load(DEPLOY / "compose.yaml")["include"]
    for folder in (KUBERNETES, KUBERNETES / "controller"):
        assert module in load(folder / "kustomization.yaml")["resources"]
    service = load(DEPLOY / "compose" / f"{module}.yaml")["services"][worker_name(module)]
    assert module == service["build"]["args"]["MEMBER"]


@pytest.mark.parametrize("module", MODULES)
def test_an_overlay_agrees_with_itself_and_its_module(
    everything: list[Document], module: str
) -> None:
    """The worker says it is the version that is scaled, and its queue is the one measured."""
    documents = of(everything, module)
    config: ModuleConfig = entry_points(group="contextworker.modules")[module].load()
    deployment, scaled = only(documents, "Deployment"), only(documents, "ScaledObject")
    trigger = scaled["spec"]["triggers"][0]["metadata"]
    variables = environment(everything, deployment)
    version = variables["TEMPORAL_WORKER_BUILD_ID"]
    assert version is not None
    name = f"{worker_name(module)}-{version.replace('.', '-').replace('+', '-')}"

    assert (config.name, config.queue) == (trigger["workerDeploymentName"], trigger["taskQueue"])
    assert config.name == variables["TEMPORAL_DEPLOYMENT_NAME"]
    assert "first" == variables["CONTEXTWORKER_PROMOTION"], "or an apply would be a promotion"
    assert version == trigger["workerDeploymentBuildId"]
    assert f"contextworker/{module}:{version}" == container(deployment)["image"]
    assert name == deployment["metadata"]["name"] == scaled["spec"]["scaleTargetRef"]["name"]
    assert 0 == scaled["spec"]["minReplicaCount"]
    assert [version] == sorted(
        {d["metadata"]["labels"]["app.kubernetes.io/version"] for d in documents}
    )


@pytest.mark.parametrize("module", MODULES)
def test_the_controllers_variant_measures_the_modules_queue(
    controlled: list[Document], module: str
) -> None:
    """Its scaling belongs to its own worker, and the worker never promotes itself."""
    documents = of(controlled, module)
    config: ModuleConfig = entry_points(group="contextworker.modules")[module].load()
    worker = only(documents, "WorkerDeployment")
    attached = [d["spec"] for d in documents if d["kind"] == "WorkerResourceTemplate"]
    (scaling,) = (s["template"] for s in attached if s["template"]["kind"] == "ScaledObject")

    assert config.queue == scaling["spec"]["triggers"][0]["metadata"]["taskQueue"]
    assert {worker["metadata"]["name"]} == {s["workerDeploymentRef"]["name"] for s in attached}
    assert 1 <= scaling["spec"]["minReplicaCount"], "or a new version is never promoted"
    variables = environment(controlled, worker)
    assert "never" == variables["CONTEXTWORKER_PROMOTION"]
    assert {"TEMPORAL_DEPLOYMENT_NAME", "TEMPORAL_WORKER_BUILD_ID"}.isdisjoint(variables)


def test_what_is_referred_to_is_there(
    everything: list[Document], controlled: list[Document]
) -> None:
    """Renaming by overlays leaves no reference behind, and a selector finds its own pods only."""
    assert_whole(everything)
    assert_whole(controlled)


def test_two_versions_run_side_by_side(tmp_path: Path) -> None:
    """Upgraded as docs/deploying.md says, a module's new version shares nothing with the old."""
    folder = tmp_path / "kubernetes"
    shutil.copytree(KUBERNETES, folder)
    shutil.copytree(folder / "harvest", folder / "harvest-0.1.0")
    (command,) = re.findall(
        r"sed -i '([^']+)' deploy/kubernetes/harvest/kustomization.yaml",
        (ROOT / "docs" / "deploying.md").read_text(),
    )
    upgraded = folder / "harvest" / "kustomization.yaml"
    subprocess.run(["sed", "-i", command, upgraded], check=True)
    everything = folder / "kustomization.yaml"
    everything.write_text(everything.read_text() + "  - harvest-0.1.0\n")
    documents = rendered(str(folder))
    images = {container(w)["image"] for w in workloads(of(documents, "harvest"))}

    assert {"contextworker/harvest:0.1.0", "contextworker/harvest:0.2.0"} == images
    assert_whole(documents)


@pytest.mark.parametrize("component", ["temporal-api-key", "temporal-mtls"])
@pytest.mark.parametrize("overlay", ["gateway", *MODULES])
def test_credentials_for_temporal_fit_every_overlay(
    everything: list[Document], tmp_path: Path, overlay: str, component: str
) -> None:
    """The component reaches the pods, and what KEDA is referred to is made beside it."""
    paths = [os.path.relpath(KUBERNETES / name, tmp_path) for name in (overlay, component)]
    (tmp_path / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        f"resources: [{paths[0]}]\ncomponents: [{paths[1]}]\n"
    )
    documents = rendered(str(tmp_path))
    shared = rendered(f"common/{component}")
    pods = only(documents, "Deployment")["spec"]["template"]["spec"]
    sources = container(only(documents, "Deployment"))["envFrom"]
    scaled = [d for d in documents if d["kind"] == "ScaledObject"]
    names = {d["metadata"]["name"] for d in shared}

    assert pods["securityContext"]["fsGroup"], "or the process could not read the certificate"
    assert {next(iter(source.values()))["name"] for source in sources} & names
    assert [overlay != "gateway"] == [bool(scaled)]
    assert all(s["spec"]["triggers"][0]["authenticationRef"]["name"] in names for s in scaled)


@pytest.mark.parametrize("overlay", ["gateway", *MODULES, "controller"])
def test_traces_reach_the_collector(tmp_path: Path, overlay: str) -> None:
    """The component gives pods the address that is made beside it, with the way there."""
    paths = [os.path.relpath(KUBERNETES / name, tmp_path) for name in (overlay, "traces")]
    (tmp_path / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        f"resources: [{paths[0]}]\ncomponents: [{paths[1]}]\n"
    )
    shared = rendered("common/traces")
    policy, told = only(shared, "NetworkPolicy")["spec"], only(shared, "ConfigMap")
    found = workloads(rendered(str(tmp_path)))
    (address,) = told["data"].values()

    assert found
    assert all({"configMapRef": {"name": "traces"}} in container(one)["envFrom"] for one in found)
    assert [{"protocol": "TCP", "port": int(address.rpartition(":")[2])}] == policy["egress"][0][
        "ports"
    ]
    for one in found:
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert policy["podSelector"]["matchLabels"].items() <= labels.items()


def test_both_variants_run_the_same_pods(
    everything: list[Document], controlled: list[Document]
) -> None:
    """The controller's pods are the plain ones, but for what names their version."""

    def pods(documents: list[Document], kind: str) -> dict[str, Document]:
        found = {}
        for workload in (d for d in documents if d["kind"] == kind):
            module = workload["metadata"]["labels"]["app.kubernetes.io/name"]
            spec = workload["spec"]["template"]["spec"] | {"serviceAccountName": ""}
            del spec["topologySpreadConstraints"]
            (only_one,) = spec["containers"]
            kept = {k: v for k, v in only_one.items() if k not in ("env", "envFrom")}
            found[module] = spec | {"containers": [kept]}
        return found

    plain = pods(everything, "Deployment")
    del plain["gateway"]
    assert plain == pods(controlled, "WorkerDeployment")


def test_every_variable_is_a_setting() -> None:
    """A misspelt variable would be ignored, and the setting stay at its default."""
    text = (ROOT / "docs" / "settings.md").read_text()
    known = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", text))
    used = {
        variable
        for file in DEPLOY.rglob("*")
        if file.is_file()
        for variable in re.findall(
            r"\b(?:CONTEXTWORKER_[A-Z_]*[A-Z]|OTEL_[A-Z_]+|TEMPORAL_[A-Z_]+|BRAIN_[A-Z]+|WORKER_[A-Z]+)\b",
            file.read_text(),
        )
    }
    elsewhere = {
        "BRAIN_PASSWORD",  # deploy/.env
        "TEMPORAL_PASSWORD",
        "TEMPORAL_CODEC_ENDPOINT",  # of Temporal's UI
        "CONTEXTWORKER_MEMBER",  # the image's own: which member it runs
        "CONTEXTWORKER_MAX_CONCURRENT",  # said of two settings in a dashboard
    }

    unknown = used - known - elsewhere
    assert [] == sorted(v for v in unknown if not v.startswith("TEMPORAL_TLS"))  # TEMPORAL_TLS_*


def test_ports_agree(everything: list[Document], controlled: list[Document]) -> None:
    """Probes, network policies, compose and Prometheus mean the ports that processes listen on."""
    compose = services()
    workers = [s for name, s in compose.items() if name.endswith("-worker")]
    settings = [
        *(environment(d, w) for d in (everything, controlled) for w in workloads(d)),
        *(s["environment"] for s in (*workers, compose["gateway"])),
    ]
    probed = {
        probe["grpc"]["port"]
        for documents in (everything, controlled)
        for workload in workloads(documents)
        for kind in ("startupProbe", "readinessProbe", "livenessProbe")
        for probe in [container(workload)[kind]]
    }
    scraped = {
        sd["port"]
        for job in load(PROMETHEUS)["scrape_configs"]
        for sd in job.get("dns_sd_configs", [])
    }
    admitted = {
        port["port"]
        for policy in (*everything, *controlled)
        if policy["kind"] == "NetworkPolicy"
        for rule in policy["spec"].get("ingress", [])
        for port in rule["ports"]
    }

    assert {"0.0.0.0:9464"} == {s["CONTEXTWORKER_METRICS_ADDRESS"] for s in settings}
    assert {9464} == scraped
    health = {s.get("CONTEXTWORKER_HEALTH_ADDRESS") for s in settings}
    assert {"0.0.0.0:50053", None} >= health
    ports = {s.get("WORKER_PORT") for s in settings}
    assert {"50052", None} == ports
    assert {50052, 50053} == probed
    assert {50052, 9464} == admitted
    assert ["127.0.0.1:50052:50052"] == compose["gateway"]["ports"]


def test_every_pod_is_scraped_as_the_job_that_rules_ask_by(
    everything: list[Document], controlled: list[Document]
) -> None:
    """One PodMonitor finds it, by a port it has, under a name that Compose's Prometheus uses."""
    own = {j["job_name"] for j in load(PROMETHEUS)["scrape_configs"]} - {"temporal"}
    monitors = rendered("monitoring")
    jobs: dict[str, set[str]] = {}
    for workload in workloads([*everything, *controlled, *rendered("codec-server")]):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        ports = {port["name"] for port in container(workload)["ports"]}
        (spec,) = (
            monitor["spec"]
            for monitor in monitors
            if monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
        )
        (endpoint,) = spec["podMetricsEndpoints"]
        (job,) = (r["replacement"] for r in endpoint["relabelings"] if r["targetLabel"] == "job")
        assert endpoint["port"] in ports
        jobs.setdefault(job, set()).add(labels["app.kubernetes.io/name"])

    assert {"workers": {*MODULES}, "gateway": {"gateway"}, "codec-server": {"codec-server"}} == jobs
    assert own == jobs.keys()


@pytest.mark.parametrize("variant", [".", "controller"])
def test_tools_of_code_in_the_sandbox_reach_the_gateway(
    everything: list[Document], controlled: list[Document], variant: str
) -> None:
    """It is where they look for it, and both ends' policies let them through."""
    documents = everything if variant == "." else controlled
    (worker,) = workloads(of(documents, "sandbox"))
    policies = {d["metadata"]["name"]: d["spec"] for d in documents if d["kind"] == "NetworkPolicy"}
    (service,) = (d for d in documents if d["kind"] == "Service")
    labels = worker["spec"]["template"]["metadata"]["labels"]
    (own,) = (p for name, p in policies.items() if name.startswith("sandbox-worker"))
    ways = [
        (to["podSelector"]["matchLabels"], rule["ports"][0]["port"])
        for rule in own["egress"]
        for to in rule.get("to", [])
        if "podSelector" in to
    ]
    admitted = [
        peer["podSelector"]["matchLabels"]
        for rule in policies["gateway"]["ingress"]
        for peer in rule["from"]
        if "podSelector" in peer
    ]

    address = f"{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    assert address == environment(documents, worker)["WORKER_ADDRESS"]
    assert [({"app.kubernetes.io/name": "gateway"}, 50052)] == ways
    assert any(peer.items() <= labels.items() for peer in admitted)
    assert address == services()["sandbox-worker"]["environment"]["WORKER_ADDRESS"]


def test_no_drain_is_cut_short(everything: list[Document], controlled: list[Document]) -> None:
    """SIGKILL comes later than the grace period that the process was given."""
    graces = ("CONTEXTWORKER_SHUTDOWN_GRACE_S", "CONTEXTWORKER_GATEWAY_SHUTDOWN_GRACE_S")
    allowed = [
        (w["spec"]["template"]["spec"]["terminationGracePeriodSeconds"], environment(d, w))
        for d in (everything, controlled)
        for w in workloads(d)
    ]
    allowed += [
        (seconds(service["stop_grace_period"]), service["environment"])
        for service in services().values()
        if "build" in service
    ]
    gateway = {"CONTEXTWORKER_GATEWAY_HOST"}

    assert len(allowed) == 3 * (len(MODULES) + 1) + 1  # and the codec server, in Compose
    for limit, variables in allowed:
        grace = variables.get(graces[bool(gateway & variables.keys())]) or "10"  # the default
        assert limit >= float(grace) + 10


def test_no_secret_stands_in_a_file() -> None:
    """Manifests name Secrets and never make them; the example of .env has no password to keep."""
    texts = [file.read_text() for file in KUBERNETES.rglob("*.yaml")]
    example = (DEPLOY / ".env.example").read_text()
    variables = re.findall(r"^#? ?([A-Z_]+)=(.*)$", example, flags=re.MULTILINE)
    compose = [DEPLOY / "compose.yaml", *(DEPLOY / "compose").glob("*.yaml")]
    asked = {v for f in compose for v in re.findall(r"\$\{([A-Z_]+)", f.read_text())}

    assert not any(re.search(r"^kind: Secret$", text, flags=re.MULTILINE) for text in texts)
    assert [] == [name for name, value in variables if name.endswith("PASSWORD") and value]
    assert asked <= {name for name, _ in variables}
