#!/usr/bin/env python3
"""What idle TLS clients cost tandemd: resident memory a client, with and without certificates of their own. Beside them, plain ones.

usage: idle_clients.py ROOT BIN [COUNT]    not a part of the tests: memory is a figure, not a verdict
"""
import resource
import socket
import ssl
import sys

from broker import Broker, Plant, free_port, until

CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"  # clean, no keep-alive, no client id
CONNACK = b"\x20\x02\x00\x00"


def resident_kib(process):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def measure(broker, port, count, context):
    """KiB a client, after the first hundred have made what is made once."""
    clients = []
    for i in range(count + 100):
        if i == 100:
            before = resident_kib(broker.process)
        client = socket.create_connection(("127.0.0.1", port))
        if context:
            client = context.wrap_socket(client, server_hostname="127.0.0.1")
        client.sendall(CONNECT)
        assert client.recv(4) == CONNACK
        clients.append(client)
    until(lambda: broker.status()["self"]["clients"] == count + 100, "all are connected")
    after = resident_kib(broker.process)
    for client in clients:
        client.close()
    return (after - before) / count


def main(root, bin_folder, count):
    resource.setrlimit(resource.RLIMIT_NOFILE, (count * 2 + 1000,) * 2)
    for name in ("plain", "tls", "certificates", "tls1.2"):
        plant = Plant(root)
        tls = f'client_ca_file = "{plant.path("ca.pem")}"' if name == "certificates" else ""
        broker = Broker(plant, bin_folder, tls=tls, plain_port=free_port()).serve()
        context = ssl.create_default_context(cafile=plant.path("ca.pem"))
        if name == "certificates":
            context.load_cert_chain(plant.path("press7.pem"), plant.path("press7.key"))
        if name == "tls1.2":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        port = broker.plain_port if name == "plain" else broker.port
        try:
            print(f"{name:13} {measure(broker, port, count, None if name == 'plain' else context):6.1f} KiB a client", flush=True)
        finally:
            broker.kill()
            plant.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 3000)
