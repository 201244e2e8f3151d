"""The project as a whole: what its files promise each other."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted(path.relative_to(ROOT / "src") for path in (ROOT / "src").rglob("*.py"))
PLACES = ["*", *(f"{folder}/**/*" for folder in ("src", "tests", "docs", "scripts", "benchmarks"))]
ENDINGS = {".py", ".md", ".toml", ".yaml", ".sh", ".json"}
TEXTS = sorted(path for place in PLACES for path in ROOT.glob(place) if path.suffix in ENDINGS and path.is_file())
SCRIPTS = [".ci/run", *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("scripts/*.sh"))]
HEAVY = ("torch", "torchvision", "lightning", "scipy", "pandas", "matplotlib", "skimage", "pydicom", "napari", "qtpy")


def test_one_version():
    assert metadata.version("napari-farnet") == PROJECT["version"]
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert newest is not None
    assert newest[1] == PROJECT["version"]


def test_licence():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["license"] == "BSD-3-Clause"
    assert text.startswith("BSD 3-Clause License")
    assert PROJECT["authors"][0]["name"] in text


def test_the_base_has_no_qt_binding_and_the_extras_are_those_promised():
    names = {re.match(r"[\w.-]+", line)[0].lower() for line in PROJECT["dependencies"]}
    assert not names & {"pyqt5", "pyqt6", "pyside2", "pyside6"}
    assert not any(line.startswith("napari[") for line in PROJECT["dependencies"])
    assert set(PROJECT["optional-dependencies"]) == {"all", "dicom-sr", "itk", "onnx", "tensorboard", "timm"}


def test_every_version_bound_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text.split("dependencies = [", 1)[1].split("\n]", 1)[0]
    lines = [line for line in block.splitlines() if line.strip()]
    assert [line for line in lines if "#" not in line] == []


def test_the_packages_are_typed():
    for package in ("farnet", "napari_farnet"):
        assert (ROOT / "src" / package / "py.typed").is_file()


def test_the_manifest_is_valid_and_seen_at_the_top():
    from npe2 import PluginManifest

    link = ROOT / "napari.yaml"
    assert link.is_symlink()
    assert link.resolve() == ROOT / "src" / "napari_farnet" / "napari.yaml"
    manifest = PluginManifest.from_distribution("napari-farnet")
    assert manifest.name == PROJECT["name"]
    manifest.validate_imports()


def test_quick_start_is_two_commands_that_exist():
    quick_start = README.split("## Quick start", 1)[1].split("\n## ", 1)[0]
    commands = re.findall(r"^(?!#)(\S.*?)(?:\s+#.*)?$", re.search(r"```sh\n(.*?)```", quick_start, re.S)[1], re.M)
    assert commands == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands:
        assert re.search(rf"^{command.split()[1]}:", makefile, re.M)
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_run(script):
    assert (ROOT / script).stat().st_mode & 0o111
    subprocess.run(["sh", "-n", ROOT / script], check=True)


def test_commands_in_the_readme_are_those_of_the_command_line():
    from farnet.cli import app

    used = set(re.findall(r"^farnet (\w+)", README, re.M))
    assert used <= {command.name for command in app.registered_commands}
    assert {"detect", "evaluate", "train", "models", "info"} <= used


def test_links_in_documents_lead_somewhere():
    missing = []
    for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if not re.match(r"\w+:", target) and not (document.parent / target).exists():
                missing.append(f"{document.relative_to(ROOT)}: {target}")
    assert missing == []


def test_python_in_the_readme_uses_names_that_exist():
    import farnet

    for block in re.findall(r"```python\n(.*?)```", README, re.S):
        compile(block, "README.md", "exec")
        for names in re.findall(r"^from farnet import (.+)$", block, re.M):
            for name in names.split(", "):
                assert getattr(farnet, name)


def test_no_file_knows_the_machine_it_was_made_on():
    absolute = re.compile(r"(?<![\w.~<>{}$])/(?:home|root|Users|mnt|workspace|work)/[\w.]")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:80]}"
        for path in TEXTS
        if path != Path(__file__)
        for line in path.read_text(encoding="utf-8").splitlines()
        if absolute.search(line)
    ]
    assert found == []


def test_nothing_is_left_for_later():
    marks = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b")
    found = [str(path.relative_to(ROOT)) for path in TEXTS if marks.search(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_says_what_it_is_for(module):
    text = (ROOT / "src" / module).read_text(encoding="utf-8")
    assert text.startswith('"""'), f"{module} has no docstring"


def test_importing_the_package_is_quick():
    """The manifest's modules and the public names load nothing heavy before they are used."""
    check = f"import sys, farnet; dir(farnet); print([m for m in {HEAVY} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
