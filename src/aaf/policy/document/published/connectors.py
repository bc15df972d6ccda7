"""`connectors` and `egress`: the settings of what runs actions here, and where its requests may go."""

from aaf.policy.document.published.shapes import Schema, closed, duration, rate, said, text, texts, whole


def connectors() -> Schema:
    """The key `connectors`."""
    return closed(
        "What runs actions here, and its settings.",
        {
            "files": closed(
                "Files beneath one folder.",
                {
                    "max_bytes": whole("The largest file that is read or written.", 1, 64 << 20),
                    "protect": texts("Patterns of files that are never touched."),
                    "root": text("The folder."),
                },
                "root",
            ),
            "http": closed(
                "Requests to listed destinations.",
                {
                    "allow": said(
                        "The destinations; or write only their hosts under `egress.allow`.",
                        type="array",
                        items=_destination(),
                    ),
                    "max_bytes": whole("The largest answer.", 1, 16 << 20),
                    "redact": texts("More names of fields that are kept out of what is recorded of answers."),
                    "redirects": whole("How many redirects are followed, each of them checked anew.", 0, 5),
                    "timeout": duration("How long a request may take."),
                },
            ),
        },
    )


def _destination() -> Schema:
    return closed(
        "One destination.",
        {
            "burst": whole("How many requests at once; goes with `rate`.", 1, 100_000),
            "credential": closed(
                "The secret that is put into requests to this destination.",
                {
                    "as": text("How: bearer, basic or header:NAME.", pattern="^(bearer|basic|header:.+)$"),
                    "secret": text("Its handle.", pattern="^[a-z][a-z0-9_]{0,63}$"),
                },
                "as",
                "secret",
            ),
            "host": text("A host, or *.example.com for those beneath one."),
            "methods": texts("GET and HEAD unless it is said."),
            "paths": texts("Only what lies beneath one of these.", pattern="^/"),
            "ports": said("443 unless it is said.", type="array", items=whole("A port.", 1, 65_535)),
            "rate": rate("How often."),
            "schemes": texts("https unless it is said.", enum=["http", "https"]),
        },
        "host",
    )


def egress() -> Schema:
    """The key `egress`."""
    return closed(
        "Where requests of this firewall may go.",
        {
            "allow": texts(
                "Hosts to which GET and HEAD over https are allowed: the short form of connectors.http.allow, never beside it."
            ),
            "unsafe_allow": said(
                "Exact origins whose address isn't checked. Leave it out unless an upstream of your own needs it.",
                type="array",
                items=closed(
                    "One origin.",
                    {
                        "address": text("The one IP address that it may have."),
                        "host": text("The host."),
                        "port": whole("The port.", 1, 65_535),
                        "scheme": said("The scheme.", enum=["http", "https"]),
                    },
                    "address",
                    "host",
                    "port",
                    "scheme",
                ),
            ),
        },
    )
