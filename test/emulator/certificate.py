"""A certificate authority and server certificates, generated when needed."""

import subprocess
from pathlib import Path

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
HERE = "DNS:localhost,DNS:*.localhost,DNS:datatransformation.localhost,IP:127.0.0.1,IP:::1"
ELSEWHERE = "DNS:elsewhere.invalid"
VALID = (["-days", "30"],)
# OpenSSL 3.4 and later take dates; earlier ones take a day before today
EXPIRED = (["-not_before", "20200101000000Z", "-not_after", "20200201000000Z"], ["-days", "-1"])


def openssl(*arguments):
    """Runs openssl; an error has its output."""
    done = subprocess.run(["openssl", *map(str, arguments)], text=True, capture_output=True,
                          check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")


class Authority:
    """Signs certificates, all for one server key; the authority's key is deleted by close()."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.ca = self.directory / "ca.pem"
        self.ca_key = self.directory / "ca-key.pem"
        self.key = self.directory / "server-key.pem"
        self.request = self.directory / "server.csr"
        openssl("req", "-x509", *CURVE, "-keyout", self.ca_key, "-out", self.ca, "-days", "30",
                "-subj", "/CN=healthlake emulator CA",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        openssl("req", "-new", *CURVE, "-keyout", self.key, "-out", self.request,
                "-subj", "/CN=healthlake emulator")

    def certify(self, name, hosts, periods=VALID):
        """A certificate for these hosts; periods are tried until openssl accepts one."""
        chain = self.directory / f"{name}.pem"
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={hosts}\nextendedKeyUsage=serverAuth\n"
                              "basicConstraints=critical,CA:FALSE\n"
                              "authorityKeyIdentifier=keyid\n", encoding="ascii")
        for period in periods:
            try:
                openssl("x509", "-req", "-in", self.request, "-CA", self.ca,
                        "-CAkey", self.ca_key, "-CAcreateserial", *period,
                        "-extfile", extensions, "-out", chain)
                break
            except RuntimeError:
                if period is periods[-1]:
                    raise
        extensions.unlink()
        return chain

    def close(self):
        """Deletes the temporary files."""
        self.ca_key.unlink()
        self.request.unlink()
