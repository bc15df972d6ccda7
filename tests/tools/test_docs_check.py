from pathlib import Path

from tools.docs_check import broken_links, ci_differences, ties, undescribed_codes

README = "# It\n\n<!-- ci -->\n```sh\nmake check  # all of it\nmake test\n```\n"
SCRIPT = "#!/usr/bin/env bash\nset -euo pipefail\ncd somewhere\nmake check\nmake test\n"


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_a_readme_that_says_what_ci_runs_is_clean(tmp_path: Path) -> None:
    assert ci_differences(_tree(tmp_path, {"README.md": README, ".ci/run": SCRIPT})) == []


def test_a_readme_that_says_something_else_is_refused(tmp_path: Path) -> None:
    files = {"README.md": README.replace("make test\n", ""), ".ci/run": SCRIPT}
    assert len(ci_differences(_tree(tmp_path, files))) == 1


def test_a_link_to_no_file_and_to_no_heading_are_refused(tmp_path: Path) -> None:
    page = "# A page\n[good](#a-page) [gone](gone.md) [nowhere](#b-page) [far](https://example.org)\n"
    assert [problem.partition("the link ")[2] for problem in broken_links(_tree(tmp_path, {"a.md": page}))] == [
        "gone.md leads to no file",
        "#b-page leads to no heading",
    ]


def test_a_path_of_the_checkout_is_refused(tmp_path: Path) -> None:
    found = ties(_tree(tmp_path, {"a.txt": f"fine\nsee {tmp_path}/a.txt\n"}))
    assert len(found) == 1
    assert found[0].startswith("a.txt:2:")


def test_the_address_of_an_index_is_refused(tmp_path: Path) -> None:
    host = "files.PythonHosted.org".lower()
    assert len(ties(_tree(tmp_path, {"a.lock": f"https://{host}/x\n"}))) == 1


def test_a_code_without_a_description_and_a_description_without_a_code_are_refused(tmp_path: Path) -> None:
    found = undescribed_codes(_tree(tmp_path, {"docs/errors.md": "| `no_rule` | … |\n| `no_such_code` | … |\n"}))
    assert "docs/errors.md: no_such_code is no code" in found
    assert "docs/errors.md: policy_error is not described" in found
    assert "docs/errors.md: no_rule is not described" not in found
