"""As many requests as a server can answer, by `wrk`, which takes little of the machine itself."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scoring.asking import Request
from benchmarks.scoring.steady import Address

_MARK = "summary: "
_SCRIPT = """
local requests, at = {}, 0

function init(args)
   if args[2] ~= "" then wrk.headers["Authorization"] = "Bearer " .. args[2] end
   for line in io.lines(args[1]) do
      local path, body = line:match("^(%S+)\\t(.*)$")
      if body == "" then
         requests[#requests + 1] = wrk.format("GET", path)
      else
         wrk.headers["Content-Type"] = "application/json"
         requests[#requests + 1] = wrk.format("POST", path, nil, body)
      end
   end
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function done(summary, latency, _)
   local e = summary.errors
   io.write(string.format(
      'MARK{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "errors": %d}\\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      e.connect + e.read + e.write + e.status + e.timeout))
end
""".replace("MARK", _MARK)


@dataclass(frozen=True)
class Flood:
    """What one run of wrk found; `errors` are lost connections, time-outs and statuses other than 2xx."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


def require() -> None:
    """Ends with what to do where wrk is not installed."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed; on Debian and Ubuntu: apt-get install wrk")


def words(
    folder: Path, address: Address, requests: Sequence[Request], key: str, seconds: int, connections: int
) -> list[str]:
    """The command that asks these requests in turn; its script and its requests go into the folder."""
    script, asked = folder / "requests.lua", folder / "requests.txt"
    script.write_text(_SCRIPT, encoding="utf-8")
    asked.write_text("".join(f"{r.path}\t{r.body}\n" for r in requests), encoding="utf-8")
    url = f"http://{address.host}:{address.port}"
    told = ["--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    return ["wrk", *told, "--timeout", "10s", "--script", str(script), url, "--", str(asked), key]


def flood(command: Sequence[str]) -> Flood:
    """Runs such a command."""
    return read(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def read(printed: str) -> Flood:
    """What wrk printed."""
    line = next(line for line in printed.splitlines() if line.startswith(_MARK))
    return Flood(**json.loads(line.removeprefix(_MARK)))
