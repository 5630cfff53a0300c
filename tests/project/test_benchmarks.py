"""What the benchmarks write is fit for the page. Nothing here is measured."""

import ast
import importlib
import re

import pytest
from pages import DOCS, page

BENCHMARKS = DOCS.parent / "benchmarks"
MADE = DOCS / "costs"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def table(benchmark):
    figures = benchmark("figures")
    over = figures.Figure.of([2.6, 2.5, 2.7], budget=2.5)
    return figures.Table(
        "name",
        "Title",
        "How.",
        ("Auth", "x"),
        [("``other``", "none"), ("requests-ticktick, ``file``", over)],
    )


def test_a_figure_shows_its_budget_and_whether_it_was_kept(benchmark):
    """The middle first, then the least and the most."""
    figure = benchmark("figures").Figure.of

    assert str(figure([3, 1, 2], "us")) == "2 us (1 to 3)"
    assert str(figure([1.5], budget=2.5)) == "1.500, budget 2.5"
    assert str(figure([2.6], budget=2.5)) == "2.6, budget 2.5 OVER"


def test_a_table_is_shown_in_the_terminal_and_on_the_page(benchmark, table):
    """Ours is in bold there, which leaves no room for literals."""
    rendering = benchmark("rendering")

    shown = "2.6 (2.5 to 2.7), budget 2.5 OVER"
    assert rendering.text(table).splitlines() == [
        "",
        "Title",
        f"{'Auth':<27}  x",
        f"{'``other``':<27}  none",
        f"requests-ticktick, ``file``  {shown}",
    ]
    assert rendering.rst(table).splitlines() == [
        "How.",
        "",
        ".. list-table:: Title",
        "   :header-rows: 1",
        "   :stub-columns: 1",
        "",
        "   * - Auth",
        "     - x",
        "   * - ``other``",
        "     - none",
        "   * - **requests-ticktick, file**",
        f"     - **{shown}**",
    ]


def test_a_second_run_of_one_section_keeps_the_results_of_the_others(
    benchmark, table, tmp_path
):
    """``--only`` measures some again."""
    rendering, folder = benchmark("rendering"), tmp_path / "made"
    rendering.save(table, folder)
    table.name = "other"

    rendering.save(table, folder)

    results = (folder / "results.json").read_text(encoding="utf-8")
    assert re.findall(r'^ "(\w+)": ', results, re.M) == ["name", "other"]
    assert {path.name for path in folder.iterdir()} == {
        "name.rst",
        "other.rst",
        "results.json",
    }


def test_what_is_over_budget_is_listed(benchmark, table):
    """At the end of a run, which it does not fail."""
    (line,) = benchmark("rendering").over([table])

    assert line.startswith("name: requests-ticktick, ``file``: 2.6")


def test_each_peer_says_how_it_is_used_and_where_that_is_documented(benchmark):
    """The page shows these sentences."""
    for path in (BENCHMARKS / "peers").glob("[!_]*.py"):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert re.fullmatch(r"[\s\S]+\n\nhttps://\S+", text or ""), path.name


def test_the_tables_that_the_pages_include_are_there():
    """They are made by the benchmarks, and kept."""
    text = page("costs") + page("compare")

    included = re.findall(r"^\.\. include:: costs/(\S+)$", text, re.M)

    assert len(included) > 10
    assert [name for name in included if not (MADE / name).exists()] == []
