"""An import contract that names what is allowed, where import-linter's own name what is forbidden.

A list of forbidden modules is out of date with the next release of Python; a list of allowed ones fails towards the
question. Only direct imports are looked at: what an allowed third party imports is its own business.
"""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


class OnlyImports(Contract):
    """Modules may import themselves and the named packages, and nothing else.

    Options: `modules` (packages that are held), `allowed` (packages that they may import; `a.b` covers `a.b.c`).
    """

    modules = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 - import-linter's signature
        """Compare each direct import of the held modules with the list."""
        found: list[tuple[str, str, int]] = []
        held: list[str] = self.modules  # type: ignore[assignment]  # a field reads as its value
        allowed: list[str] = self.allowed  # type: ignore[assignment]
        missing = [package for package in held if package not in graph.modules]
        for importer in sorted(graph.modules):
            if not any(_within(importer, package) for package in held):
                continue
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                if any(_within(imported, package) for package in allowed):
                    continue
                details = graph.get_import_details(importer=importer, imported=imported)
                found.append((importer, imported, details[0]["line_number"] if details else 0))
        return ContractCheck(kept=not found and not missing, metadata={"found": found, "missing": missing})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line per import that is not on the list."""
        for package in check.metadata["missing"]:
            output.print_error(f"{package} does not exist", bold=False)
        for importer, imported, line in check.metadata["found"]:
            output.print_error(f"{importer} imports {imported} (line {line}), which is not on its list", bold=False)
