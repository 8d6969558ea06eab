"""The page in a wheel, and the one that is made at run time, are the same; .ci/run compares those of two installs."""

import shutil
from pathlib import Path

import pytest
from setuptools import Distribution

from notary import webpage
from notary.packaging import BuildPage


def build(folder: Path, editable: bool) -> Path:
    """Where the step puts the page into a wheel's tree, that Python's own step has filled."""
    step = BuildPage(Distribution({"packages": [], "script_name": "setup.py"}))
    step.build_lib = str(folder)
    step.ensure_finalized()
    step.editable_mode = editable
    (folder / "notary" / "web").mkdir(parents=True)
    step.run()
    return folder / "notary" / webpage.FINISHED


def test_a_wheel_has_the_finished_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_here = webpage.web_page()
    page = build(tmp_path, editable=False)
    assert page.read_bytes() == made_here
    # An install of that wheel reads it, and needs neither sources nor what shortens them.
    shutil.copytree(tmp_path / "notary", tmp_path / "installed" / "notary")
    monkeypatch.setattr(webpage, "_HERE", tmp_path / "installed" / "notary")
    monkeypatch.setattr(webpage, "shorten", None)
    assert webpage.web_page() == made_here


def test_nothing_is_left_in_the_source_tree(tmp_path: Path) -> None:
    assert not build(tmp_path, editable=True).exists()
    assert not (Path(webpage.__file__).parent / webpage.FINISHED).exists()
