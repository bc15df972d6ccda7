"""A call bound to the signature of its function, before anybody decides: by position, by name, left to a default, `*args`, `**kwargs`.

What is judged is every parameter under its name, and what the function gets is rebuilt from what was judged. `*args` is a list and `**kwargs` an
object under their names. The receiver of a method is no parameter: policy sees none of its state.
"""

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, get_type_hints

from aaf_client.codecs import Codec, Unfit, codec_of, dict_of, list_of
from aaf_client.errors import Misuse
from aaf_client.models import Json


@dataclass(frozen=True, slots=True)
class Bound:
    """One call: what is judged of it, and the receiver of a method, which isn't."""

    params: dict[str, Json]
    receiver: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Binder:
    """How the calls of one function are bound."""

    name: str
    signature: inspect.Signature
    codecs: Mapping[str, Codec]
    owner: tuple[str, str] | None
    """Module and qualified name of the class whose method this is."""

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Self:
        """Read the signature of `function`.

        Raises:
            Misuse: it is no plain function or method, or a parameter has no codec.
        """
        if not isinstance(function, types.FunctionType | types.MethodType):
            raise Misuse("Only functions and methods can be guarded.", hint="Wrap anything else in a function.")
        if hasattr(function, "__signature__") or hasattr(function, "__wrapped__"):
            raise Misuse(
                "The function hides its signature behind another's.", hint="Put the guard next to the function itself."
            )
        try:
            hints = get_type_hints(function, include_extras=True)
        except Exception as error:
            raise Misuse(f"The annotations of {function.__name__} can't be read.") from error
        signature = inspect.signature(function, follow_wrapped=False)
        owner = _owner(function, signature)
        declared = list(signature.parameters.values())[1 if owner else 0 :]
        codecs = {one.name: _codec(function.__name__, one, hints) for one in declared}
        binder = cls(function.__name__, signature.replace(parameters=declared), codecs, owner)
        binder._check_defaults()
        return binder

    def _check_defaults(self) -> None:
        """Refuse a default that no call could send."""
        for name, parameter in self.signature.parameters.items():
            if parameter.default is not inspect.Parameter.empty:
                self._encoded(name, parameter.default)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Bound:
        """Every parameter of a call, under its name, as JSON.

        Raises:
            TypeError: as the call itself would.
            Misuse: a value is not what its parameter declares.
        """
        receiver, rest = (args[:1], args[1:]) if self.owner else ((), args)
        if self.owner and not receiver:
            msg = f"{self.name}() is called without its object"
            raise TypeError(msg)
        if self.owner and not _belongs(receiver[0], self.owner):
            raise Misuse(
                f"The first argument of {self.name} is not of the class that it stands in, and would not be judged.",
                hint="Give the first parameter another name than self or cls. Nothing was run.",
            )
        bound = self.signature.bind(*rest, **kwargs)
        bound.apply_defaults()
        return Bound({name: self._encoded(name, value) for name, value in bound.arguments.items()}, receiver)

    def unbind(self, params: Mapping[str, Json]) -> inspect.BoundArguments:
        """The arguments that the function gets, from what was decided.

        Raises:
            Misuse: what was decided doesn't fit the function.
        """
        if params.keys() != self.signature.parameters.keys():
            raise Misuse(
                f"What was decided for {self.name} has other parameters than the function.",
                hint="Give the function and the action type the same parameters.",
            )
        bound = inspect.BoundArguments(self.signature, {})
        for name, parameter in self.signature.parameters.items():
            value = self._decoded(name, params[name])
            bound.arguments[name] = tuple(value) if parameter.kind is inspect.Parameter.VAR_POSITIONAL else value
        return bound

    def _encoded(self, name: str, value: object) -> Json:
        kind = self.signature.parameters[name].kind
        try:
            if kind is inspect.Parameter.VAR_POSITIONAL:
                value = list(value)  # type: ignore[call-overload] # a tuple, of the binding's making
            return self.codecs[name].encode(value)
        except ValueError as error:
            raise self._unfit(name, error) from None

    def _decoded(self, name: str, value: Json) -> Any:  # noqa: ANN401 - whatever it is declared to be
        try:
            return self.codecs[name].decode(value)
        except ValueError as error:
            raise self._unfit(name, error) from None

    def _unfit(self, name: str, error: ValueError) -> Misuse:
        reason = str(error) if isinstance(error, Unfit) else "It doesn't fit its codec."
        return Misuse(f"The parameter {name} of {self.name} can't be judged: {reason}", hint="Nothing was run.")


def _owner(function: Callable[..., Any], signature: inspect.Signature) -> tuple[str, str] | None:
    """The class whose object or self is the first parameter, by where the function stands and what that is called."""
    if isinstance(function, types.MethodType):
        return None
    outer = function.__qualname__.rpartition(".")[0]
    first = next(iter(signature.parameters), "")
    is_method = outer and not outer.endswith("<locals>") and first in {"self", "cls"}
    return (function.__module__, outer) if is_method else None


def _belongs(receiver: object, owner: tuple[str, str]) -> bool:
    """Whether it is an object of that class, that class, or one beneath it."""
    line = (*type(receiver).__mro__, *(receiver.__mro__ if isinstance(receiver, type) else ()))
    return any((one.__module__, one.__qualname__) == owner for one in line)


def _codec(function: str, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> Codec:
    name = parameter.name
    if name not in hints:
        raise Misuse(f"The parameter {name} of {function} declares no type.", hint="Declare every parameter's type.")
    try:
        codec = codec_of(hints[name])
    except Unfit:
        raise Misuse(
            f"The parameter {name} of {function} is of a type that can't be judged.",
            hint="Use a JSON type, or bring a codec along: Annotated[T, Codec(encode, decode)].",
        ) from None
    match parameter.kind:
        case inspect.Parameter.VAR_POSITIONAL:
            return list_of(codec)
        case inspect.Parameter.VAR_KEYWORD:
            return dict_of(codec)
        case _:
            return codec
