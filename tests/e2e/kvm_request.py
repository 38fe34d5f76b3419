# SPDX-License-Identifier: Apache-2.0
"""kvm_request.py KEY.pem >REQUEST: the certification request of a Keep without protection."""
import subprocess
import sys


def tlv(tag, *parts):
    value = b''.join(parts)
    length = bytes([len(value)]) if len(value) < 128 else bytes([0x81, len(value)])
    return bytes([tag]) + length + value


def openssl(*words, data=None):
    return subprocess.run(['openssl', *words], input=data, capture_output=True, check=True).stdout


OID = bytes.fromhex('2b0601040183c71e0101')
extensions = tlv(0x30, tlv(0x30, tlv(6, OID), tlv(4)))
attribute = tlv(0x30, tlv(6, bytes.fromhex('2a864886f70d01090e')), tlv(0x31, extensions))
key = openssl('pkey', '-in', sys.argv[1], '-pubout', '-outform', 'der')
body = tlv(0x30, tlv(2, b'\0'), tlv(0x30), key, tlv(0xA0, attribute))
algorithm = tlv(0x30, tlv(6, bytes.fromhex('2a8648ce3d040302')))
signature = openssl('dgst', '-sha256', '-sign', sys.argv[1], data=body)
sys.stdout.buffer.write(tlv(0x30, body, algorithm, tlv(3, b'\0', signature)))
