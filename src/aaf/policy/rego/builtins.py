"""The built-in functions that a module may call, with the number of their arguments, and why it may not call the others.

The table is of regorus 0.13.0, the engine that is pinned: an unknown function is an error there only when it is reached. What isn't
deterministic, or would reach out, is refused: a decision has to come out the same when it is judged again.
"""

from collections.abc import Mapping

from aaf.policy.rego.functions import Argument

_BY_ARITY = {
    1: """
        abs array.reverse base64.decode base64.encode base64.is_valid base64url.decode base64url.encode base64url.encode_no_pad
        bits.negate ceil count floor glob.quote_meta hex.decode hex.encode intersection is_array is_boolean is_null
        is_number is_object is_set is_string json.is_valid json.marshal json.unmarshal json.verify_schema lower max min
        net.cidr_expand net.cidr_is_valid object.keys object.union_n product regex.is_valid round semver.is_valid sort
        strings.reverse sum time.clock time.date time.parse_duration_ns time.parse_rfc3339_ns time.weekday to_number
        trim_space type_name union units.parse units.parse_bytes upper urlquery.decode urlquery.decode_object
        urlquery.encode urlquery.encode_object uuid.parse walk yaml.is_valid yaml.marshal yaml.unmarshal
        time.format rate_limit_exceeded
    """,
    2: """
        array.concat bits.and bits.lsh bits.or bits.rsh bits.xor concat contains endswith format_int graph.reachable
        graph.reachable_paths indexof indexof_n json.filter json.marshal_with_options json.match_schema json.patch
        json.remove net.cidr_contains numbers.range object.filter object.remove object.subset object.union regex.match
        regex.split semver.compare split sprintf startswith strings.any_prefix_match strings.any_suffix_match
        strings.count strings.replace_n time.diff time.parse_ns trim trim_left trim_prefix trim_right trim_suffix
    """,
    3: """
        array.slice glob.match numbers.range_step object.get regex.find_all_string_submatch_n regex.find_n regex.replace
        replace substring
    """,
    4: "regex.template_match time.add_date",
}

OWN: Mapping[str, tuple[Argument, ...]] = {
    "aaf.amount_compare": (Argument.AMOUNT, Argument.AMOUNT),
    "aaf.amount_greater": (Argument.AMOUNT, Argument.AMOUNT),
    "aaf.cidr_contains": (Argument.NETWORK, Argument.HOST),
    "aaf.host_matches": (Argument.HOST, Argument.PATTERN),
    "aaf.is_private_address": (Argument.HOST,),
    "aaf.path_beneath": (Argument.PATH, Argument.PATH),
    "aaf.within_hours": (Argument.TIME, Argument.ZONE, Argument.DAYS, Argument.CLOCK, Argument.CLOCK),
    "is_private_ip": (Argument.HOST,),
    "is_private_network": (Argument.HOST,),
}
"""AAF's own functions of values (`functions`), with what they take."""

BUILTINS = {name: arity for arity, names in _BY_ARITY.items() for name in names.split()} | {
    name: len(arguments) for name, arguments in OWN.items()
}
"""Functions that may be called. `rate_limit_exceeded(agent_id)` is AAF's own too; it looks a fact up."""

_NOT_DETERMINISTIC = (
    "its answer changes from call to call, and a decision must come out the same when it is judged again"
)
REFUSED = {
    "http.send": "a policy reaches nothing outside: what it needs to know is in `input`",
    "net.lookup_ip_addr": "a policy reaches nothing outside: what it needs to know is in `input`",
    "opa.runtime": "the process that judges is none of a policy's business",
    "print": "nobody reads what a policy prints; put what matters into `reason`",
    "trace": "nobody reads what a policy prints; put what matters into `reason`",
    "rand.intn": _NOT_DETERMINISTIC,
    "time.now_ns": f"{_NOT_DETERMINISTIC}; write `input.time`, the instant of the decision in nanoseconds",
    "uuid.rfc4122": _NOT_DETERMINISTIC,
}
"""Functions that exist somewhere and are refused here, each with its reason."""
