"""deploy/ as its readers see it: kustomizations rendered, compose files parsed."""

import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from running_system import ROOT

Document = dict[str, Any]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
_KUBECTL = Path(sysconfig.get_path("scripts")) / "kubectl"


def load(file: Path) -> Document:
    """Read a YAML file of one document."""
    document: Document = YAML(typ="safe", pure=True).load(file.read_text())
    return document


def rendered(folder: str) -> list[Document]:
    """Render a folder of deploy/kubernetes as `kubectl apply -k` would."""
    run = subprocess.run(
        [str(_KUBECTL), "kustomize", str(KUBERNETES / folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not run.returncode, run.stderr
    return list(YAML(typ="safe", pure=True).load_all(run.stdout))


def only(documents: list[Document], kind: str) -> Document:
    """Return the one document of a kind."""
    (document,) = (d for d in documents if d["kind"] == kind)
    return document


def container(workload: Document) -> Document:
    """Return the one container of a workload's pods."""
    (found,) = workload["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(documents: list[Document], workload: Document) -> dict[str, str | None]:
    """Merge what a workload's container gets from its ConfigMaps and its own list.

    None stands for a value that a Secret has.
    """
    maps = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
    values: dict[str, str | None] = {}
    for source in container(workload).get("envFrom", []):
        if reference := source.get("configMapRef"):
            values |= maps[reference["name"]]
    return values | {v["name"]: v.get("value") for v in container(workload).get("env", [])}


def workloads(documents: list[Document]) -> list[Document]:
    """Choose what makes pods."""
    return [d for d in documents if d["kind"] in ("Deployment", "WorkerDeployment")]


def assert_whole(documents: list[Document]) -> None:
    """Check that references name what is there, and that each selector means one workload."""
    names = {(d["kind"], d["metadata"]["name"]) for d in documents}
    assert len(names) == len(documents), "two of one name: the later would replace the earlier"
    pods = [w["spec"]["template"] for w in workloads(documents)]
    for workload, pod in zip(workloads(documents), pods, strict=True):
        maps = [s["configMapRef"] for s in container(workload)["envFrom"] if "configMapRef" in s]
        assert {("ConfigMap", m["name"]) for m in maps} <= names
        assert ("ServiceAccount", pod["spec"]["serviceAccountName"]) in names
        if options := workload["spec"].get("workerOptions"):
            assert ("Connection", options["connectionRef"]["name"]) in names
    for document in documents:
        spec = document.get("spec", {})
        if document["kind"] == "NetworkPolicy":
            assert {"Ingress", "Egress"} == set(spec["policyTypes"])
        if target := spec.get("scaleTargetRef"):
            (scaled,) = (d for d in workloads(documents) if d["metadata"]["name"] == target["name"])
            assert "replicas" not in scaled["spec"], "or each apply undoes what the scaler did"
        selector = spec.get("podSelector") or spec.get("selector") or {}
        if labels := selector.get("matchLabels", selector):
            found = [p for p in pods if labels.items() <= p["metadata"]["labels"].items()]
            assert len(found) == 1, f"{document['kind']} {document['metadata']['name']}: {labels}"


def services() -> dict[str, Document]:
    """Return the services of compose.yaml and of what it includes, `extends` resolved."""
    compose = load(DEPLOY / "compose.yaml")
    found: dict[str, Document] = dict(compose["services"])
    for included in compose["include"]:
        for name, service in load(DEPLOY / included)["services"].items():
            base = service["extends"]
            common = load((DEPLOY / included).parent / base["file"])["services"][base["service"]]
            merged = {**common.get("environment", {}), **service.get("environment", {})}
            found[name] = {**common, **service, "environment": merged}
    return found
