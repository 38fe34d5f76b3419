# SPDX-License-Identifier: Apache-2.0
"""Certificate authorities for the peers of programs, by the openssl command."""
import os
import subprocess

# What believes the authority of roots().
BELIEVE = 'ca = { custom = ["test"] }'


class Authority:
    """A certificate authority of its own."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.root = os.path.join(directory, name + ".pem")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", "/CN=" + name, "-days", "2", "-keyout", self.root + ".key", "-out", self.root)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def issue(self, name, extensions):
        base = os.path.join(self.directory, f"{self.name}-{name}")
        with open(base + ".ext", "w", encoding="utf-8") as file:
            file.write(extensions)
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", "/CN=" + name, "-keyout", base + ".key", "-out", base + ".csr")
        self.openssl("x509", "-req", "-in", base + ".csr", "-CA", self.root, "-CAkey", self.root + ".key",
                     "-CAcreateserial", "-days", "2", "-extfile", base + ".ext", "-out", base + ".crt")
        return base + ".crt", base + ".key"

    def pem(self):
        with open(self.root, encoding="utf-8") as file:
            return file.read()


def roots(authority):
    return f'[roots]\ntest = """{authority.pem()}"""\n'
