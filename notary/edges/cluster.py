"""Many machines: tasks go to the workers of a Dask scheduler, through the standard library's executor interface.

Scheduler and workers must be trusted, and so must whoever reaches their ports: Dask runs what it is sent, here too,
and the workers read the evidence. `tls://` addresses take keys and certificates from distributed's own configuration.

The scheduler does lost workers' tasks again. What it leaves open is closed here: it waits for ever where no worker is
left, and futures may stay open where the connection breaks.
"""

import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, runtime_checkable

from notary import __version__, limits
from notary.errors import InputError, NotaryError, SystemFailureError, reason_of

if TYPE_CHECKING:
    from distributed import Client

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_SECONDS = 10
WITHOUT_WORKERS_SECONDS = 30.0
"""No worker for this long: a worker's nanny starts it again in three seconds."""

_LOOK_SECONDS = 1.0
_CLOSE_SECONDS = 3
_AGAIN = "run the same command again: what was hashed is kept"


@runtime_checkable
class SeenByWorker(Protocol):
    """A task's result that wants to know on which worker it came about."""

    def seen_by(self, worker: str) -> None: ...


@contextmanager
def cluster_executor(address: str) -> Iterator[Executor]:
    """An executor whose tasks run on the workers of the scheduler at `address`; it ends with the block.

    Raises InputError where `address` is none or `distributed` is not installed, SystemFailureError where nobody
    answers there, no worker is there, or one has another release than ours. The same, from the tasks' futures, where
    the cluster breaks.
    """
    if not re.fullmatch(r"(tcp|tls)://(\[[0-9a-fA-F:.]+\]|[\w.-]+):[0-9]{1,5}", address):
        raise InputError(f"the cluster {address!r} is not an address", "such as tcp://scheduler:8786, or tls://")
    client = _connected(address)
    try:
        _check_releases(client, address)
        executor = _ClusterExecutor(client, address)
        try:
            yield executor
        finally:
            executor.shutdown()
    finally:
        # The scheduler drops the tasks of a client that leaves, or that it hears no more of.
        with suppress(Exception):  # whatever fails here fails because the connection is gone already
            client.close(timeout=_CLOSE_SECONDS)


def _connected(address: str) -> "Client":
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--cluster needs Dask's distributed", "pip install 'notary[cluster]'") from None
    _keep_quiet()
    if address.startswith("tls:"):
        _check_keys()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # mismatched releases: `_check_releases` says what matters
            return Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name="notary")
    except OSError:  # of all reasons alike it says that time is up
        raise SystemFailureError(
            f"no scheduler answers at {address}",
            "`dask scheduler` starts one; its first lines say its address, with tcp:// or tls://",
        ) from None
    except (ImportError, RuntimeError, TypeError, ValueError) as error:
        raise SystemFailureError(f"the scheduler at {address} cannot be used: {_first_line(error)}") from None


def _check_keys() -> None:
    """Before distributed tries: a client that fails for want of keys cannot be closed."""
    from distributed import Security

    hint = "distributed's own configuration names them: distributed.comm.tls"
    try:
        has_keys = Security().get_connection_args("client").get("ssl_context")
    except OSError as error:
        raise InputError(f"the keys and certificates for tls:// cannot be used: {reason_of(error)}", hint) from None
    if not has_keys:
        raise InputError("there are no keys and certificates for tls://", hint)


def _keep_quiet() -> None:
    """distributed logs to standard error what is told in our own words, and more of it while it ends."""
    for name in ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _check_releases(client: "Client", address: str) -> None:
    try:
        found = client.get_versions(packages=["notary"])
        workers = client.scheduler_info(n_workers=-1)["workers"]
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise SystemFailureError(f"the cluster at {address} does not say what it is: {_first_line(error)}") from None
    if not workers:
        raise SystemFailureError(
            f"the scheduler at {address} has no workers", f"`dask worker {address}` starts one; several are better"
        )
    ours = found["client"]["packages"]
    wrong = _differences("the scheduler", ours, found["scheduler"], ("distributed",))
    for place, theirs in found["workers"].items():
        name = workers[place]["name"] if place in workers else place
        wrong += _differences(f"the worker {name}", ours, theirs, ("distributed", "notary"))
    if wrong:
        more = len(wrong) - limits.LISTED_PROBLEMS
        raise SystemFailureError(
            f"the cluster at {address} is not as this machine is",
            *wrong[: limits.LISTED_PROBLEMS],
            *([f"and {more} more"] if more > 0 else []),
            f"on each: pip install 'notary[cluster]=={__version__}' 'distributed=={ours['distributed']}'",
        )


def _differences(who: str, ours: dict[str, str], theirs: dict[str, Any], packages: tuple[str, ...]) -> list[str]:
    there = [(package, theirs["packages"].get(package)) for package in packages]
    return [
        f"{who} has {f'{package} {release}' if release else f'no {package}'}, and this machine has {ours[package]}"
        for package, release in there
        if release != ours[package]
    ]


class _ClusterExecutor(Executor):
    """distributed's executor, whose tasks know where they run, and whose futures end whatever happens, in our words."""

    def __init__(self, client: "Client", address: str) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._lost = SystemFailureError(f"the connection to the scheduler at {address} broke", _AGAIN)
        self._deserted = SystemFailureError(
            f"no worker is left at the scheduler {address}", "start workers again, then " + _AGAIN
        )
        self._under_way: set[Future[Any]] = set()
        self._failure: SystemFailureError | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="watches the cluster", daemon=True).start()

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        self._under_way.add(future)
        if self._failure:
            raise self._failure
        try:
            theirs = self._executor.submit(_on_worker, __version__, function, args, kwargs)
        except Exception:  # a client without its scheduler raises just that
            raise self._lost from None
        theirs.add_done_callback(partial(self._pass_on, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no tasks any more. Those under way end with the client."""
        self._ended.set()

    def _pass_on(self, future: Future[T], theirs: Future[T]) -> None:
        self._under_way.discard(future)
        with suppress(InvalidStateError):  # the watch was faster
            if theirs.cancelled():  # we cancel nothing; distributed does where it loses the scheduler
                future.set_exception(self._lost)
                self._fail(self._lost)
            elif (error := theirs.exception()) is not None:
                future.set_exception(_in_our_words(error))
            else:
                future.set_result(theirs.result())

    def _watch(self) -> None:
        without = 0.0
        while not self._ended.wait(_LOOK_SECONDS):
            if self._client.status != "running":
                return self._fail(self._lost)
            try:
                without = 0.0 if self._client.nthreads() else without + _LOOK_SECONDS
            except Exception:  # noqa: S112 - the connection is going, in whatever way: the status tells at the next look
                continue
            if without >= WITHOUT_WORKERS_SECONDS:
                return self._fail(self._deserted)
        return None

    def _fail(self, error: SystemFailureError) -> None:
        self._failure = self._failure or error
        for future in list(self._under_way):
            with suppress(InvalidStateError):
                future.set_exception(error)


def _in_our_words(error: BaseException) -> NotaryError:
    from distributed import KilledWorker

    if isinstance(error, NotaryError):
        return error
    if isinstance(error, KilledWorker):
        return SystemFailureError(
            f"{error.allowed_failures + 1} workers ended while they hashed the same files, the last one was "
            f"{error.last_worker.name}",
            "their logs may say why: memory, or a disk that fails",
            _AGAIN,
        )
    return SystemFailureError(f"the cluster failed: {type(error).__name__}: {_first_line(error)}", _AGAIN)


def _on_worker(release: str, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    """Runs there. Workers may come after `_check_releases`."""
    from distributed import get_worker

    name = str(get_worker().name)
    if release != __version__:
        raise SystemFailureError(f"the worker {name} has notary {__version__}, and its client has {release}")
    result = function(*args, **kwargs)
    if isinstance(result, SeenByWorker):
        result.seen_by(name)
    return result
