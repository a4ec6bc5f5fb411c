"""What every MQTT packet is made of, as bytes: for tests and measurements that say exactly what goes over the wire."""


def field(data):
    """A string or binary field, with its length of two bytes before it."""
    data = data.encode() if isinstance(data, str) else data
    return len(data).to_bytes(2, "big") + data


def packet(first, body=b""):
    """With its remaining length behind the first byte."""
    length, out = len(body), bytearray([first])
    while True:
        length, digit = divmod(length, 128)
        out.append(digit | (128 if length else 0))
        if not length:
            return bytes(out) + body
