"""The operator page's own checks: types and style, its unit tests, and the definitions that are generated."""

import shutil

import pytest

from local.api_definitions import DEFINITIONS, OPERATOR, generated
from tests.page_build import OPERATOR as PAGE
from tests.page_build import npm

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.mark.parametrize("script", ["lint", "test"])
def test_a_script_of_the_page_passes(script: str) -> None:
    npm(PAGE.installed(), "run", script)


def test_the_definitions_are_those_of_the_session_api() -> None:
    assert generated(PAGE.installed()) == (OPERATOR / DEFINITIONS).read_text(), "run python -m local.api_definitions"


def test_the_page_runs_no_script_or_style_of_its_markup() -> None:
    markup = (PAGE.built() / "dist/index.html").read_text()
    assert "<style" not in markup
    assert "style=" not in markup
    assert "<script>" not in markup
    assert "http:" not in markup.replace("http://www.w3.org", "")
