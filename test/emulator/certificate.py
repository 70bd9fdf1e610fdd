"""A certificate authority and a server's certificate, made on the spot."""

import subprocess
from pathlib import Path

NAMES = "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1"
CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*arguments, text=None):
    """Runs openssl; raises with what it said."""
    done = subprocess.run(["openssl", *map(str, arguments)], input=text, text=True,
                          capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")


def make(directory):
    """Writes ca.pem and the server's certificate and key; returns the three paths."""
    directory = Path(directory)
    ca, ca_key = directory / "ca.pem", directory / "ca-key.pem"
    chain, key = directory / "server.pem", directory / "server-key.pem"
    request, extensions = directory / "server.csr", directory / "server.ext"
    openssl("req", "-x509", *CURVE, "-keyout", ca_key, "-out", ca, "-days", "30",
            "-subj", "/CN=healthlake emulator CA",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-new", *CURVE, "-keyout", key, "-out", request, "-subj", "/CN=localhost")
    extensions.write_text(f"subjectAltName={NAMES}\nextendedKeyUsage=serverAuth\n"
                          "basicConstraints=critical,CA:FALSE\n"
                          "authorityKeyIdentifier=keyid\n", encoding="ascii")
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
            "-days", "30", "-extfile", extensions, "-out", chain)
    ca_key.unlink()
    request.unlink()
    extensions.unlink()
    return ca, chain, key
