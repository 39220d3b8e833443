"""What the code does not do, read from the code: nothing here needs to be run to be known (docs/asvs.md leads here)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from config import ROOT

SERVED = [
    *(ROOT / "registration").rglob("*.py"),
    ROOT / "config.py",
    ROOT / "wsgi.py",
]
"""What runs in production; `develop`, which starts our own programs, is of a developer's machine."""
DEVELOPMENT = {ROOT / "registration" / "develop.py"}
SCRIPTS = [*(ROOT / "registration" / "static").glob("*.js")]
TEMPLATES = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "templates").rglob("*.txt")]


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in SERVED:
        if path not in DEVELOPMENT:
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported() -> set[str]:
    """Every module that the code imports, and each name it takes out of one, with dots between."""
    found: set[str] = set()
    for _path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found


def called() -> set[str]:
    """Every name that the code calls, as it is written: `eval`, `os.system`, `hashlib.sha256`."""
    return {ast.unparse(node.func) for _path, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call)}


def uses(*modules: str) -> set[str]:
    return {one for one in imported() if any(one == module or one.startswith(f"{module}.") for module in modules)}


def test_the_code_is_read() -> None:
    assert {"flask.Flask", "hashlib", "smtplib"} <= imported()
    assert {"create_app", "hashlib.sha256", "hmac.digest"} <= called()


def test_no_code_is_made_of_data() -> None:
    assert called() & {"eval", "exec", "compile", "__import__", "importlib.import_module"} == set()


def test_no_program_is_started() -> None:
    assert uses("subprocess", "pty", "multiprocessing") == set()
    assert {one for one in called() if re.match(r"os\.(system|popen|exec|spawn|posix_spawn)", one)} == set()


def test_nothing_is_unpickled_and_no_xml_ldap_or_latex_is_read() -> None:
    unwanted = (
        "pickle",
        "marshal",
        "shelve",
        "dill",
        "jsonpickle",
        "xml",
        "lxml",
        "ldap",
        "ldap3",
        "memcache",
        "pylatex",
    )
    assert uses(*unwanted, "pymemcache", "markdown", "ctypes", "cffi") == set()


def test_yaml_is_read_as_events_and_makes_no_objects() -> None:
    assert {one for one in called() if "YAML(" in one or one == "YAML"} <= {"YAML", "YAML(typ='safe', pure=True).parse"}
    assert uses("yaml") == set()


def test_no_other_machine_is_asked_over_http() -> None:
    clients = ("urllib.request", "http.client", "requests", "httpx", "aiohttp", "urllib3", "pycurl", "ftplib")
    assert uses(*clients) == set()


def test_no_template_is_made_of_data() -> None:
    assert {one for one in called() if one.endswith(("from_string", "render_template_string"))} == set()
    assert uses("jinja2.Template", "jinja2.Environment", "string.Template") == set()


def test_what_organizers_write_is_parsed_and_never_formatted() -> None:
    """`{event.__class__}` in their words is an unknown placeholder, as no object is ever reached by a format string."""
    assert {one for one in called() if one.endswith((".format_map", ".vformat", ".get_field"))} == set()
    assert {one for one in called() if "Formatter" in one} == {"Formatter", "Formatter().parse"}


def test_no_page_takes_a_text_for_html() -> None:
    """Markup() of what is written in the code itself is ours; of anything else it would be somebody's."""
    marked = [
        ast.unparse(node)
        for _path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Markup" and not _is_written(node)
    ]
    assert marked == []
    unsafe = re.compile(r"(?<!\"<br>\" )\|\s*safe\b|autoescape\s+false")
    assert [path.name for path in TEMPLATES if unsafe.search(path.read_text(encoding="utf-8"))] == []


def _is_written(call: ast.Call) -> bool:
    return all(isinstance(argument, ast.Constant) for argument in call.args)


def test_sql_is_never_put_together_from_strings() -> None:
    """`text(...)` and `execute(...)` get what is written in the code, or what SQLAlchemy makes."""
    put_together = [
        f"{path.name}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in ("text", "execute", "exec_driver_sql")
        for argument in node.args[:1]
        if isinstance(argument, (ast.JoinedStr, ast.BinOp)) and not _is_a_pragma(argument)
    ]
    assert put_together == []


def _is_a_pragma(argument: ast.expr) -> bool:
    """Our own settings of SQLite, which take no parameters."""
    return ast.unparse(argument).startswith("f'PRAGMA ")


def test_regular_expressions_are_written_and_not_made_of_what_is_typed() -> None:
    """Each pattern is a module's constant, so no argument of a view reaches one."""
    inside = [
        f"{path.name}:{node.lineno}"
        for path, tree in trees()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and re.match(r"re\.(compile|match|fullmatch|search|sub|findall)$", ast.unparse(node.func))
        if not isinstance(node.args[0], ast.Constant) and not ast.unparse(node.args[0]).isupper()
    ]
    assert inside == []


def test_hashes_are_of_the_sha_2_family() -> None:
    hashes = {found[0] for one in called() if (found := re.match(r"(hashlib|hashes)\.\w+", one))}
    assert hashes == {"hashlib.sha256", "hashes.SHA256"}


def test_sealing_is_aes_gcm_of_a_library_and_no_other_cipher_is_in_use() -> None:
    assert uses("cryptography.hazmat") == {
        "cryptography.hazmat.primitives",
        "cryptography.hazmat.primitives.ciphers.aead",
        "cryptography.hazmat.primitives.ciphers.aead.AESGCM",
        "cryptography.hazmat.primitives.hashes",
        "cryptography.hazmat.primitives.kdf.hkdf",
        "cryptography.hazmat.primitives.kdf.hkdf.HKDF",
    }
    assert uses("Crypto", "Cryptodome", "nacl", "itsdangerous", "jwt") == set()


def test_chance_that_is_no_secret_makes_jitter_and_crowds_alone() -> None:
    users = {
        path.name
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) and "random" in {one.name for one in node.names}
    }
    assert users == {"outbox.py", "crowds.py"}


def test_scripts_write_text_alone_and_keep_and_send_nothing() -> None:
    unwanted = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|localStorage|sessionStorage"
        r"|indexedDB|document\.cookie|postMessage|onmessage|XMLHttpRequest|sendBeacon|WebSocket|__proto__|import\s*\(|https?://"
    )
    assert SCRIPTS
    assert {path.name: unwanted.findall(path.read_text(encoding="utf-8")) for path in SCRIPTS} == {
        path.name: [] for path in SCRIPTS
    }


def test_no_template_has_a_script_a_style_or_a_handler_in_it() -> None:
    unwanted = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=\"|href=\"javascript:")
    pages = [path for path in TEMPLATES if "mail" not in path.parts[-2:-1]]
    assert [path.name for path in pages if unwanted.search(path.read_text(encoding="utf-8"))] == []
