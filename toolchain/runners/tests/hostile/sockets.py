"""Attempts to reach somebody through a socket."""

import socket

from common import GIVEN, attempt


def reach(kind, address, sort=socket.SOCK_STREAM):
    with socket.socket(kind, sort) as client:
        client.settimeout(3)
        client.connect(address)
        client.sendall(b"let me in")
        return client.recv(100).decode()


@attempt
def reach_a_port_of_the_machine():
    return reach(socket.AF_INET, ("127.0.0.1", GIVEN["port"]))


@attempt
def reach_a_port_over_ipv6():
    return reach(socket.AF_INET6, ("::1", GIVEN["port6"]))


@attempt
def reach_a_datagram_port():
    return reach(socket.AF_INET, ("127.0.0.1", GIVEN["datagram"]), socket.SOCK_DGRAM)


@attempt
def reach_the_internet():
    return reach(socket.AF_INET, (GIVEN["outside"], 443))


@attempt
def resolve_a_name():
    return socket.getaddrinfo("pypi.org", 443)


@attempt
def reach_an_abstract_socket():
    return reach(socket.AF_UNIX, "\0" + GIVEN["abstract"])


@attempt
def reach_a_socket_in_the_data_folder():
    return reach(socket.AF_UNIX, GIVEN["socket"])


@attempt
def open_a_raw_socket():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


@attempt
def open_a_packet_socket():
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)


@attempt
def open_a_vsock():
    socket.socket(40, socket.SOCK_STREAM)


@attempt
def use_the_kernels_ciphers():
    socket.socket(38, socket.SOCK_SEQPACKET)
