"""The REST API of a cluster's dashboard, as Ray 2.60 has it: jobs, machines and applications of Serve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from toolchain.runners.base import RunnerError

OVER = ("SUCCEEDED", "FAILED", "STOPPED")
PENDING = "PENDING"
_MOST_MACHINES = 10_000


class Unreachable(RunnerError):
    """The cluster does not answer now."""

    def __init__(self, detail: str) -> None:
        super().__init__("ray_unreachable", f"The Ray cluster does not answer: {detail}", retry=True)


@dataclass(frozen=True)
class Machine:
    """A machine of the cluster that is there: `resources` in all by Ray's names (CPU, memory in bytes, GPU, …)."""

    name: str
    address: str
    resources: Mapping[str, float]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """A job as the cluster knows it; `began` is the Unix time of its submission."""

    status: str
    message: str
    began: float

    @property
    def over(self) -> bool:
        return self.status in OVER


class Cluster:
    """A cluster whose dashboard is at `address`; `token` is what it asks for (RAY_AUTH_MODE=token).

    All methods raise `Unreachable`, or `RunnerError` "ray_denied" for a wrong token and "ray_refused" for what the cluster does not accept.
    """

    def __init__(self, address: str, token: str = "", *, seconds: float = 10.0) -> None:
        self.address, self.seconds = address.rstrip("/"), seconds
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def machines(self) -> list[Machine]:
        """Return the machines that are there."""
        found = self._call("GET", f"/api/v0/nodes?detail=1&limit={_MOST_MACHINES}", missing=False)
        rows: list[dict[str, Any]] = found["data"]["result"]["result"]
        return [
            Machine(row["node_name"], row["node_ip"], row["resources_total"] or {}, row["labels"] or {})
            for row in rows
            if row["state"] == "ALIVE"
        ]

    def submit(self, job: Mapping[str, Any]) -> bool:
        """Submit a job; False where there is one with this `submission_id` already."""
        try:
            self._call("POST", "/api/jobs/", job, missing=False)
        except RunnerError as error:
            if error.code == "ray_refused" and "already exists" in error.detail:
                return False
            raise
        return True

    def job(self, key: str) -> Job | None:
        """Return a job, None where the cluster knows none."""
        found = self._call("GET", f"/api/jobs/{key}")
        return Job(found["status"], found["message"] or "", (found["start_time"] or 0) / 1000) if found else None

    def stop_job(self, key: str) -> None:
        """Ask a job to end, with SIGTERM to all of its processes."""
        self._call("POST", f"/api/jobs/{key}/stop")

    def delete_job(self, key: str) -> None:
        """Have the cluster forget a job that is over."""
        self._call("DELETE", f"/api/jobs/{key}")

    def serve(self) -> dict[str, Any]:
        """Return what Serve says of itself: `applications` by name, `proxies`, `http_options`."""
        found: dict[str, Any] = self._call("GET", "/api/serve/applications/", missing=False)
        return found

    def set_applications(self, config: Mapping[str, Any]) -> None:
        """Have Serve run these applications, and none that were set this way before and are not among them."""
        self._call("PUT", "/api/serve/applications/", config, missing=False, seconds=max(self.seconds, 60.0))

    def _call(self, method: str, path: str, body: Any = None, *, missing: bool = True, seconds: float | None = None) -> Any:
        """Return the answer's JSON; None for 404, where something may be `missing`."""
        try:
            with requests.Session() as session:
                # Neither proxies nor passwords of our environment are meant for the cluster.
                session.trust_env = False
                answer = session.request(
                    method,
                    f"{self.address}{path}",
                    json=body,
                    headers=self._headers,
                    timeout=(min(5.0, self.seconds), seconds or self.seconds),
                    allow_redirects=False,
                )
            if answer.status_code in (401, 403):
                raise RunnerError("ray_denied", "The Ray cluster refused our token: set RAY_TOKEN.")
            if answer.status_code == 404 and missing:
                return None
            if answer.status_code in (502, 503, 504):
                raise Unreachable(answer.text[:500])
            if answer.status_code != 200:
                raise RunnerError("ray_refused", f"The Ray cluster answered {answer.status_code}: {answer.text[-1500:].strip()}")
            return answer.json() if answer.content else None
        except requests.RequestException as error:
            raise Unreachable(str(error)) from error
