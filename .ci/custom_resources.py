"""Check rendered custom resources, and write what they come to in Kubernetes' own kinds.

`custom_resources.py RENDERED EXPANDED` reads each YAML file of a folder and writes it to the other,
with each WorkerDeployment as the Deployment that the Worker Controller makes of it, and each
WorkerResourceTemplate as the resource it makes: so linters that know only Kubernetes see every pod.
It ends with 1 and a line per problem, where there is one.

KEDA's resources are held against cloudcoil's models of KEDA's own definitions (2.16, the newest for
this Python; its `temporal` trigger is younger, and below). The Worker
Controller's have no published models: the ones below say what its API types say of the fields that
are used here (temporal.io/v1alpha1, as of the controller's 1.7, its general availability). So does
that of the Prometheus operator's PodMonitor.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from cloudcoil.models.keda import v1alpha1 as keda
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
Duration = Annotated[str, StringConstraints(pattern=r"^([0-9]+(h|m|s))+$")]


class Strict(BaseModel):
    """An unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class Reference(Strict):
    """A resource of the same namespace."""

    name: Name


class SecretKey(Strict):
    """One key of a Secret."""

    name: Name
    key: str


class Step(Strict):
    """One step of a progressive rollout."""

    rampPercentage: Annotated[int, Field(ge=1, le=99)]
    pauseDuration: Duration


class Rollout(Strict):
    """How new runs come to a new version."""

    strategy: Literal["Manual", "AllAtOnce", "Progressive"]
    steps: Annotated[list[Step], Field(max_length=20)] = []


class Sunset(Strict):
    """How long a version's pods outlive its last run."""

    scaledownDelay: Duration
    deleteDelay: Duration


class WorkerOptions(Strict):
    """Which Temporal, and which of its namespaces."""

    connectionRef: Reference
    temporalNamespace: Annotated[str, Field(min_length=1)]


class WorkerDeployment(Strict):
    """The spec of a WorkerDeployment; its pods are checked as a Deployment's."""

    workerOptions: WorkerOptions
    rollout: Rollout
    sunset: Sunset
    template: dict[str, Any]
    replicas: int | None = None


class Connection(Strict):
    """The spec of a Connection."""

    hostPort: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9.-]+:[0-9]+$")]
    mutualTLSSecretRef: Reference | None = None
    apiKeySecretRef: SecretKey | None = None


class WorkerResourceTemplate(Strict):
    """The spec of a WorkerResourceTemplate; what it makes is checked as that."""

    workerDeploymentRef: Reference
    template: dict[str, Any]


class TemporalTrigger(Strict):
    """KEDA passes a trigger's metadata on unchecked: its `temporal` scaler reads these (2.21)."""

    endpointFromEnv: str
    namespace: str | None = None
    namespaceFromEnv: str | None = None
    taskQueue: str
    queueTypes: Literal["workflow,activity"]
    workerDeploymentName: str
    workerDeploymentBuildId: str
    targetQueueSize: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*$")]
    activationTargetQueueSize: Annotated[str, StringConstraints(pattern=r"^[0-9]+$")] = "0"
    includeRunningWorkflowCount: Literal["true", "false"] = "false"


class Labels(Strict):
    """Chooses pods."""

    matchLabels: Annotated[dict[str, str], Field(min_length=1)]


class Relabeling(Strict):
    """Gives what is scraped a label."""

    targetLabel: str
    replacement: str


class Endpoint(Strict):
    """A named port of pods."""

    port: Name
    interval: Duration
    relabelings: list[Relabeling]


class PodMonitor(Strict):
    """The spec of a PodMonitor."""

    selector: Labels
    podMetricsEndpoints: Annotated[list[Endpoint], Field(min_length=1)]


SPECS: dict[tuple[str, str], type[Strict]] = {
    ("temporal.io/v1alpha1", "WorkerDeployment"): WorkerDeployment,
    ("temporal.io/v1alpha1", "Connection"): Connection,
    ("temporal.io/v1alpha1", "WorkerResourceTemplate"): WorkerResourceTemplate,
    ("monitoring.coreos.com/v1", "PodMonitor"): PodMonitor,
}
KEDA = {"ScaledObject": keda.ScaledObject, "TriggerAuthentication": keda.TriggerAuthentication}


def problems_of(document: dict[str, Any]) -> list[str]:
    """Check one document of a custom kind; of any other kind there is nothing to say."""
    api, kind = document["apiVersion"], document["kind"]
    try:
        if model := SPECS.get((api, kind)):
            model.model_validate(document["spec"])
        elif api == "keda.sh/v1alpha1":
            if kind not in KEDA:
                return [f"{api} {kind} is no kind this check knows"]
            known = KEDA[kind].model_validate(document)
            kept = known.model_dump(mode="json", by_alias=True, exclude_unset=True)
            unknown = _lost(document, kept)
            if unknown:
                return [f"unknown field {path}" for path in unknown]
            for trigger in document["spec"].get("triggers", []):
                TemporalTrigger.model_validate(trigger["metadata"])
        elif "." in api.partition("/")[0] and not api.partition("/")[0].endswith(".k8s.io"):
            return [f"{api} {kind} is no kind this check knows"]
    except ValidationError as error:
        return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return []


def _lost(given: Any, kept: Any, path: str = "") -> list[str]:
    """Name what a model dropped without a word: it ignores fields it does not know."""
    if isinstance(given, dict) and isinstance(kept, dict):
        return [
            name
            for key, value in given.items()
            for name in (
                _lost(value, kept[key], f"{path}.{key}") if key in kept else [f"{path}.{key}"]
            )
        ]
    if isinstance(given, list) and isinstance(kept, list):
        pairs = enumerate(zip(given, kept, strict=True))
        return [name for i, (a, b) in pairs for name in _lost(a, b, f"{path}.{i}")]
    return []


def expanded(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the Worker Controller makes of a document for one version; others as they are."""
    spec, metadata = document.get("spec", {}), document["metadata"]
    if document["kind"] == "WorkerDeployment":
        selector = {"matchLabels": spec["template"]["metadata"]["labels"]}
        made = {"selector": selector, "template": spec["template"]}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": made}
    if document["kind"] == "WorkerResourceTemplate":
        made = {**spec["template"], "metadata": metadata}
        if "scaleTargetRef" in made["spec"]:
            target = {"name": spec["workerDeploymentRef"]["name"]}
            made["spec"] = {**made["spec"], "scaleTargetRef": target}
        return made
    return document


def main() -> None:
    """Check every file of the one folder, and write it expanded to the other."""
    source, target = map(Path, sys.argv[1:])
    problems: dict[str, None] = {}
    for file in sorted(source.glob("*.yaml")):
        documents = [d for d in yaml.safe_load_all(file.read_text()) if d]
        made = [expanded(document) for document in documents]
        for document in (*documents, *made):
            label = f"{file.stem}: {document['kind']} {document['metadata']['name']}"
            problems |= dict.fromkeys(f"{label}: {said}" for said in problems_of(document))
        (target / file.name).write_text(yaml.safe_dump_all(made, sort_keys=False))
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
