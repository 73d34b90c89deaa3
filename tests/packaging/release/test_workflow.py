"""The workflow that makes a release: what can be said of it without running it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = ROOT / ".github" / "workflows"
TEXT = (WORKFLOWS / "release.yml").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load(TEXT)
STEPS = [(name, step) for name, job in WORKFLOW["jobs"].items() for step in job["steps"]]
SECRET = re.compile(r"\$\{\{\s*(secrets\.|github\.token)")


def test_secrets_are_in_the_environment_of_single_steps_only():
    held = sum(len(SECRET.findall(str(step.get("env", {})))) for _job, step in STEPS)
    assert held == len(SECRET.findall(TEXT)) > 0


def test_only_the_job_that_puts_the_draft_up_may_write():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    allowed = {name: job["permissions"] for name, job in WORKFLOW["jobs"].items() if "permissions" in job}
    assert allowed == {"draft": {"contents": "write"}}
    assert "--draft" in TEXT


def test_actions_are_those_that_the_tests_use_or_pass_files_between_jobs():
    used = {step["uses"] for _job, step in STEPS if "uses" in step}
    known = set(re.findall(r"uses: (\S+)", (WORKFLOWS / "ci.yml").read_text(encoding="utf-8")))
    assert {name.partition("@")[0] for name in used - known} == {"actions/upload-artifact", "actions/download-artifact"}


def test_every_script_that_it_runs_is_there():
    named = {
        path.replace("\\", "/") for path in re.findall(r"(?:packaging|installer)[/\\][\w/\\.]+\.(?:py|sh|ps1)", TEXT)
    }
    assert {path for path in named if not (ROOT / path).is_file()} == set()
    assert {"installer/windows/build.ps1", "installer/macos/build.sh", "packaging/release/publish.py"} <= named


def test_every_variable_for_certificates_is_explained_to_whoever_makes_a_release():
    guide = (ROOT / "packaging" / "README.md").read_text(encoding="utf-8")
    sources = [*(ROOT / "packaging" / "release").glob("*.py"), ROOT / "installer" / "macos" / "build.sh"]
    read = {name for path in sources for name in re.findall(r"\bHEARTH_[A-Z_]+\b", path.read_text(encoding="utf-8"))}
    asked = set(re.findall(r"(?:secrets|vars)\.(HEARTH_\w+)", TEXT))
    inner = {"HEARTH_ICON", "HEARTH_VERSION_RESOURCE", "HEARTH_ENTITLEMENTS"}  # from one part of a build to the next
    inner.add("HEARTH_HOME")  # for the Hearth that is tried
    assert {name for name in (read | asked) - inner if f"`{name}`" not in guide} == set()


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="needs shellcheck")
@pytest.mark.parametrize(("job", "step"), [(job, step) for job, step in STEPS if "run" in step and job != "windows"])
def test_shellcheck_has_nothing_to_say_about_a_step(job, step):
    shell = "sh" if job == "linux" else "bash"  # a container's shell is the plain one
    done = subprocess.run(
        ["shellcheck", f"--shell={shell}", "-"], input=step["run"], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
