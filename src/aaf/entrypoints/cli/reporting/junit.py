"""JUnit XML of test results, as continuous integration reads it: one `testsuite` a file, one `testcase` a test.

Times are left out: a result is the same wherever it ran.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from aaf.entrypoints.cli.reporting.results import Kind, Result
from aaf.entrypoints.cli.terminal.output import inert
from aaf.entrypoints.cli.terminal.stopping import Stopped

_READ = ("", "actions", "policies")
"""Folders of a configuration in which every file has a meaning."""


def write_junit(path: Path, results: Sequence[Result], folders: Iterable[Path]) -> None:
    """Write them; a file that is there is written over, as the run before wrote it. `folders` hold the configurations that were tested.

    Raises:
        Stopped: it can't be written, or would be taken for a part of a configuration.
    """
    if path.absolute().parent in {(one / part).absolute() for one in folders for part in _READ}:
        raise Stopped(
            "file_unusable",
            f"{path} would lie among the configuration's own files, which would not load any more.",
            hint="Name a file in another folder, such as build/.",
        )
    try:
        path.write_bytes(junit(results))
    except OSError as failure:
        hint = "Name a file in a folder of yours."
        raise Stopped("file_unusable", f"{path} can't be written: {failure.strerror}.", hint=hint) from None


def junit(results: Sequence[Result]) -> bytes:
    """The document, in UTF-8. What a file or a policy wrote is inert in it, so that it is XML whatever that is."""
    root = Element("testsuites", _counts(results), name="aaf")
    for file in dict.fromkeys(one.file for one in results):
        of_file = [one for one in results if one.file == file]
        suite = SubElement(root, "testsuite", _counts(of_file), name=inert(file))
        for one in of_file:
            case = SubElement(suite, "testcase", name=inert(one.name), classname=inert(file), file=inert(file))
            case.set("line", str(one.line))
            if one.kind is not Kind.PASS:
                tag = "error" if one.kind is Kind.ERROR else "failure"
                what = SubElement(case, tag, message=inert(one.lines[0] if one.lines else one.kind), type=one.kind)
                what.text = "\n".join(map(inert, one.lines))
            if one.printed:
                SubElement(case, "system-out").text = "\n".join(map(inert, one.printed))
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _counts(results: Sequence[Result]) -> dict[str, str]:
    errors = sum(one.kind is Kind.ERROR for one in results)
    failures = sum(one.kind in (Kind.FAIL, Kind.UNDEFINED) for one in results)
    return {"errors": str(errors), "failures": str(failures), "skipped": "0", "tests": str(len(results))}
