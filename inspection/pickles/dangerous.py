"""The globals that no weights need and that run code, start processes, read and write files or reach the network when called.

This list decides nothing about what is safe (see `allowed`): it only tells what is known to be dangerous from what is unknown,
with the reason as a stable word: `code`, `process`, `attributes`, `loads`, `files`, `network` or `interpreter`.
"""

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from typing import Final

# Modules of which every name counts, with all that lies below them.
_MODULES: Final[dict[str, str]] = {
    "code": "bdb cffi cloudpickle code codeop cProfile _ctypes ctypes dill distutils doctest ensurepip "
    "_frozen_importlib _frozen_importlib_external idlelib _imp imp importlib IPython jinja2 lib2to3 marshal numba numexpr "
    "numpy.distutils numpy.f2py numpy.testing pdb pkg_resources pkgutil profile pstats pyclbr pydoc rlcompleter runpy "
    "setuptools site test.support this timeit torch._dynamo torch._inductor torch.classes torch.fx torch.hub torch.jit torch.ops "
    "torch.package torch.testing torch.utils.bottleneck torch.utils.cpp_extension torch.utils.model_dump trace unittest "
    "venv _xxsubinterpreters zipapp zipimport",
    "process": "_aix_support billiard commands concurrent fabric invoke multiprocess multiprocessing nt os _osx_support pexpect pip "
    "popen2 posix _posixsubprocess pty _pyrepl sh subprocess torch.distributed.run torch.multiprocessing "
    "torch.utils.collect_env _winapi winreg",
    "loads": "cPickle jsonpickle _pickle pickle pickletools shelve torch.utils.show_pickle yaml",
    "files": "dbm fileinput glob linecache mmap netrc ntpath posixpath shutil sqlite3 tarfile tempfile zipfile",
    "network": "aiohttp antigravity asyncio BaseHTTPServer boto3 botocore fsspec ftplib grpc http httplib httpx imaplib mailcap "
    "nntplib paramiko poplib pycurl requests SimpleHTTPServer smtpd smtplib _socket socket SocketServer socketserver _ssl "
    "ssl telnetlib tornado twisted urllib urllib2 urllib3 webbrowser websocket websockets wsgiref xmlrpc xmlrpclib zmq",
    "interpreter": "atexit faulthandler gc _posixshmem resource sched _signal signal sys _thread threading tracemalloc _xxinterpchannels",
}

# Single names of modules that also hold harmless ones.
_NAMES: Final[dict[str, dict[str, str]]] = {
    "code": {
        "builtins": "__build_class__ __import__ breakpoint compile eval exec execfile help reload",
        "types": "CodeType FunctionType LambdaType MethodType ModuleType new_class",
        "pandas": "eval",
        "pandas.core.computation.eval": "eval",
        "pandas.core.frame": "DataFrame.eval DataFrame.query",
        "pandas.io.formats.style": "Styler",
        "sympy": "lambdify parse_expr sympify",
        "sympy.core.sympify": "sympify",
        "sympy.parsing.sympy_parser": "eval_expr parse_expr",
        "sympy.utilities.lambdify": "lambdify",
        "keras.utils.generic_utils": "func_load",
        "keras.src.utils.python_utils": "func_load",
        "tensorflow.python.keras.utils.generic_utils": "func_load",
        "transformers.dynamic_module_utils": "get_class_from_dynamic_module get_class_in_module",
        "torch.utils._config_module": "ConfigModule.load_config",
        "torch.distributed.rpc.internal": "_run_function",
        "torch.utils.data.datapipes.utils.decoder": "basichandlers",
    },
    "process": {"platform": "_syscmd_file popen", "uuid": "_get_command_stdout _popen", "numpy": "ctypeslib.load_library"},
    "attributes": {
        "builtins": "apply delattr dir getattr globals locals setattr super vars",
        "inspect": "currentframe getattr_static getmembers stack",
        "operator": "attrgetter call methodcaller",
        "_operator": "attrgetter call methodcaller",
        "weakref": "finalize",
        "functools": "cached_property partial partialmethod reduce singledispatch",
        "_functools": "partial reduce",
        "copyreg": "add_extension clear_extension_cache constructor pickle remove_extension",
        "logging.config": "dictConfig fileConfig listen",
        "torch._utils": "_import_dotted_name",
        "django.utils.module_loading": "import_string",
        "werkzeug.utils": "import_string",
    },
    "loads": {
        "joblib": "load",
        "joblib.numpy_pickle": "NumpyUnpickler load load_temporary_memmap",
        "joblib.numpy_pickle_compat": "NDArrayWrapper ZNDArrayWrapper load_compatibility",
        "numpy": "load",
        "numpy.lib.npyio": "load",
        "numpy.lib._npyio_impl": "load",
        "numpy.lib.format": "read_array",
        "pandas": "read_pickle",
        "pandas.io.pickle": "read_pickle",
        "pandas.compat.pickle_compat": "Unpickler load loads",
        "torch": "load",
        "torch.serialization": "_legacy_load _load load",
        "sklearn.externals.joblib": "load",
        "keras.models": "load_model",
        "tensorflow.keras.models": "load_model",
    },
    "files": {
        "builtins": "file open",
        "io": "FileIO open open_code",
        "_io": "FileIO open open_code",
        "codecs": "open",
        "bz2": "BZ2File open",
        "gzip": "GzipFile open",
        "lzma": "LZMAFile open",
        "logging": "FileHandler",
        "logging.handlers": "BaseRotatingHandler RotatingFileHandler TimedRotatingFileHandler WatchedFileHandler",
        "numpy": "DataSource fromfile fromregex genfromtxt loadtxt save savetxt savez savez_compressed",
        "numpy.lib.npyio": "fromregex genfromtxt loadtxt save savetxt savez savez_compressed",
        "numpy.lib._npyio_impl": "fromregex genfromtxt loadtxt save savetxt savez savez_compressed",
        "pandas": "read_csv read_fwf read_hdf read_html read_sql read_table",
        "torch": "from_file save",
        "torch.serialization": "save",
        "distutils.file_util": "write_file",
    },
    "network": {"logging.handlers": "DatagramHandler HTTPHandler SMTPHandler SocketHandler SysLogHandler"},
    "interpreter": {"builtins": "exit input quit raw_input", "_sitebuiltins": "Quitter"},
}

# Harmless to name, dangerous to call: it opens the file whose name it is given.
_WHEN_CALLED: Final = {("numpy", "memmap"): "files", ("numpy.core.memmap", "memmap"): "files", ("numpy._core.memmap", "memmap"): "files"}

_BY_MODULE: Final = {module: reason for reason, modules in _MODULES.items() for module in modules.split()}
_BY_NAME: Final = {
    (module, name): reason for reason, modules in _NAMES.items() for module, names in modules.items() for name in names.split()
}
_INSIDES: Final = frozenset(
    "__bases__ __builtins__ __call__ __class__ __closure__ __code__ __dict__ __func__ __getattr__ __getattribute__ __globals__ __import__ "
    "__init_subclass__ __loader__ __mro__ __reduce__ __reduce_ex__ __self__ __spec__ __subclasses__ __wrapped__ f_globals "
    "func_globals mro".split()
)


def why_dangerous(module: str, name: str, *, called: bool) -> str | None:
    """Return why this global is dangerous, or None where nothing is known against it.

    Looks at the name as it stands and as Python 3 reads names of Python 2, and into dotted names: `("torch", "hub.os.system")`
    reaches `os.system`.
    """
    module, name = module.strip(), name.strip()
    if (reason := _why(module, name, called)) is not None:
        return reason
    renamed = NAME_MAPPING.get((module, name)) or (IMPORT_MAPPING.get(module, module), name)
    return _why(*renamed, called) if renamed != (module, name) else None


def _why(module: str, name: str, called: bool) -> str | None:
    parts = name.split(".")
    if module.endswith("__main__") and module != "__main__":
        return "code"  # importing it runs a program
    for step in range(len(parts)):
        rest = ".".join(parts[step:])
        inner = ".".join(parts[:step])
        for place in {".".join(part for part in (module, inner) if part), inner.rpartition(".")[2]}:
            reason = _known(place, rest) or (_WHEN_CALLED.get((place, rest)) if called else None)
            if reason is not None:
                return reason
    return None if _INSIDES.isdisjoint(parts) else "attributes"


def _known(module: str, name: str) -> str | None:
    """Return the reason of the name itself, of its module, or of a module above that."""
    if (reason := _BY_NAME.get((module, name))) is not None:
        return reason
    while module:
        if (reason := _BY_MODULE.get(module)) is not None:
            return reason
        module = module.rpartition(".")[0]
    return None
