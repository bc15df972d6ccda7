"""Stand-ins for guards: each lets everything through in the shape that the guard's caller expects.

Choose the one whose result means "nothing wrong" to the caller. A stand-in that makes the caller crash proves nothing:
`make attacks` reports a test that ends in a TypeError or an AttributeError as not found.
"""


def returns_none(*args: object, **kwargs: object) -> None:
    """Stand in for a check that raises."""


def returns_true(*args: object, **kwargs: object) -> bool:
    return True


def returns_false(*args: object, **kwargs: object) -> bool:
    return False


def returns_empty_tuple(*args: object, **kwargs: object) -> tuple[()]:
    """Stand in for a check that returns what it found."""
    return ()


def returns_empty_list(*args: object, **kwargs: object) -> list[object]:
    return []


def returns_empty_dict(*args: object, **kwargs: object) -> dict[str, object]:
    return {}


def returns_empty_string(*args: object, **kwargs: object) -> str:
    return ""


def returns_zero(*args: object, **kwargs: object) -> int:
    return 0


def returns_far_future(*args: object, **kwargs: object) -> int:
    """Stand in for a deadline in microseconds: the year 2286."""
    return 10_000_000_000_000_000


def first_argument(*args: object, **kwargs: object) -> object:
    """Stand in for a function that changes or cleans a value; of a method the first argument is the object itself."""
    return args[0] if args else next(iter(kwargs.values()))


def second_argument(*args: object, **kwargs: object) -> object:
    """Stand in for a method that changes or cleans a value."""
    return args[1] if len(args) > 1 else next(iter(kwargs.values()))


def empty_like(value: object) -> object:
    """Replace a constant collection by an empty one of its kind."""
    return type(value)()


def huge(value: object) -> int:
    """Replace a constant limit by one that nothing reaches."""
    return 1 << 62


nothing = returns_none


def no_time(*args: object, **kwargs: object) -> float:
    """Stand in for how long is waited, in seconds."""
    return 0.0
