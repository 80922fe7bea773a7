"""The way of a request to a service: `/services/<namespace>/<name>/…`, part of the ASGI application.

callers    who calls, and whether they may
routes     which replicas answer for a service now
counting   what is counted of requests, by minute
passing    a request there, an answer back, neither kept in memory
entrance   the ASGI application that puts these together
"""

from toolchain.inference.gateway.entrance import Gateway

__all__ = ["Gateway"]
