"""What of Python works in the sandbox. README.md says so too, in tables written from here.

`uv run python packages/sandbox/tests/test_language.py` writes them anew.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.stops import Ended
from contextworker.sandbox.limits import DEFAULT

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- written by tests/test_language.py -->\n"
END = "<!-- end -->\n"


@dataclass(frozen=True)
class Works:
    """Something of Python, and code that has it: its last expression is true."""

    what: str
    code: str


@dataclass(frozen=True)
class Lacks:
    """Something that the interpreter refuses, in what words, and what to write in its place."""

    what: str
    code: str
    says: str
    instead: str


WORKS = (
    Works(
        "classes: attributes, methods, `__init__`, `__repr__`, `__eq__`, `__add__`, `__iter__`, "
        "`__getitem__`, `__call__`, `__enter__`",
        "class A:\n    n = 1\n    def __init__(self, x): self.x = x\n"
        "    def __eq__(self, o): return self.x == o.x\n    def __repr__(self): return 'A!'\n"
        "    def __add__(self, o): return A(self.x + o.x)\n"
        "    def f(self): return self.x + self.n\n"
        "    def __iter__(self): return iter([self.x])\n    def __getitem__(self, k): return k\n"
        "    def __call__(self): return 9\n    def __enter__(self): return self\n"
        "    def __exit__(self, *e): return True\n"
        "with A(1) as a:\n    raise ValueError('x')\n"
        "[a.f(), a == A(1), repr(a + A(1)), list(a), a[3], a()] == [2, True, 'A!', [1], 3, 9]",
    ),
    Works(
        "`@dataclass`, with defaults and methods",
        "from dataclasses import dataclass, field\n@dataclass\nclass P:\n    x: int\n"
        "    y: list = field(default_factory=list)\n    def f(self): return self.x\n"
        "P(1) == P(1) and P(3).f() == 3",
    ),
    Works(
        "functions: defaults, `*args`, `**kwargs`, positional- and keyword-only, closures, "
        "recursion, `lambda`, decorators",
        "def twice(f):\n    return lambda *a, **k: f(*a, **k) * 2\n"
        "@twice\ndef f(a, /, b=2, *rest, c, **more): return a + b + c + len(rest) + len(more)\n"
        "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n"
        "        return n\n    return inner\ncount = outer()\ncount()\n"
        "f(1, c=3) == 12 and f(*[1, 2, 3], **{'c': 4, 'd': 5}) == 18 and count() == 2",
    ),
    Works("`global`, `nonlocal`", "n = 0\ndef f():\n    global n\n    n += 1\nf()\nn == 1"),
    Works(
        "comprehensions, and generator expressions",
        "[x for x in range(3) if x] == [1, 2] and {x: 1 for x in 'a'} == {'a': 1} "
        "and {x for x in 'aa'} == {'a'} and sum(x * x for x in range(4)) == 14",
    ),
    Works(
        "`if`, `for … else`, `while … else`, `break`, `continue`, conditional expressions, `:=`",
        "r = []\nfor x in range(9):\n    if x == 1: continue\n    if x == 3: break\n"
        "    r.append(x)\n"
        "else:\n    r.append('never')\nwhile False: pass\nelse: r.append((y := 5))\n"
        "(r if r else 0) == [0, 2, 5]",
    ),
    Works(
        "`match` with patterns of values, sequences, mappings, guards",
        "match {'a': [1, 2, 3]}:\n    case {'a': [x, *rest]} if x == 1: r = rest\n"
        "    case _: r = 0\nr == [2, 3]",
    ),
    Works(
        "`try`, `except`, `else`, `finally`, `raise … from`, `assert`",
        "r = []\ntry:\n    try:\n        assert 1 == 2\n    except AssertionError as e:\n"
        "        raise KeyError('k') from e\n    finally:\n        r.append('f')\n"
        "except LookupError as e:\n    r.append(type(e).__name__)\nelse:\n    r.append('never')\n"
        "r == ['f', 'KeyError']",
    ),
    Works(
        "`with`, of one's own classes",
        "class A:\n    def __enter__(self): return 1\n    def __exit__(self, *e): return False\n"
        "with A() as a, A() as b: pass\na + b == 2",
    ),
    Works(
        "`async def`, `await`, `asyncio.run`, `asyncio.gather`, `asyncio.sleep`",
        "import asyncio\nasync def f(x): return x\nasync def main():\n"
        "    return await asyncio.gather(f(1), f(2))\nasyncio.run(main()) == [1, 2]",
    ),
    Works(
        "unpacking, slices, slice assignment, chained comparisons, augmented assignment",
        "a, *b, c = [1, 2, 3, 4]\nx = [1, 2, 3]\nx[0:2] = [9]\nx += [*b]\n"
        "x == [9, 3, 2, 3] and {**{'a': 1}, 'b': 2}['b'] == 2 and 1 < 2 < 3 and x[::-1][0] == 3",
    ),
    Works(
        "f-strings, `str.format`, `%`",
        "x = 3.14159\nf'{x:.2f} {\"a\"!r:>5} {x=}' == \"3.14   'a' x=3.14159\" "
        "and '{0} {y}'.format(1, y=2) == '1 2' and '%s-%d' % ('a', 1) == 'a-1'",
    ),
    Works(
        "type hints, generic functions and classes",
        "x: int = 1\ndef f[T](a: list[T] | None = None) -> 'T': return 1\nclass A[T]:\n    n: int\n"
        "f() == 1",
    ),
    Works(
        "integers of any size, floats, complex numbers, bytes, sets, frozensets, tuples",
        "2 ** 200 > 10 ** 60 and 1j * 1j == -1 and b'ab'.hex() == '6162' "
        "and {1, 2} & {2, 3} == frozenset([2]) and (1, 2) < (1, 3)",
    ),
    Works(
        "`eval` and `exec`, in the same sandbox; `isinstance`, `getattr`, `setattr`, `hasattr`, "
        "`sorted`, `zip`, `map`, `filter`, `enumerate`, `min`, `max`, `sum`, `any`, `all`",
        "exec('y = 2')\nclass A: pass\na = A()\nsetattr(a, 'x', eval('1 + y'))\n"
        "getattr(a, 'x') == 3 and not hasattr(a, 'z') and isinstance(1, (int, str)) "
        "and sorted(zip([2, 1], 'ab')) == [(1, 'b'), (2, 'a')] and list(map(str, [1])) == ['1'] "
        "and max([1, 2], key=lambda v: -v) == 1 and list(filter(None, [0, 1])) == [1]",
    ),
    Works(
        "`print(…, file=sys.stderr)`",
        "import sys\nprint('x', file=sys.stderr, sep='', end='')\nTrue",
    ),
)

_PARSER = "The monty syntax parser does not yet support "
_METHODS = f"{_PARSER}method decorators"

LACKS = (
    Lacks(
        "inheritance, metaclasses, and so exceptions, `Enum`, `NamedTuple` of one's own",
        "class E(Exception): pass",
        f"{_PARSER}class inheritance and metaclasses",
        "an object inside another; `ValueError('…')`; constants; `namedtuple`",
    ),
    Lacks(
        "`yield`",
        "def f():\n    yield 1",
        f"{_PARSER}yield expressions",
        "a list, or a generator expression",
    ),
    Lacks(
        "`del`",
        "x = {'a': 1}\ndel x['a']",
        f"{_PARSER}the 'del' statement",
        "`x.pop('a')`; `x[:] = …`",
    ),
    Lacks(
        "`@property`",
        "class A:\n    @property\n    def x(self): return 1",
        _METHODS,
        "a method",
    ),
    Lacks(
        "`@classmethod`, `@staticmethod`",
        "class A:\n    @staticmethod\n    def x(): return 1",
        _METHODS,
        "a function",
    ),
    Lacks(
        "`__len__` of a class",
        "class A:\n    def __len__(self): return 1\nlen(A())",
        "object of type 'A' has no len()",
        "a method",
    ),
    Lacks(
        "`async for`, `async with`",
        "async def f():\n    async with x: pass",
        f"{_PARSER}async context managers",
        "`for`, `with`",
    ),
    Lacks(
        "`except*`, exception groups",
        "try: pass\nexcept* ValueError: pass",
        f"{_PARSER}exception groups",
        "`except`",
    ),
    Lacks(
        "an exception of several arguments, or of one that is no string",
        "raise ValueError(5)",
        "an exception takes no argument here or one string",
        "`raise ValueError(str(x))`",
    ),
    Lacks(
        "`from … import *`",
        "from math import *",
        "Wildcard imports",
        "the names",
    ),
    Lacks("`type X = …`", "type X = int", f"{_PARSER}type aliases", "`X = int`"),
    Lacks(
        "`callable`, `issubclass`, `super`, `dir`, `vars`, `globals`, `input`, `bytearray`, …",
        "input()",
        "name 'input' is not defined",
        "",
    ),
    Lacks(
        "files",
        "open('/etc/passwd')",
        "Permission denied: '/etc/passwd'",
        "inputs; a tool",
    ),
    Lacks(
        "the environment",
        "import os\nos.environ",
        "'os.environ' is not supported in this environment",
        "inputs",
    ),
    Lacks(
        "`sys.exit`, `exit`",
        "import sys\nsys.exit()",
        "module 'sys' has no attribute 'exit'",
        "an `if`; the last expression is the result",
    ),
    Lacks(
        "`asyncio.create_task`, queues, locks",
        "import asyncio\nasyncio.create_task(1)",
        "module 'asyncio' has no attribute 'create_task'",
        "`asyncio.gather`",
    ),
    Lacks(
        "tools inside `map`, `filter`, `sorted(key=…)`",
        "sorted([1], key=look)",
        "external function 'look' cannot suspend in this synchronous context",
        "a loop or a comprehension",
    ),
    Lacks(
        "every other module: `io`, `uuid`, `string`, `statistics`, `operator`, `contextlib`, "
        "`heapq`, `enum`, `urllib`, `subprocess`, …; and every package",
        "import numpy",
        "No module named 'numpy'",
        "",
    ),
)

MODULES = {
    "asyncio": "run gather sleep",
    "base64": "b64encode b64decode b32encode b16encode b85encode urlsafe_b64encode",
    "binascii": "hexlify unhexlify crc32",
    "bisect": "bisect bisect_left bisect_right insort",
    "collections": "Counter defaultdict deque namedtuple",
    "copy": "copy deepcopy",
    "csv": "reader writer DictReader DictWriter",
    "dataclasses": "dataclass field is_dataclass",
    "datetime": "date datetime time timedelta timezone",
    "decimal": "Decimal getcontext localcontext ROUND_HALF_UP",
    "functools": "cache lru_cache partial reduce",
    "hashlib": "md5 sha1 sha256 sha512 blake2b pbkdf2_hmac",
    "itertools": "accumulate chain combinations count cycle groupby islice pairwise permutations "
    "product repeat starmap takewhile tee zip_longest",
    "json": "loads dumps JSONDecodeError",
    "math": "ceil floor sqrt log exp pi sin gcd comb fsum prod isclose inf nan",
    "os": "getcwd path",
    "pathlib": "Path",
    "random": "Random random randint choice choices sample shuffle seed uniform gauss",
    "re": "search match fullmatch findall finditer sub split compile escape IGNORECASE",
    "sys": "stdout stderr version maxsize",
    "time": "time monotonic sleep strftime strptime gmtime",
    "tomllib": "loads",
    "typing": "Any Callable Generic Literal Optional Protocol TypeVar Union",
    "unicodedata": "category normalize name",
}


def tables() -> str:
    """Return the README's tables."""
    lines = ["| works |", "|---|", *[f"| {row.what} |" for row in WORKS], ""]
    lines += ["| does not | what to write |", "|---|---|"]
    lines += [f"| {row.what} | {row.instead} |" for row in LACKS]
    lines += ["", "| module | has |", "|---|---|"]
    lines += [
        f"| `{module}` | {', '.join(f'`{name}`' for name in names.split())} |"
        for module, names in MODULES.items()
    ]
    return "\n".join(lines) + "\n"


async def _run(interpreter: Interpreter, code: str) -> Ended:
    stop = await interpreter.start(code, {}, tenant_id="acme", limits=DEFAULT)
    assert isinstance(stop, Ended)
    return stop


@pytest.mark.parametrize("row", WORKS, ids=lambda row: row.what[:30])
async def test_what_works(interpreter: Interpreter, row: Works) -> None:
    """As in Python."""
    ended = await _run(interpreter, row.code)

    assert (True, None) == (ended.finished.result, ended.finished.error)


@pytest.mark.parametrize("row", LACKS, ids=lambda row: row.what[:30])
async def test_what_does_not(interpreter: Interpreter, row: Lacks) -> None:
    """In the interpreter's own words."""
    ended = await _run(interpreter, row.code)

    assert ended.finished.error is not None
    assert row.says in ended.finished.error.message


@pytest.mark.parametrize("module", MODULES)
async def test_a_module_has(interpreter: Interpreter, module: str) -> None:
    """At least these names."""
    names = MODULES[module].replace(" ", ", ")
    ended = await _run(interpreter, f"from {module} import {names}\n1")

    assert (1, None) == (ended.finished.result, ended.finished.error)


def test_the_readme_says_the_same() -> None:
    """Run this file to write its tables anew."""
    _, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)

    assert tables() == rest.partition(END)[0]


if __name__ == "__main__":
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(before + BEGIN + tables() + END + rest.partition(END)[2], encoding="utf-8")
