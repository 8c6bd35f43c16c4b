"""Ask the advisory database about every locked package. No answer is no clean bill of health, and is said so, loudly."""

import json
import subprocess
import sys

UNREACHABLE = ("connection", "timed out", "resolve", "unreachable", "proxy", "ssl", "403", "502", "503", "504")


def not_audited(why: str) -> int:
    stars = "*" * 100
    print(f"{stars}\nNOT AUDITED, which is not the same as passed: {why}\n{stars}")
    return 0


def main() -> int:
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner=off"]
    command += ["--timeout=20", "--format=json", "-r", "requirements/dev.txt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        if any(sign in done.stderr.lower() for sign in UNREACHABLE):
            return not_audited("the advisory database cannot be reached")
        print(done.stderr)
        return 1
    skipped = [p for p in packages if "skip_reason" in p]
    if len(skipped) == len(packages):
        return not_audited("the package registry here gives no advisories for any package")
    for package in skipped:
        print(f"audit: {package['name']}: {package['skip_reason']}")
    found = [(p["name"], p["version"], v) for p in packages for v in p.get("vulns", [])]
    for name, version, advisory in found:
        print(
            f"audit: {name} {version}: {advisory['id']}, fixed in {', '.join(advisory['fix_versions']) or 'nothing yet'}"
        )
    print(
        f"audit: {len(packages)} packages asked about, {len(found)} known vulnerabilities, {len(skipped)} without answer"
    )
    return 1 if found or skipped else 0


sys.exit(main())
