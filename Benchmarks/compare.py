"""Runs our benchmark program and the peers' in turn and prints one table.

Each repetition runs all programs once, one after the other, so that a busy machine is busy for all of them; the
smallest CPU time of each counts. All run on one thread. Every program reports a number that says what it computed,
and numbers that disagree end the comparison.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent
ours = root / ".build/release/crossmodal-benchmarks"
python = root / ".venv/bin/python"
repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 3
environment = dict(os.environ) | {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}


def measurements(*command):
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {command[0]} failed: {done.stderr.strip()[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


best = {}
with tempfile.TemporaryDirectory() as folder:
    measurements(ours, "prepare", folder)
    programs = [(ours, "measure", folder)]
    if python.exists():
        programs.append((python, root / "Benchmarks/peers.py", folder))
        programs.append((python, root / "Benchmarks/peers_torch.py"))
        programs.append((python, root / "Benchmarks/peers_vsepp.py", folder))
        programs.append((python, root / "Benchmarks/peers_metric.py"))
        programs.append((python, root / "Benchmarks/peers_san.py", folder))
        programs.append((python, root / "Benchmarks/peers_locvtp.py", folder))
        programs.append((python, root / "Benchmarks/peers_captions.py", folder))
    for repetition in range(repetitions):
        print(f"bench: repetition {repetition + 1} of {repetitions}", file=sys.stderr)
        for program in programs:
            for found in measurements(*map(str, program)):
                key = (found["work"], found["program"])
                if key not in best or found["seconds"] < best[key]["seconds"]:
                    best[key] = found

reference = {work: found for (work, program), found in best.items() if program == "CrossModal"}
wide = 2 + max(len(work) for work in reference)
programs = 2 + max(len(program) for _, program in best)
print(f"{'work':<{wide}}{'program':<{programs}}{'CPU seconds':>12}{'against ours':>14}")
failed = False
for (work, program), found in sorted(best.items(), key=lambda item: (item[0][0], item[1]["seconds"])):
    mine = reference[work]
    ratio = found["seconds"] / mine["seconds"]
    note = f"  {found['megabytes']:.0f} MB of memory" if "megabytes" in found else ""
    if not abs(found["check"] - mine["check"]) <= 1e-6 * max(1, abs(mine["check"])):
        approximate = found.get("approximate", False)
        note += f"  {'comes to' if approximate else 'result differs:'} {found['check']:.8f}, ours {mine['check']:.8f}"
        failed = failed or not approximate
    print(f"{work:<{wide}}{program:<{programs}}{found['seconds']:>12.3f}{ratio:>13.1f}x{note}")
sys.exit("bench: results that should agree do not" if failed else 0)
